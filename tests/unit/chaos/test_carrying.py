"""Carrying out breaks that overlap: in which order, what is checked when, and that nothing stays broken."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from coreos_lab import events, wait
from coreos_lab.chaos import faults
from coreos_lab.chaos.carrying import Carrier
from coreos_lab.chaos.course import Act, Course, by_time, one_by_one
from coreos_lab.chaos.fault import Break
from coreos_lab.chaos.schedule import Step
from coreos_lab.errors import LabError
from coreos_lab.model import Cluster, FaultKind, Outcome
from coreos_lab.records import fault_journal


class PaperPhases:
    """Phases of machines of paper. `fails` are those that do not pass, `raises` what others raise instead."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self.done: list[str] = []
        self.fails: dict[str, Outcome] = {}
        self.raises: dict[str, BaseException] = {}
        self.loses: set[int] = set()  # with how many broken nodes etcd has no majority
        self.outcome = Outcome.PASS
        self.prefix, self.lost, self.began = "", "", 0.0

    def _do(self, what: str, name: str) -> bool:
        self.done.append(what)
        if name in self.raises:
            raise self.raises[name]
        if self.outcome is Outcome.PASS:
            self.outcome = self.fails.get(name, Outcome.PASS)
        return name not in self.fails

    def add(self, name: str, outcome: Outcome, _began: float, _evidence: str) -> bool:
        self.fails[name] = outcome
        return self._do(name, name)

    def effect(self, planned: Break) -> bool:
        self.began = time.monotonic()
        for node in planned.nodes:
            fault_journal.record(self._cluster, planned.kind, node.name)
        return self._do(f"{self.prefix}break {planned.names}", f"{self.prefix}effect")

    def quorum(self, _planned: Break, *, may_be_lost: bool) -> bool:
        lost = len(fault_journal.open_faults(self._cluster)) in self.loses
        self.lost = "etcd loses its quorum" if lost else ""
        self.outcome = self.outcome if may_be_lost or not lost else Outcome.FAIL
        return may_be_lost or not lost

    def noticed(self, _planned: Break) -> bool:
        return True

    def checks(self, name: str, _deadline: float, only: str | None = None) -> bool:
        return self._do(f"{self.prefix}{name}: {only or 'all'}", f"{self.prefix}{name}")

    def repair(self, broken: Sequence[fault_journal.OpenFault]) -> bool:
        done = self._do(f"{self.prefix}heal {' '.join(fault.node for fault in broken)}", f"{self.prefix}repair")
        if done:
            for fault in broken:
                fault_journal.healed(self._cluster, fault)
        return done


@pytest.fixture
def cluster(planned: Callable[..., Cluster]) -> Cluster:
    return planned(nodes=5)


