"""`lab walk` refuses what it cannot walk before anything is touched."""

from __future__ import annotations

from pathlib import Path

import pytest

from coreos_lab.cli import called
from coreos_lab.errors import Exit
from tests import paged_lab

PAGE = "# A\n\n```console\n$ true\n```\n"


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LAB_STATE_DIR", str(tmp_path / "state"))
    return paged_lab.write(tmp_path / "mine", PAGE)


@pytest.mark.parametrize(
    ("page", "options", "message"),
    [
        (PAGE, ("--from", "2", "--test"), "--from 2: the page of mine has 1 steps"),
        ("# A\n", ("--test",), "page.md: has no steps to go through"),
        (None, ("--test",), "mine: has no page.md to go through"),
        ("```console\nx\n```\n", ("--test",), "page.md:2: output without a command"),
        (PAGE, ("--json",), "--json: needs --test"),
        (PAGE, ("--junit", "x.xml"), "--junit: needs --test"),
        (PAGE, ("--reset",), "core: no such cluster"),
    ],
)
def test_refused(
    mine: Path, page: str | None, options: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    if page is None:
        (mine / "page.md").unlink()
    else:
        (mine / "page.md").write_text(page, encoding="utf-8")
    assert called(["walk", str(mine), *options]) == Exit.USAGE
    assert message in capsys.readouterr().err


def test_a_walk_that_needs_no_cluster_passes(mine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert called(["walk", str(mine), "--test"]) == Exit.DONE
    assert "ok   1 true" in capsys.readouterr().out


def test_the_exit_code_is_the_verdict(mine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (mine / "page.md").write_text(PAGE.replace("true", "echo why; false"), encoding="utf-8")
    assert called(["walk", str(mine), "--test"]) == Exit.FAILED
    shown = capsys.readouterr()
    assert "FAIL 1 echo why; false" in shown.out
    assert "     | why" in shown.err
    (mine / "page.md").write_text(PAGE.replace("true", "lab () { return 3; }\n$ lab check"), encoding="utf-8")
    assert called(["walk", str(mine), "--test"]) == Exit.UNKNOWN


def test_a_printed_walk_names_the_folder_of_a_lab_of_ones_own(mine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (mine / "page.md").write_text(PAGE.replace("true", "false"), encoding="utf-8")
    assert called(["walk", str(mine), "--test"]) == Exit.FAILED
    assert f"lab walk {mine} --test --from 1" in capsys.readouterr().err
