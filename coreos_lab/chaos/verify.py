"""Break, and prove it: steady before, effect seen, recovery while broken, repair seen, steady again."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from coreos_lab import wait
from coreos_lab.chaos.fault import Break
from coreos_lab.chaos.measuring import Measurement
from coreos_lab.chaos.phases import Phases, reason
from coreos_lab.chaos.schedule import Step, kinds
from coreos_lab.chaos.verdict import Verdict
from coreos_lab.errors import LabError
from coreos_lab.model import Cluster, Lab, Outcome
from coreos_lab.providers.base import Provider
from coreos_lab.records import fault_journal


class Verification:
    """One `lab break --verify`: carries breaks out and measures meanwhile."""

    def __init__(self, provider: Provider, cluster: Cluster, labs: Sequence[Lab], run_folder: Path) -> None:
        self._provider = provider
        self._cluster = cluster
        self._labs = labs
        self._folder = run_folder
        self._phases = Phases(provider, cluster, labs)
        self._nodes: dict[str, None] = {}  # the nodes that were broken, in that order
        self._had_effect = False  # one of the breaks

    def run(self, steps: Sequence[Step], plan: Callable[[Step], Break], *, deadline: float) -> Verdict:
        """Carries breaks out, one after the other, up to the first that does not pass, and records the verdict.

        `plan` resolves a step when its turn has come. Whatever is broken is healed however this ends, as long as this
        process lives; else `lab heal` does it.
        """
        measured = Measurement(self._provider, self._cluster, self._labs, self._phases, self._folder)
        with measured.going_on(self._broken):
            if self._phases.checks("steady state before", 0.0, only="not lasting"):
                self._carry_out_all(steps, plan, deadline)
            if self._had_effect:
                measured.judge_writes()
        return measured.conclude(kinds(steps), tuple(self._nodes), by_objectives=self._had_effect)

    def _broken(self) -> list[tuple[str, str]]:
        """The nodes that are broken now, each with its fault."""
        return [(fault.node, fault.kind.value) for fault in fault_journal.open_faults(self._cluster)]

    def _carry_out_all(self, steps: Sequence[Step], plan: Callable[[Step], Break], deadline: float) -> None:
        """The breaks, one after the other, up to the first that does not pass.

        An error that ends them is a phase of the verdict once a node was broken; before that it is raised.
        """
        began = time.monotonic()
        try:
            for number, step in enumerate(steps, 1):
                self._phases.prefix = f"{number}. " if len(steps) > 1 else ""
                self._carry_out(plan(step), step.lasting or 0.0, deadline)
                if self._phases.outcome is not Outcome.PASS:
                    break
                if step.rest:
                    wait.pause(step.rest)
        except LabError as error:
            if not self._nodes:
                raise
            self._phases.add("carried out to the end", Outcome.UNKNOWN, began, reason(error))
        finally:
            self._phases.prefix = ""

    def _carry_out(self, planned: Break, lasting: float, deadline: float) -> None:
        """One break with its repair."""
        phases = self._phases
        self._nodes |= {node.name: None for node in planned.nodes}
        broken = False
        try:
            broken = phases.effect(planned)
            self._had_effect = self._had_effect or broken
            if broken and phases.quorum(planned) and phases.noticed(planned):
                recovered = phases.checks("recovery while broken", deadline, only="survives")
                left = phases.began + lasting - time.monotonic()
                if recovered and left > 0:
                    wait.pause(left)
                    phases.checks("holds to the end", deadline, only="survives")
        finally:
            unhealed = fault_journal.open_faults(self._cluster)
            if unhealed:
                phases.repair(unhealed)
        if broken:
            phases.checks("steady state after", deadline)