@pytest.fixture
def phases(cluster: Cluster) -> PaperPhases:
    return PaperPhases(cluster)


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long was waited, of a clock that waiting alone moves."""
    made: list[float] = []
    monkeypatch.setattr(time, "monotonic", lambda: 1000.0 + sum(made))
    monkeypatch.setattr(wait, "pause", lambda seconds: made.append(max(0.0, seconds)))
    return made


def kill(node: int, at: float, lasting: float) -> Step:
    return Step((f"core-0{node}",), FaultKind.KILL, lasting=lasting, at=at)


def carrier(cluster: Cluster, phases: Any, *steps: Step, **more: Any) -> Carrier:
    course = Course(steps, by_time(steps), "storm", **more)

    def plan(step: Step) -> Break:
        return faults.plan([node for node in cluster.nodes if node.name in step.targets], step.kind, step.values)

    return Carrier(cluster, phases, course, plan, 90.0)


OVERLAPPING = (kill(1, 2.0, 20.0), kill(2, 10.0, 30.0), kill(3, 50.0, 10.0))


def test_the_order_of_acts_is_that_of_the_times() -> None:
    begun, ended = True, False
    acts = [Act(0, begun), Act(1, begun), Act(0, ended), Act(1, ended), Act(2, begun), Act(2, ended)]
    assert list(by_time(OVERLAPPING)) == acts
    touching = (kill(1, 2.0, 8.0), kill(2, 10.0, 5.0))
    assert list(by_time(touching)) == list(one_by_one(touching).acts), "never more broken than at those times"


@pytest.mark.usefixtures("pauses")
def test_what_overlaps_is_checked_while_others_are_broken(cluster: Cluster, phases: PaperPhases) -> None:
    made = carrier(cluster, phases, *OVERLAPPING)
    made.run()
    assert phases.done == [
        "1. break core-01",
        "1. recovery while broken: survives",
        "2. break core-02",
        "2. recovery while broken: survives",
        "1. holds to the end: survives",
        "1. heal core-01",
        "1. recovery while others are broken: survives",
        "2. holds to the end: survives",
        "2. heal core-02",
        "2. steady state after: all",
        "3. break core-03",
        "3. recovery while broken: survives",
        "3. holds to the end: survives",
        "3. heal core-03",
        "3. steady state after: all",
    ]
    assert list(made.nodes) == ["core-01", "core-02", "core-03"]
    assert (made.had_effect, made.lost_quorum, phases.prefix) == (True, False, "")


def test_breaks_begin_and_end_at_their_times(cluster: Cluster, phases: PaperPhases, pauses: list[float]) -> None:
    carrier(cluster, phases, *OVERLAPPING).run()
    assert [pause for pause in pauses if pause] == [2.0, 8.0, 12.0, 18.0, 10.0, 10.0]


def test_a_break_that_is_late_still_lasts_as_long(
    cluster: Cluster, phases: PaperPhases, pauses: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = phases.checks

    def checks(name: str, deadline: float, only: str | None = None) -> bool:
        pauses.append(25.0 if name == "recovery while broken" else 0.0)
        return slow(name, deadline, only)

    monkeypatch.setattr(phases, "checks", checks)
    carrier(cluster, phases, *OVERLAPPING).run()
    # The second begins at 27 instead of 10, and lasts from then for its 30 seconds; the third is late by then, too.
    assert [pause for pause in pauses if pause] == [2.0, 25.0, 25.0, 5.0, 25.0]


@pytest.mark.usefixtures("pauses")
@pytest.mark.parametrize("outcome", [Outcome.FAIL, Outcome.UNKNOWN])
def test_the_first_phase_that_is_no_pass_ends_it_and_all_is_healed(
    cluster: Cluster, phases: PaperPhases, outcome: Outcome
) -> None:
    phases.fails["2. recovery while broken"] = outcome
    carrier(cluster, phases, *OVERLAPPING).run()
    assert phases.done[-2:] == ["heal core-01 core-02", "steady state after: all"]
    assert fault_journal.open_faults(cluster) == []
    assert phases.outcome is outcome


@pytest.mark.usefixtures("pauses")
def test_a_repair_that_failed_is_not_tried_again(cluster: Cluster, phases: PaperPhases) -> None:
    phases.fails["1. repair"] = Outcome.FAIL
    carrier(cluster, phases, *OVERLAPPING).run()
    assert [each for each in phases.done if "heal" in each] == ["1. heal core-01", "2. heal core-02"]
    assert [fault.node for fault in fault_journal.open_faults(cluster)] == ["core-01"]


@pytest.mark.usefixtures("pauses")
@pytest.mark.parametrize("ends", [KeyboardInterrupt(), LabError("core: its checks cannot be run")])
def test_whatever_ends_it_all_is_healed(cluster: Cluster, phases: PaperPhases, ends: BaseException) -> None:
    phases.raises["2. recovery while broken"] = ends
    made = carrier(cluster, phases, *OVERLAPPING)
    if isinstance(ends, LabError):
        made.run()
        assert phases.done[-2:] == ["heal core-01 core-02", "carried out to the end"]
        assert phases.outcome is Outcome.UNKNOWN
    else:
        with pytest.raises(KeyboardInterrupt):
            made.run()
        assert phases.done[-1] == "heal core-01 core-02"
    assert fault_journal.open_faults(cluster) == []


@pytest.mark.usefixtures("pauses")
def test_what_has_no_effect_is_healed_with_the_others(cluster: Cluster, phases: PaperPhases) -> None:
    phases.fails["2. effect"] = Outcome.UNKNOWN
    carrier(cluster, phases, *OVERLAPPING).run()
    assert phases.done[-3:] == ["2. break core-02", "heal core-01 core-02", "steady state after: all"]


@pytest.mark.usefixtures("pauses")
def test_when_the_time_is_over_nothing_begins_any_more(cluster: Cluster, phases: PaperPhases) -> None:
    made = carrier(cluster, phases, *OVERLAPPING, kill(4, 70.0, 10.0), ends=45.0)
    noted: list[str] = []
    with events.listening(lambda event: noted.append(event.message)):
        made.run()
    assert noted == ["the time is over after 2 of 4 breaks"]
    assert list(made.nodes) == ["core-01", "core-02"]
    assert (phases.done[-1], phases.outcome) == ("2. steady state after: all", Outcome.PASS)


@pytest.mark.usefixtures("pauses")
def test_a_majority_that_may_be_lost_comes_back_as_a_whole(cluster: Cluster, phases: PaperPhases) -> None:
    """While etcd has none, no lab recovers and no node serves: so nothing is checked, and all breaks end at once."""
    phases.loses = {2}
    made = carrier(cluster, phases, *OVERLAPPING, may_lose_quorum=True)
    made.run()
    assert phases.done[:5] == [
        "1. break core-01",
        "1. recovery while broken: survives",
        "2. break core-02",
        "1. heal core-01 core-02",
        "1. steady state after: all",
    ]
    assert phases.done[-1] == "3. steady state after: all"
    assert made.lost_quorum


@pytest.mark.usefixtures("pauses")
def test_a_majority_that_must_not_be_lost_ends_it(cluster: Cluster, phases: PaperPhases) -> None:
    phases.loses = {2}
    carrier(cluster, phases, *OVERLAPPING).run()
    assert phases.done[2:] == ["2. break core-02", "heal core-01 core-02", "steady state after: all"]


@pytest.mark.usefixtures("pauses")
def test_where_nothing_was_broken_nothing_is_proved(cluster: Cluster, phases: PaperPhases) -> None:
    """A record of a storm may come from anywhere, and its time be over before its first break."""
    made = carrier(cluster, phases, kill(1, 2.0, 5.0), ends=0.0)
    made.run()
    assert not made.nodes
    assert phases.done == ["carried out to the end"]
    assert phases.outcome is Outcome.UNKNOWN
