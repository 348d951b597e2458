"""Checks run in a pytest process of their own, and their results come back as values."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from coreos_lab import events, run
from coreos_lab.checks.runner import RESULTS, run_checks, write_junit
from coreos_lab.errors import UnknownError
from coreos_lab.model import CheckResult, Lab, Outcome
from tests.unit.checks.checked import Checked


def test_passes_are_told_as_they_happen(checked: Checked) -> None:
    checked.write("def test_a(): ...\ndef test_b(): assert False, 'no'\n")
    told: list[events.Event] = []
    with events.listening(told.append):
        checked.run(deadline=0.5)
    assert [(event.kind, event.subject, event.message) for event in told] == [("note", "mylab: a", "pass")]


def test_a_result_may_be_read_while_it_is_written(checked: Checked, monkeypatch: pytest.MonkeyPatch) -> None:
    fields = {"name": "a", "outcome": "pass", "message": "", "seconds": 0.1, "order": 0}
    line = json.dumps(fields) + "\n" + json.dumps({**fields, "name": "b", "order": 1}) + "\n"

    def stream(
        _argv: object, *, on_line: Callable[[str], None], env: dict[str, str], **_options: object
    ) -> run.Completed:
        for end in (40, len(line) - 9, len(line)):
            Path(env[RESULTS]).write_text(line[:end], encoding="utf-8")
            on_line("pass: a")
        return run.Completed((), 0, "", "")

    monkeypatch.setattr(run, "stream", stream)
    assert [(each.name, each.outcome) for each in checked.run()] == [("a", Outcome.PASS), ("b", Outcome.PASS)]


def test_a_report_in_junits_xml(checked: Checked, tmp_path: Path) -> None:
    checked.write("def test_a(): ...\ndef test_b(): assert False, 'no & no'\ndef test_c(): 1 / 0\n")
    path = tmp_path / "reports" / "junit.xml"
    checked.run(junit=path)
    suite = ET.parse(path).getroot()  # noqa: S314 - written by ourselves
    assert {key: suite.get(key) for key in ("name", "tests", "failures", "errors")} == {
        "name": "mylab",
        "tests": "3",
        "failures": "1",
        "errors": "1",
    }
    failure, error = suite.find("testcase/failure"), suite.find("testcase/error")
    assert failure is not None
    assert failure.get("message") == "no & no"
    assert error is not None
    assert "division by zero" in (error.get("message") or "")


def test_a_report_can_be_read_whatever_a_machine_has_answered(tmp_path: Path) -> None:
    path, said = tmp_path / "junit.xml", "\x1b[2J \x00 \ud800 \uffff é"
    write_junit(path, said, [CheckResult(said, Outcome.FAIL, said, 1.0, said)])
    failure = ET.parse(path).getroot().find("testcase/failure")  # noqa: S314 - written by ourselves
    assert failure is not None
    assert failure.get("message") == r"\x1b[2J \x00 \ud800 \uffff é"


def test_a_lab_without_checks(tmp_path: Path) -> None:
    assert run_checks(Lab("x", "", "", tmp_path, (), {}), tmp_path / "inventory.json") == []


def test_the_users_own_pytest_is_kept_out(checked: Checked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(checked.folder)
    monkeypatch.setenv("PYTEST_ADDOPTS", "--no-such-option")
    monkeypatch.setenv("PYTEST_PLUGINS", "no_such_plugin")
    (checked.folder / "json.py").write_text("raise SystemExit('a module of the user')\n", encoding="utf-8")
    (checked.folder / "conftest.py").write_text("raise SystemExit('a conftest of the user')\n", encoding="utf-8")
    (checked.folder / "pytest.ini").write_text("[pytest]\naddopts = --no-such-option\n", encoding="utf-8")
    checked.write("def test_it(): ...\n")
    assert checked.one().outcome is Outcome.PASS
    assert not list(checked.folder.rglob("__pycache__"))
    assert not list(checked.folder.rglob(".pytest_cache"))


def test_checks_may_bring_fixtures_of_their_own(checked: Checked) -> None:
    checked.write("import pytest\n@pytest.fixture\ndef seven(): return 7\n", "conftest.py")
    checked.write("def test_it(seven): assert seven == 7\n")
    assert checked.one().outcome is Outcome.PASS


def test_checks_that_cannot_run_at_all_are_unknown_with_the_reason(checked: Checked) -> None:
    checked.write("raise RuntimeError('broken conftest')\n", "conftest.py")
    checked.write("def test_it(): ...\n")
    with pytest.raises(UnknownError) as caught:
        checked.run()
    assert "could not be run" in caught.value.message
    assert "broken conftest" in caught.value.details
