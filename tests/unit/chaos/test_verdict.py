"""A verdict is judged from its evidence, and a record that was changed does not pass."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from coreos_lab import store
from coreos_lab.chaos import verdict as records
from coreos_lab.chaos.probes import Sample
from coreos_lab.chaos.verdict import PROBES, RECORD, Phase, Verdict, judge, objectives_missed, of_checks
from coreos_lab.commands import verdict as command
from coreos_lab.errors import FailedError, LabError, UnknownError, UsageError
from coreos_lab.model import CheckResult, Cluster, Outcome

PASS, FAIL, UNKNOWN = Outcome.PASS, Outcome.FAIL, Outcome.UNKNOWN
GOOD, BAD = CheckResult("web", PASS), CheckResult("web", FAIL, "says no", 0.5)
WHOLE = Verdict(
    PASS,
    "core",
    ("core-02",),
    "kill",
    ("ch3",),
    (
        Phase("steady state before", PASS, 1.0, "1 checks pass", (GOOD,)),
        Phase("effect", PASS, 0.1, "power cut"),
        Phase("recovery while broken", PASS, 9.0, "1 checks pass", (GOOD,)),
        Phase("objectives", PASS, 0.0, "front down for 2.0 s at most"),
    ),
    {"front": 2.0},
    {"front": 30.0},
)


def samples(seconds: float) -> list[Sample]:
    """The front, down for so long."""
    return [
        Sample("front", 0.0, 0.0, ok=True),
        Sample("front", 1.0, 1.0, ok=False),
        Sample("front", 1.0 + seconds, 9.0, True),
    ]


def changed(number: int, **values: object) -> Verdict:
    """The whole verdict with one phase that is another."""
    phases = list(WHOLE.phases)
    phases[number] = replace(phases[number], **values)  # type: ignore[arg-type]
    return replace(WHOLE, phases=tuple(phases))


def test_what_comes_after_the_first_that_fails_does_not_matter() -> None:
    assert judge([Phase("a", PASS, 0), Phase("b", UNKNOWN, 0), Phase("c", FAIL, 0)]) is UNKNOWN
    assert of_checks([CheckResult("a", UNKNOWN), CheckResult("b", FAIL)]) is FAIL
    assert of_checks([]) is UNKNOWN


def test_a_break_that_never_came_is_not_of_anybody() -> None:
    assert replace(WHOLE, nodes=()).what == f"{WHOLE.fault} (nothing was broken)"


def test_objectives_of_several_labs() -> None:
    objectives = {"front": 10.0, "back": 5.0}
    assert objectives_missed(objectives, {"front": 10.0, "back": 5.1}) == [
        "back was down for 5.1 s, the objective is 5 s at most"
    ]
    assert objectives_missed(objectives, {}) == [], "what was not probed is not missed"


def test_a_record_is_read_as_it_was_written(tmp_path: Path) -> None:
    records.save(WHOLE, tmp_path)
    assert records.load(tmp_path) == WHOLE
    assert records.derived(WHOLE, samples(2.0)) == WHOLE


@pytest.mark.parametrize(
    ("verdict", "down", "outcome"),
    [
        (changed(0, checks=(BAD,)), 2.0, UNKNOWN),
        (changed(1, outcome=UNKNOWN), 2.0, UNKNOWN),
        (changed(2, checks=(GOOD, BAD)), 2.0, FAIL),
        (WHOLE, 30.1, FAIL),
        (changed(3, outcome=FAIL), 2.0, PASS),
    ],
)
def test_the_evidence_decides(verdict: Verdict, down: float, outcome: Outcome) -> None:
    assert records.derived(verdict, samples(down)).outcome is outcome


@pytest.fixture
def run(planned: Callable[..., Cluster]) -> Callable[..., Path]:
    """A run of a planned cluster with this record."""

    def make(verdict: Verdict, name: str = "20260101-000000-break-core-02", down: float = 2.0) -> Path:
        store.save(planned())
        folder = store.ClusterFolder("core").runs / name
        folder.mkdir(parents=True)
        records.save(verdict, folder)
        (folder / PROBES).write_text("".join(json.dumps(asdict(each)) + "\n" for each in samples(down)))
        return folder

    return make


def test_the_last_run_is_told(run: Callable[..., Path], capsys: pytest.CaptureFixture[str]) -> None:
    run(WHOLE, "20260101-000000-a")
    run(replace(changed(2, outcome=UNKNOWN, checks=()), outcome=UNKNOWN), "20260102-000000-b")
    with pytest.raises(UnknownError, match="recovery while broken"):
        command.verdict("core", None, as_json=False)
    command.verdict("core", "20260101-000000-a", as_json=False)
    assert "verdict: PASS" in capsys.readouterr().out


def test_a_fail_is_a_fail(run: Callable[..., Path]) -> None:
    run(replace(changed(2, outcome=FAIL, checks=(BAD,), evidence="web: says no"), outcome=FAIL))
    with pytest.raises(FailedError, match="recovery while broken: web: says no"):
        command.verdict("core", None, as_json=True)


def test_a_record_that_was_changed_is_found_out(run: Callable[..., Path]) -> None:
    run(changed(2, checks=(BAD,)))
    with pytest.raises(LabError, match=r"verdict.json: says pass, and its evidence says fail"):
        command.verdict("core", None, as_json=False)


def test_probes_outweigh_words(run: Callable[..., Path]) -> None:
    run(WHOLE, down=31.0)
    with pytest.raises(LabError, match="its evidence says fail"):
        command.verdict("core", None, as_json=False)


def test_what_is_not_there_is_said(run: Callable[..., Path], planned: Callable[..., Cluster]) -> None:
    store.save(planned())
    with pytest.raises(UsageError, match="core: no run has a verdict yet"):
        command.verdict("core", None, as_json=False)
    folder = run(WHOLE)
    with pytest.raises(UsageError, match=f"nosuch: no run with a verdict .there is: {folder.name}"):
        command.verdict("core", "nosuch", as_json=False)
    (folder / RECORD).write_text('{"outcome": "pass"}')
    with pytest.raises(LabError, match="not a verdict's record"):
        command.verdict("core", None, as_json=False)
