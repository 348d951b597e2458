"""Break, and prove it: steady before, effect seen, recovery while broken, repair seen, steady again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from coreos_lab.chaos.carrying import Carrier
from coreos_lab.chaos.course import Course
from coreos_lab.chaos.fault import Break
from coreos_lab.chaos.measuring import Measurement
from coreos_lab.chaos.phases import Phases
from coreos_lab.chaos.schedule import Step
from coreos_lab.chaos.verdict import Verdict
from coreos_lab.model import Cluster, Lab
from coreos_lab.providers.base import Provider
from coreos_lab.records import fault_journal


class Verification:
    """One verification: carries breaks out and measures meanwhile. With the program of the `judge`, a history, too."""

    def __init__(
        self, provider: Provider, cluster: Cluster, labs: Sequence[Lab], run_folder: Path, judge: Path | None = None
    ) -> None:
        self._provider = provider
        self._cluster = cluster
        self._labs = labs
        self._folder = run_folder
        self._judge = judge
        self._phases = Phases(provider, cluster, labs)

    def run(self, course: Course, plan: Callable[[Step], Break], *, deadline: float) -> Verdict:
        """Carries a course out, up to the first phase that does not pass, and records the verdict.

        `plan` resolves a break when its turn has come. Whatever is broken is healed however this ends, as long as this
        process lives; else `lab heal` does it.
        """
        carrier = Carrier(self._cluster, self._phases, course, plan, deadline)
        measured = Measurement(self._provider, self._cluster, self._labs, self._phases, self._folder, self._judge)
        self._phases.follow = measured.follow
        with measured.going_on(self._broken):
            if self._phases.checks("steady state before", course.patience, only="not lasting"):
                carrier.run()
            if carrier.had_effect:
                measured.judge_writes()
                measured.fill_history()
        if carrier.had_effect:
            measured.judge_history()
        return measured.conclude(
            course.what,
            tuple(carrier.nodes),
            by_objectives=carrier.had_effect,
            without_majority=carrier.lost_quorum,
        )

    def _broken(self) -> list[tuple[str, str]]:
        """The nodes that are broken now, each with its fault."""
        return [(fault.node, fault.kind.value) for fault in fault_journal.open_faults(self._cluster)]
