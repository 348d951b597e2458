"""Journals around the moments of a verification: bounded, and what was left out is said."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from coreos_lab import run
from coreos_lab.chaos import journals
from coreos_lab.chaos.journals import CHARACTERS, LINES, MOMENTS, Line, Moment, moments, parse, record
from coreos_lab.chaos.verdict import Phase
from coreos_lab.clients import ssh
from coreos_lab.model import Cluster, Outcome

ABOUT = Line("effect", 50.0, 48.0, "core-01", "", 4, "")
MOMENT = Moment(1000.0, "effect")


def entry(message: Any, **more: Any) -> str:
    return json.dumps({"__REALTIME_TIMESTAMP": "1000500000", "_SYSTEMD_UNIT": "a.service", "MESSAGE": message, **more})


class Provider:
    """A provider whose nodes' journals lie on the host, or do not."""

    def __init__(self, *folders: str) -> None:
        self._folders = [Path(folder) for folder in folders]

    def journal_folders(self, _cluster: object, _node: object) -> list[Path]:
        return self._folders


@pytest.fixture
def recorded(planned: Callable[..., Cluster], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Records what a journal that prints this has, of one moment; returns the lines and the calls."""
    calls: list[list[str]] = []

    def do(printed: str, *folders: str) -> tuple[list[dict[str, Any]], list[list[str]]]:
        def answer(argv: Any, **_options: Any) -> run.Completed:
            calls.append([str(word) for word in argv])
            return run.Completed((), 0, printed, "")

        monkeypatch.setattr(run, "which", lambda _name: Path("/usr/bin/journalctl"))
        monkeypatch.setattr(run, "run", answer)
        monkeypatch.setattr(ssh, "answer", lambda _cluster, _node, argv, **_options: answer(argv))
        provider: Any = Provider(*folders)
        record(provider, planned(nodes=1), [MOMENT], tmp_path / "journals.jsonl")
        return [json.loads(line) for line in (tmp_path / "journals.jsonl").read_text().splitlines()], calls

    return do


def test_a_journal_on_the_host_is_read_there(recorded: Callable[..., Any]) -> None:
    lines, calls = recorded(entry("lost leader", PRIORITY="4") + "\n", "/var/log/x")
    assert lines == [
        {
            "moment": "effect",
            "at": 1000.0,
            "wall": 1000.5,
            "node": "core-01",
            "unit": "a.service",
            "priority": 4,
            "text": "lost leader",
            "cut": False,
        }
    ]
    assert calls[0][0] == "journalctl"
    assert {"--since=@998.000", "--until=@1006.000", "--directory=/var/log/x"} <= set(calls[0])


def test_of_units_only_theirs_is_read_from_where_the_run_began(
    recorded: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(globals(), "MOMENT", Moment(1000.0, "units", 900.0, ("a.service", "b@1.service")))
    _lines, calls = recorded(entry("x"), "/var/log/x")
    assert {"--since=@900.000", "--until=@1006.000", "--unit=a.service", "--unit=b@1.service"} <= set(calls[0])


def test_another_is_asked_for(recorded: Callable[..., Any]) -> None:
    lines, calls = recorded(entry("x"))
    assert calls[0][:2] == ["sudo", "journalctl"]
    assert [line["text"] for line in lines] == ["x"]


def test_more_than_there_is_room_for_is_said(recorded: Callable[..., Any]) -> None:
    lines, _calls = recorded("\n".join(entry(str(number)) for number in range(LINES + 1)), "/x")
    assert lines[0]["text"] == f"more than {LINES} messages: the last {LINES} were recorded"
    assert (lines[0]["unit"], lines[1]["text"], len(lines)) == ("", "1", LINES + 1)


def test_a_node_that_is_not_reached_is_named(
    planned: Callable[..., Cluster], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def silent(*_args: object, **_options: object) -> None:
        raise ssh.NotReachedError("core-01: cannot be reached over SSH")

    monkeypatch.setattr(ssh, "answer", silent)
    provider: Any = Provider()
    record(provider, planned(nodes=1), [MOMENT], tmp_path / "journals.jsonl")
    assert "its journal was not read: core-01: cannot be reached" in (tmp_path / "journals.jsonl").read_text()
    record(provider, planned(nodes=1), [], tmp_path / "nowhere" / "journals.jsonl")  # reported, and no error


@pytest.mark.parametrize(
    ("message", "text", "cut"),
    [
        ("x" * (CHARACTERS + 1), "x" * CHARACTERS, True),
        (None, "(a message of more than 4096 bytes)", True),
        ([72, 105, 7, 255], "Hi\x07\ufffd", False),
        (["two", "values"], '["two", "values"]', False),
    ],
)
def test_messages_of_any_kind(message: Any, text: str, cut: bool) -> None:
    line = parse(entry(message), ABOUT)
    assert line is not None
    assert (line.text, line.cut) == (text, cut)


@pytest.mark.parametrize("text", ["", "-- No entries --", "[]", "{}", '{"__REALTIME_TIMESTAMP": "x"}'])
def test_what_is_no_message_is_left_out(text: str) -> None:
    assert parse(text, ABOUT) is None


def test_a_message_about_a_unit_is_that_units() -> None:
    """systemd's own messages about a unit name it in UNIT."""
    line = parse(entry("Started", _SYSTEMD_UNIT="init.scope", UNIT="web.service"), ABOUT)
    assert line is not None
    assert line.unit == "web.service"


def test_moments_are_acts_and_what_went_wrong() -> None:
    phases = [
        Phase("steady state before", Outcome.PASS, 3.0, began=0.0),
        Phase("2. effect", Outcome.PASS, 0.1, began=4.0),
        Phase("recovery while broken", Outcome.FAIL, 90.0, began=5.0),
        Phase("2. repair", Outcome.PASS, 5.0, began=96.0),
        Phase("objectives", Outcome.FAIL, 0.0),
    ]
    found = [(moment.what, moment.wall) for moment in moments(phases, 1000.0)]
    assert found == [("2. effect", 1004.0), ("recovery while broken: fail", 1092.0), ("2. repair", 1096.0)]
    assert len(moments(phases * 50, 0.0)) == journals.MOMENTS


@pytest.mark.parametrize(("outcome", "first"), [(Outcome.PASS, 0), (Outcome.FAIL, 9)])
def test_of_too_many_moments_those_count_that_led_to_the_failure(outcome: Outcome, first: int) -> None:
    phases = [Phase(f"{number}. effect", Outcome.PASS, 0.1, began=float(number)) for number in range(20)]
    found = moments([*phases, Phase("20. recovery while broken", outcome, 9.0, began=20.0)], 0.0)
    assert len(found) == MOMENTS
    assert found[0].what == f"{first}. effect"
