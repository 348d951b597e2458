"""lab verdict judges a history again, from its operations."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from coreos_lab.chaos import verdict as records
from coreos_lab.chaos.verdict import OPERATIONS, Phase, Verdict
from coreos_lab.commands import verdict as command
from coreos_lab.errors import FailedError, LabError, UnknownError
from coreos_lab.model import CheckResult, Cluster, Outcome
from coreos_lab.records import runs, store
from tests.unit.chaos.history.brute_force import Op

PASS, FAIL, UNKNOWN = Outcome.PASS, Outcome.FAIL, Outcome.UNKNOWN
STEADY = Phase("steady state before", PASS, 1.0, "1 check passes", (CheckResult("web", PASS, lab="ch3"),))


@pytest.fixture
def record(planned: Callable[..., Cluster], judge: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Writes the record of a run with a history; `says` is what its verdict says of it, `stale` what the history is."""
    cluster = planned()
    store.save(cluster)
    monkeypatch.setattr(command, "ensure_judge", lambda: judge)

    def make(says: Outcome, *, stale: bool, count: int = 60) -> Path:
        folder = runs.new(cluster, "break-core-02")
        history = [Op("write", str(number), 10 * number, 10 * number + 5) for number in range(count)]
        history += [
            Op("read", str(count - 1 - stale), 20 * count + number, 20 * count + number) for number in range(count)
        ]
        (folder / OPERATIONS).write_text("\n".join(json.dumps(op.line("1")) for op in history))
        phases = (STEADY, Phase("history", says, 0.1, "so"))
        records.save(Verdict(records.judge(phases), "core", ("core-02",), "kill", ("ch3",), phases), folder)
        return folder

    return make


def judged() -> None:
    command.verdict("core", None, as_json=False)


def test_a_history_is_judged_again(record: Callable[..., Path], capsys: pytest.CaptureFixture[str]) -> None:
    folder = record(PASS, stale=False)
    there = sorted(folder.iterdir())
    judged()
    assert "pass    history" in capsys.readouterr().out
    assert sorted(folder.iterdir()) == there, "nothing is written"
    record(FAIL, stale=True)
    with pytest.raises(FailedError, match="history: so"):
        judged()


@pytest.mark.parametrize(("says", "stale"), [(PASS, True), (FAIL, False)])
def test_a_history_that_was_changed_is_refused(record: Callable[..., Path], says: Outcome, stale: bool) -> None:
    record(says, stale=stale)
    with pytest.raises(LabError, match=f"says {says.value}, but its evidence says {'fail' if stale else 'pass'}"):
        judged()


def test_a_history_that_is_gone_proves_nothing(record: Callable[..., Path]) -> None:
    (record(PASS, stale=False) / OPERATIONS).unlink()
    with pytest.raises(LabError, match=r"history\.jsonl: it is not there, so the history cannot be judged again"):
        judged()


def test_what_was_not_judged_stays_unknown(record: Callable[..., Path]) -> None:
    (record(UNKNOWN, stale=False) / OPERATIONS).unlink()
    with pytest.raises(UnknownError, match="history: so"):
        judged()


def test_only_a_history_is_judged_by_the_judge(record: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    def fails() -> None:
        raise AssertionError("the judge is not needed")

    monkeypatch.setattr(command, "ensure_judge", fails)
    folder = record(PASS, stale=False)
    records.save(replace(records.load(folder), phases=(STEADY,)), folder)
    judged()
