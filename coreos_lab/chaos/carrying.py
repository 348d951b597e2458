"""Carrying a course out: each break with the phases that prove it, up to the first phase that does not pass."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from coreos_lab import events, wait
from coreos_lab.chaos.course import Course
from coreos_lab.chaos.fault import Break
from coreos_lab.chaos.phases import Phases, reason
from coreos_lab.chaos.schedule import Step
from coreos_lab.errors import LabError
from coreos_lab.model import Cluster, Outcome
from coreos_lab.records import fault_journal
from coreos_lab.records.fault_journal import OpenFault


@dataclass(frozen=True)
class _Broken:
    """A break whose effect was seen, and its faults on record. `began` is in monotonic seconds."""

    faults: tuple[OpenFault, ...]
    began: float


class Carrier:
    """Carries out one course. `plan` resolves a break when its turn has come; `deadline` is for each recovery.

    `nodes` are those that were broken, in that order. `had_effect`: one of the breaks had. `lost_quorum`: etcd lost its
    majority, as the course allowed.
    """

    def __init__(
        self, cluster: Cluster, phases: Phases, course: Course, plan: Callable[[Step], Break], deadline: float
    ) -> None:
        self._cluster, self._phases, self._course, self._plan = cluster, phases, course, plan
        self._deadline = deadline
        self._start = 0.0
        self._broken: dict[int, _Broken] = {}  # by the numbers of the breaks
        self._attempted: set[str] = set()  # faults whose repair was tried, by their ids
        self._without_quorum = False  # now
        self._over = False  # no break begins any more
        self.nodes: dict[str, None] = {}
        self.had_effect = self.lost_quorum = False

    def run(self) -> None:
        """Carries out the acts. Whatever is broken is healed however this ends, as long as this process lives.

        An error that ends them is a phase of the verdict once a node was broken; before that it is raised.
        """
        self._start = began = time.monotonic()
        try:
            try:
                self._carry_out()
            finally:
                unproved = bool(self._broken)
                self._heal_all()
            if unproved:
                self._phases.checks("steady state after", self._deadline)
            if not self.nodes and self._phases.outcome is Outcome.PASS:  # such as a plan whose time is over at once
                self._phases.prefix = ""
                self._phases.add("carried out to the end", Outcome.UNKNOWN, began, "nothing was broken")
        except LabError as error:
            if not self.nodes:
                raise
            self._phases.prefix = ""
            self._phases.add("carried out to the end", Outcome.UNKNOWN, began, reason(error))
        finally:
            self._phases.prefix = ""

    def _carry_out(self) -> None:
        for act in self._course.acts:
            if act.begins:
                self._begin(act.number)
            elif act.number in self._broken:
                self._end(act.number)
            if self._phases.outcome is not Outcome.PASS:
                return

    def _begin(self, number: int) -> None:
        """A break: its effect, and that what must survive it recovers while it lasts."""
        phases, step = self._phases, self._course.steps[number]
        wait.pause(self._start + step.at - time.monotonic())
        if self._course.ends is not None and time.monotonic() - self._start > self._course.ends:
            if not self._over:  # the breaks after this one begin later
                events.note("storm", f"the time is over after {number} of {len(self._course.steps)} breaks")
            self._over = True
            return
        phases.prefix = self._course.prefix(number)
        planned = self._plan(step)
        self.nodes |= {node.name: None for node in planned.nodes}
        before = {fault.id for fault in fault_journal.open_faults(self._cluster)}
        if not phases.effect(planned):
            return
        ours = tuple(fault for fault in fault_journal.open_faults(self._cluster) if fault.id not in before)
        self._broken[number] = _Broken(ours, phases.began)
        self.had_effect = True
        if not phases.quorum(planned, may_be_lost=self._course.may_lose_quorum):
            return
        self._without_quorum = phases.lost != ""
        self.lost_quorum = self.lost_quorum or self._without_quorum
        if not self._without_quorum and phases.noticed(planned):
            phases.checks("recovery while broken", self._deadline, only="survives")

    def _end(self, number: int) -> None:
        """The repair of a break, and that everything recovers which has to."""
        phases, step = self._phases, self._course.steps[number]
        phases.prefix = self._course.prefix(number)
        left = self._broken[number].began + (step.lasting or 0.0) - time.monotonic()
        if left > 0:
            wait.pause(left)
            if not self._without_quorum and not phases.checks("holds to the end", self._deadline, only="survives"):
                return
        # No node serves before etcd has its majority again: then all breaks end with the first one.
        ended = list(self._broken) if self._without_quorum else [number]
        self._repair([fault for each in ended for fault in self._broken.pop(each).faults])
        self._without_quorum = self._without_quorum and bool(self._broken)
        if self._broken:
            phases.checks("recovery while others are broken", self._deadline, only="survives")
        else:
            phases.checks("steady state after", self._deadline)
        if step.rest and phases.outcome is Outcome.PASS:
            wait.pause(step.rest)

    def _heal_all(self) -> None:
        """Heals what is still broken, also what a break has left that had no effect."""
        left = [fault for fault in fault_journal.open_faults(self._cluster) if fault.id not in self._attempted]
        if not left:
            return
        for number, broken in self._broken.items():
            alone = {fault.id for fault in left} <= {fault.id for fault in broken.faults}
            self._phases.prefix = self._course.prefix(number) if alone else ""
        self._repair(left)

    def _repair(self, faults: list[OpenFault]) -> None:
        self._attempted |= {fault.id for fault in faults}
        if faults:
            self._phases.repair(faults)
