"""lab report: which run, written where, in which form."""

from __future__ import annotations

import json
import os
import stat
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from coreos_lab.commands import report as command
from coreos_lab.errors import LabError, UnknownError, UsageError
from coreos_lab.model import Cluster
from coreos_lab.records import runs, store
from tests.unit.report import paper_run


@pytest.fixture
def folder(planned: Callable[..., Cluster], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the last run of a planned cluster; the working folder is an empty one."""
    cluster = planned()
    store.save(cluster)
    runs.new(cluster, "break-core-01")  # it has ended before it did anything
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return paper_run.write(runs.new(cluster, "break-core-02"))


def report(run: str | None = None, output: str | None = None, markdown: bool = False) -> None:
    command.report("core", run, output=output, markdown=markdown)


def here() -> list[str]:
    return sorted(path.name for path in Path().iterdir())


def test_the_last_run_is_written_beside_the_reader(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report()
    assert here() == [f"{folder.name}.html"]
    printed = capsys.readouterr().out.splitlines()
    assert printed[0].startswith("PASS: kill of core-02. The labs' checks passed again")
    assert printed[1].startswith(f"report: {folder.name}.html (")
    assert Path(f"{folder.name}.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_a_run_by_name_and_by_path_also_of_another_machine(folder: Path, tmp_path: Path) -> None:
    report(folder.name, "a.html")
    copied = folder.rename(tmp_path / "artifact")
    command.report("nosuch", str(copied), output="b.html", markdown=False)
    assert here() == ["a.html", "b.html"]
    with pytest.raises(UsageError, match=r"artifact: no such run of core \(the last ones are: none\)"):
        report("artifact")
    with pytest.raises(UsageError, match="not a run's folder"):
        report(str(tmp_path))
    with pytest.raises(UsageError, match="core: there is no run yet"):
        report()


def test_the_form_is_that_of_the_name(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report(output="x.md")
    assert Path("x.md").read_text(encoding="utf-8").startswith("## ✅ PASS: kill of core-02")
    assert capsys.readouterr().out == "", "the summary goes where it was asked for, and nothing else anywhere"
    report(output="summary", markdown=True)
    assert Path("summary").read_text(encoding="utf-8").startswith("## ✅")
    report(markdown=True)
    assert capsys.readouterr().out.startswith("## ✅ PASS")
    report(output="-")
    assert capsys.readouterr().out.startswith("<!DOCTYPE html>")
    assert folder.exists()


@pytest.mark.parametrize(
    ("output", "markdown", "says"),
    [
        ("x.pdf", False, "--output x.pdf: ends neither with .html nor with .md"),
        ("x", False, "--output x: ends neither"),
        ("x.html", True, "--output x.html: a name for HTML, and --markdown asks for Markdown"),
    ],
)
@pytest.mark.usefixtures("folder")
def test_a_name_that_says_another_form_is_refused(output: str, markdown: bool, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        report(output=output, markdown=markdown)
    assert here() == []


@pytest.mark.usefixtures("folder")
def test_what_cannot_be_written_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "folder.html").mkdir()
    for name in (str(tmp_path / "folder.html"), str(tmp_path / "file" / "x.html"), "a\0.html"):
        (tmp_path / "file").touch()
        with pytest.raises(LabError, match="cannot be written"):
            report(output=name)


@pytest.mark.usefixtures("folder")
def test_a_pipe_is_written_to_and_stays_one() -> None:
    os.mkfifo("pipe.md")
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append(Path("pipe.md").read_text(encoding="utf-8")), daemon=True)
    reader.start()
    report(output="pipe.md")
    reader.join(10)
    assert read[0].startswith("## ✅")
    assert stat.S_ISFIFO(Path("pipe.md").stat().st_mode)


def test_a_record_of_another_version_is_unknown(folder: Path) -> None:
    verdict = folder / "verdict.json"
    verdict.write_text(json.dumps(json.loads(verdict.read_text()) | {"version": 99}))
    with pytest.raises(UnknownError, match="version 99"):
        report()
    assert here() == []


def test_a_fail_has_a_report_like_any_other(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "verdict.json").write_text("{")
    report()
    assert capsys.readouterr().out.startswith("UNKNOWN: ")


def test_all_runs_on_one_page(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command.report_all("core", None, output=None, markdown=False)
    assert capsys.readouterr().out.startswith("report: core-runs.html (1 run, ")
    command.report_all("nosuch", str(folder.parent), output="all.html", markdown=False)
    assert here() == ["all.html", "core-runs.html"]
    assert "<a " not in Path("all.html").read_text(encoding="utf-8")
    report()
    command.report_all("core", None, output=None, markdown=False)
    assert f'<a href="{folder.name}.html">' in Path("core-runs.html").read_text(encoding="utf-8")
    Path(f"{folder.name}.html").unlink()
    with pytest.raises(UsageError, match="there is no run"):
        command.report_all("core", str(tmp_path / "here"), output=None, markdown=False)
    with pytest.raises(UsageError, match="--all: its page is HTML"):
        command.report_all("core", None, output=None, markdown=True)
