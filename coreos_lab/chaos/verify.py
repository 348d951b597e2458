"""Break, and prove it: steady before, effect seen, recovery while broken, repair seen, steady again."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from coreos_lab import screen
from coreos_lab.chaos import journals
from coreos_lab.chaos.board import board
from coreos_lab.chaos.carrying import Carrier
from coreos_lab.chaos.course import Course
from coreos_lab.chaos.fault import Break
from coreos_lab.chaos.objectives import allowed
from coreos_lab.chaos.observer import Observer
from coreos_lab.chaos.phases import Phases
from coreos_lab.chaos.probes import Prober, record
from coreos_lab.chaos.schedule import Step
from coreos_lab.chaos.verdict import JOURNALS, OBJECTIVES, PROBES, UNITS, Verdict, of_objectives, outages_of, save
from coreos_lab.chaos.writes import Writes
from coreos_lab.model import ETCD_PROBE, Cluster, Lab, Outcome, QualifiedName
from coreos_lab.observed import node_states
from coreos_lab.providers.base import Provider
from coreos_lab.records import fault_journal

if TYPE_CHECKING:
    from rich.console import RenderableType


class Verification:
    """One verification: carries breaks out and measures meanwhile."""

    def __init__(self, provider: Provider, cluster: Cluster, labs: Sequence[Lab], run_folder: Path) -> None:
        self._provider = provider
        self._cluster = cluster
        self._labs = labs
        self._folder = run_folder
        self._phases = Phases(provider, cluster, labs)

    def run(self, course: Course, plan: Callable[[Step], Break], *, deadline: float) -> Verdict:
        """Carries a course out, up to the first phase that does not pass, and records the verdict.

        `plan` resolves a break when its turn has come. Whatever is broken is healed however this ends, as long as this
        process lives; else `lab heal` does it.
        """
        carrier = Carrier(self._cluster, self._phases, course, plan, deadline)
        addresses = node_states.addresses(self._cluster.nodes)
        prober, writes = Prober(self._labs, addresses), Writes(addresses, self._folder.name)
        observer = Observer(self._cluster)

        def drawn() -> RenderableType:
            broken = [(fault.node, fault.kind.value) for fault in fault_journal.open_faults(self._cluster)]
            probes = {**prober.samples, QualifiedName("", ETCD_PROBE): writes.samples}
            return board(observer, probes, broken, self._phases.began, time.monotonic())

        with prober, writes, observer, screen.foot(drawn):
            if self._phases.checks("steady state before", course.patience, only="not lasting"):
                carrier.run()
            if carrier.had_effect:
                self._judge_writes(writes)
        if troubles := [*prober.troubles, *writes.troubles]:
            self._phases.add("measured to the end", Outcome.UNKNOWN, time.monotonic(), troubles[0])
        measured = [*prober.samples.values(), writes.samples, *observer.reads.values()]
        record(self._folder / PROBES, measured)
        observer.record(self._folder / UNITS)
        outages = outages_of(sample for samples in measured for sample in samples)
        # No lab promises anything without etcd's majority.
        objectives = {} if carrier.lost_quorum else allowed(self._cluster, self._labs)
        if carrier.had_effect and objectives:
            outcome, evidence = of_objectives(objectives, outages)
            self._phases.add(OBJECTIVES, outcome, time.monotonic(), evidence)
        verdict = Verdict(
            self._phases.outcome,
            self._cluster.name,
            tuple(carrier.nodes),
            course.what,
            tuple(lab.name for lab in self._labs),
            tuple(self._phases.done),
            outages,
            objectives,
            userns=self._cluster.userns,
        )
        save(verdict, self._folder)
        around = journals.moments(verdict.phases, time.time() - time.monotonic())
        journals.record(self._provider, self._cluster, around, self._folder / JOURNALS)
        return verdict

    def _judge_writes(self, writes: Writes) -> None:
        writes.stop()
        began = time.monotonic()
        outcome, evidence = writes.judged()
        self._phases.add("writes", outcome, began, evidence)
