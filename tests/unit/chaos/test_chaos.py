"""The undo journal, the probes' arithmetic and the verdict's."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from coreos_lab.chaos import faults, journal
from coreos_lab.chaos.probes import Sample, longest_outage
from coreos_lab.chaos.verdict import Phase, judge, objectives_missed, of_checks
from coreos_lab.errors import UsageError
from coreos_lab.model import CheckResult, Cluster, FaultKind, Outcome
from coreos_lab.store import ClusterFolder

P, F, U = Outcome.PASS, Outcome.FAIL, Outcome.UNKNOWN


def test_a_fault_is_open_until_it_is_healed(planned: Callable[..., Cluster]) -> None:
    cluster = planned()
    first = journal.record(cluster, FaultKind.KILL, "core-01")
    second = journal.record(cluster, FaultKind.PAUSE, "core-02")
    assert journal.open_faults(cluster) == [first, second]
    journal.healed(cluster, first)
    assert journal.open_faults(cluster) == [second]
    journal.healed(cluster, second)
    assert journal.open_faults(cluster) == []
    assert not ClusterFolder(cluster.name).journal.exists()


def test_a_line_that_a_power_cut_tore_is_passed_over(planned: Callable[..., Cluster]) -> None:
    cluster = planned()
    fault = journal.record(cluster, FaultKind.HALT, "core-03")
    with ClusterFolder(cluster.name).journal.open("a") as out:
        out.write('{"id": "12')
    assert journal.open_faults(cluster) == [fault]


def test_an_unknown_fault_lists_the_known() -> None:
    with pytest.raises(UsageError, match="there is: kill, halt, reboot"):
        faults.kind_of("explode")


def samples(pattern: str) -> list[Sample]:
    return [Sample("front", mono=i, wall=i, ok=mark == "+") for i, mark in enumerate(pattern)]


@pytest.mark.parametrize(
    ("pattern", "seconds"), [("", 0), ("+++", 0), ("+-+", 1), ("+--+-+", 2), ("---+", 3), ("+--", 1), ("--+---+", 3)]
)
def test_the_longest_outage(pattern: str, seconds: float) -> None:
    assert longest_outage(samples(pattern)) == seconds


@pytest.mark.parametrize(("outcomes", "verdict"), [([P, P], P), ([P, F, P], F), ([P, U, F], U), ([F, U], F), ([], P)])
def test_the_first_phase_that_does_not_pass_decides(outcomes: list[Outcome], verdict: Outcome) -> None:
    assert judge([Phase("x", outcome, 0.0) for outcome in outcomes]) is verdict


@pytest.mark.parametrize(("outcomes", "together"), [([P], P), ([P, U], U), ([U, F], F), ([], U)])
def test_could_not_check_is_never_a_pass(outcomes: list[Outcome], together: Outcome) -> None:
    assert of_checks([CheckResult("c", outcome) for outcome in outcomes]) is together


def test_objectives_are_judged_from_the_probes() -> None:
    assert objectives_missed({"front": 30.0}, {"front": 29.0}) == []
    assert objectives_missed({"front": 30.0}, {"front": 31.0, "back": 99.0}) == [
        "front was down for 31.0 s, the objective is 30 s at most"
    ]
    assert objectives_missed({"front": 55.0}, {"front": 31.0}) == []
