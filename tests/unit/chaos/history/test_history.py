"""The history of a run: what it leaves behind, and what becomes of a judge that fails."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from coreos_lab.chaos.history import clients, history
from coreos_lab.chaos.history.history import History
from coreos_lab.chaos.history.judgement import load
from coreos_lab.chaos.verdict import JUDGEMENT, OPERATIONS
from coreos_lab.clients.http import CannotCheckError
from coreos_lab.model import Node, Outcome
from tests.unit.chaos.history.doubles import Member, Store, serving


class Paper:
    """What removes the registers."""

    removed: list[str]
    down = False

    def __init__(self, _addresses: object) -> None:
        Paper.removed = []

    def remove(self, folder: str) -> None:
        if self.down:
            raise CannotCheckError("etcd: no node answers")
        Paper.removed.append(folder)

    def tree(self, _folder: str) -> dict[str, str]:
        return {}

    def remove_empty_folders_above(self, folder: str) -> None:
        Paper.removed.append(f"above {folder}")


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A run's folder, and a member of etcd on loopback."""
    monkeypatch.setattr(clients, "INTERVAL", 0.005)
    monkeypatch.setattr(history, "Etcd", Paper)
    folder = tmp_path / "20261126-181500-break-core-02"
    folder.mkdir()
    with serving(Member(Store())) as urls:
        monkeypatch.setattr(history, "CLIENT_PORT", int(urls["core-01"].rpartition(":")[2]))
        yield folder


def members() -> list[Node]:
    return [Node("core-01", "127.0.0.1", member=True)]


def lines(folder: Path) -> list[Any]:
    return [json.loads(line) for line in (folder / OPERATIONS).read_text().splitlines()]


def recorded(folder: Path, judge: Path) -> History:
    """A history with enough operations to judge."""
    with History(members(), folder, judge) as made:
        made.fill()
    return made


def test_a_run_with_a_history(run: Path, judge: Path) -> None:
    made = recorded(run, judge)
    outcome, evidence = made.judged()
    assert (outcome, made.troubles) == (Outcome.PASS, [])
    found = load(run / JUDGEMENT)
    assert found and evidence == found.words
    assert lines(run)[-1]["op"] == "read"
    folder = "/_coreos-lab/20261126-181500-break-core-02-registers"
    assert Paper.removed == [folder, f"above {folder}"]


def test_a_short_break_has_a_history_that_can_be_judged(run: Path, judge: Path) -> None:
    with History(members(), run, judge) as made:
        made.fill()
    outcome, evidence = made.judged()
    assert outcome is Outcome.PASS, evidence
    assert len(lines(run)) < 400, "it does not go on for longer than that"


def test_an_etcd_that_does_not_answer_is_not_waited_for_for_ever(
    judge: Path, run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(Member(Store())) as urls:
        monkeypatch.setattr(history, "CLIENT_PORT", int(urls["core-01"].rpartition(":")[2]))
    monkeypatch.setattr(history, "FILLING", 0.5)
    began = time.monotonic()
    with History(members(), run, judge) as made:
        made.fill()
    assert time.monotonic() - began < 10
    outcome, evidence = made.judged()
    assert outcome is Outcome.UNKNOWN
    assert evidence.startswith("too few operations were answered: ")


def test_registers_that_cannot_be_removed_expire(run: Path, judge: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Paper, "down", True)
    assert recorded(run, judge).judged()[0] is Outcome.PASS


def test_after_an_interrupt_nothing_is_read_any_more(run: Path, judge: Path) -> None:
    with pytest.raises(KeyboardInterrupt), History(members(), run, judge):
        time.sleep(0.3)
        raise KeyboardInterrupt
    assert max(line["client"] for line in lines(run)) == 1
    assert Paper.removed


@pytest.mark.parametrize(
    ("program", "says"),
    [("#!/bin/sh\necho line 7: bad >&2; exit 1", "exit code 1"), ("#!/bin/sh\necho '{}'", "does not understand")],
)
def test_a_judge_that_fails_proves_nothing(run: Path, tmp_path: Path, program: str, says: str) -> None:
    judge = tmp_path / "judge"
    judge.write_text(program)
    judge.chmod(0o755)
    outcome, evidence = recorded(run, judge).judged()
    assert outcome is Outcome.UNKNOWN
    assert says in evidence
    assert not (run / JUDGEMENT).exists()


def test_a_history_that_cannot_be_recorded_is_a_trouble(
    run: Path, judge: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_args: object, **_options: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(clients, "perform", fails)
    with History(members(), run, judge) as made:
        end = time.monotonic() + 30
        while not made.troubles and time.monotonic() < end:
            time.sleep(0.01)
    assert made.troubles[0] == "OSError: No space left on device"
