"""`lab walk` refuses what it cannot walk before anything is touched."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from coreos_lab.cli import called
from coreos_lab.commands import starting_point
from coreos_lab.errors import Exit
from coreos_lab.model import Cluster
from coreos_lab.records import store, walks
from coreos_lab.records.walks import Progress
from tests import paged_lab

PAGE = "# A\n\n```console\n$ true\n```\n"
# The loop shows once that there is a file, which is gone then.
BESIDE = """```console terminal=loop within=20s
$ while sleep 0.05; do echo running; [ ! -e {file} ] || {{ echo seen; rm {file}; }}; done
running
```

```console
$ touch {file}; while [ -e {file} ]; do sleep 0.05; done
```

```console terminal=loop within=20s
seen
```

```console terminal=loop within=20s
running
```
"""


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


def test_a_step_to_begin_with_is_one_of_one_page(mine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert called(["walk", "ch4", "--test", "--from", "2"]) == Exit.USAGE
    shown = capsys.readouterr().err
    assert "--from 2: ch4 has several pages" in shown
    assert "ch4-firewall, ch4-flannel" in shown


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


@pytest.fixture
def beside(mine: Path, tmp_path: Path, planned: Callable[..., Cluster], monkeypatch: pytest.MonkeyPatch) -> Path:
    """A lab whose page has a second terminal, and a cluster with which its walks are recorded."""
    monkeypatch.setattr(starting_point, "keep", lambda _name, _lab: None)
    store.save(planned())
    (mine / "page.md").write_text(BESIDE.format(file=tmp_path / "file"), encoding="utf-8")
    return mine


def test_a_walk_goes_on_with_a_second_terminal_open(
    beside: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("\n\n:stop\n"))
    assert called(["walk", str(beside)]) == Exit.DONE
    assert "Stopped before step 3 of 4" in capsys.readouterr().out
    monkeypatch.setattr("sys.stdin", io.StringIO("\n\n"))
    assert called(["walk", str(beside)]) == Exit.DONE
    shown = capsys.readouterr().out
    assert "Terminal loop goes on: while sleep 0.05;" in shown
    assert "That was mine: Mine." in shown, "what the loop showed before the stop counts, and it runs again"


def test_a_walk_alone_goes_on_with_a_second_terminal_open(beside: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = beside / "page.md"
    right = page.read_text(encoding="utf-8")
    page.write_text(right.replace("within=20s\nseen", "within=500ms\nnever"), encoding="utf-8")
    assert called(["walk", str(beside), "--test"]) == Exit.FAILED
    assert "terminal loop does not show: never" in capsys.readouterr().err
    page.write_text(right, encoding="utf-8")
    assert called(["walk", str(beside), "--test", "--from", "3"]) == Exit.DONE
    assert called(["walk", str(beside), "--test", "--from", "4"]) == Exit.DONE, "the loop runs again"


def test_what_second_terminals_have_shown_counts_for_the_next_step_alone(beside: Path) -> None:
    walks.record("core", "mine.test", Progress(4, "", {"loop": "seen\n"}))
    assert called(["walk", str(beside), "--test", "--from", "4"]) == Exit.DONE
    page = beside / "page.md"
    page.write_text(page.read_text(encoding="utf-8").replace(" within=20s\nseen", "\nseen"), encoding="utf-8")
    assert called(["walk", str(beside), "--test", "--from", "3"]) == Exit.FAILED, "it was shown after another step"


def test_a_walk_begins_where_it_is_to_although_an_older_page_had_more_steps(
    beside: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    walks.record("core", "mine.test", Progress(9, "exit 1"))
    assert called(["walk", str(beside), "--test", "--from", "4"]) == Exit.DONE
    assert "ok   4 look at terminal loop" in capsys.readouterr().out


def test_a_printed_walk_names_the_folder_of_a_lab_of_ones_own(mine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (mine / "page.md").write_text(PAGE.replace("true", "false"), encoding="utf-8")
    assert called(["walk", str(mine), "--test"]) == Exit.FAILED
    assert f"lab walk {mine} --test --from 1" in capsys.readouterr().err


@pytest.mark.parametrize("options", [("--test",), (), ("--reset",)])
def test_a_second_walk_through_a_lab_is_told_of_the_first(
    beside: Path, options: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    walks.record("core", "mine", Progress(2))
    with walks.going_on("core", ["mine"], "lab walk mine"):
        assert called(["walk", str(beside), *options]) == Exit.ENVIRONMENT
    assert f"core.walk-of-mine: busy: lab walk mine (process {os.getpid()})" in capsys.readouterr().err
    assert walks.load("core", "mine") == Progress(2), "its record is not touched"


def test_walks_through_two_labs_go_on_beside_each_other(beside: Path) -> None:
    with walks.going_on("core", ["other"], "lab walk other"), walks.going_on("second", ["mine"], "lab walk mine"):
        assert called(["walk", str(beside), "--test", "--from", "4"]) == Exit.DONE
