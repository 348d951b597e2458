"""Carrying out a storm's plan: its record, its verdict, and the shortest plan that still fails."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from coreos_lab import events, hints, wait
from coreos_lab.chaos import faults, injecting, numbering, shrinking, storm_record
from coreos_lab.chaos.course import Course, by_time
from coreos_lab.chaos.fault import Break
from coreos_lab.chaos.schedule import Step
from coreos_lab.chaos.storm_record import ATTEMPTS, Shrunk, Storm
from coreos_lab.chaos.verdict import Verdict
from coreos_lab.chaos.verify import Verification
from coreos_lab.commands import described
from coreos_lab.commands.targets import target_node
from coreos_lab.errors import LabError
from coreos_lab.machine_image.judge import ensure_judge
from coreos_lab.model import Cluster, Lab, Node, Outcome
from coreos_lab.providers.base import Provider
from coreos_lab.records import about, fault_journal, runs, store

MOST = 20  # attempts to shrink a plan
PLACED_WITHIN = 30.0  # seconds until a unit runs somewhere


class Storming:
    """Carries out plans on one cluster. `labs` judge them."""

    def __init__(self, provider: Provider, cluster: Cluster, labs: Sequence[Lab]) -> None:
        self._provider, self._cluster, self._labs = provider, cluster, labs

    def require_able(self, steps: Sequence[Step]) -> None:
        """LabError for a fault that cannot be injected here: that is an error, not a verdict."""
        first = {(step.kind, tuple(step.values.items())): step for step in reversed(steps)}
        for step in first.values():
            injecting.require_able(self._provider, self._cluster, self._plan(step))

    def run(self, storm: Storm, folder: Path, again: str, what: str = "") -> Verdict:
        """Carries out a plan and records it in a run's folder. `what` is the run in words, if not as the plan's."""
        about.save(described.of_storm(self._cluster, self._provider, what or storm.what, again), folder)
        storm_record.save(storm, folder)
        course = Course(
            storm.steps,
            by_time(storm.steps),
            storm.what,
            storm.ends,
            patience=storm.deadline,
            may_lose_quorum=storm.may_lose_quorum,
        )
        with events.recording(folder / runs.EVENTS):
            judge = ensure_judge() if storm.history else None
            verification = Verification(self._provider, self._now, self._labs, folder, judge)
            return verification.run(course, self._plan, deadline=storm.deadline)

    def shrink(self, storm: Storm, verdict: Verdict, folder: Path) -> Shrunk:
        """The shortest part of a failed storm's plan that still fails. Each attempt is a run in the storm's folder.

        What has been found is on record at any time, so an interruption loses the attempt that it interrupts.
        """
        begun = storm_record.carried_out(storm.steps, verdict.phases)
        attempts = _Attempts(self, self._cluster, storm, folder, Shrunk(begun, len(storm.steps), 0))
        shrinking.shrink(begun, attempts.fails, suspect(verdict))
        return attempts.best

    @property
    def _now(self) -> Cluster:
        """The cluster, with the machines that replace others."""
        return store.load(self._cluster.name) or self._cluster

    def _plan(self, step: Step) -> Break:
        return faults.plan([self._node(target) for target in step.targets], step.kind, step.values)

    def _node(self, target: str) -> Node:
        """The node that a target names. A unit may be moving or restarting: then it is looked for again."""
        why = ""

        def look() -> Node | None:
            nonlocal why
            try:
                return target_node(self._now, self._provider, target)
            except LabError as error:
                why = error.message
                return None

        return wait.until(look, deadline=wait.patiently(PLACED_WITHIN), interval=0.5, missing=lambda: why)


class _Attempts:
    """Tries plans. `best` is the shortest one that failed."""

    def __init__(self, storming: Storming, cluster: Cluster, storm: Storm, folder: Path, best: Shrunk) -> None:
        self._storming, self._cluster, self._storm, self._folder = storming, cluster, storm, folder
        self._keep(best)

    def fails(self, steps: tuple[Step, ...]) -> bool:
        """Carries a plan out; whether its verdict is fail. Nothing is tried any more once that makes no sense."""
        broken = [f"{fault.node} ({fault.kind.value})" for fault in fault_journal.open_faults(self._cluster)]
        if broken and not self.best.stopped:
            self._stop(f"{', '.join(broken)} is still broken")
        if self.best.attempts == MOST and not self.best.stopped:
            self._stop(f"{MOST} attempts were made")
        if self.best.stopped:
            return False
        number = self.best.attempts + 1
        folder = self._folder / ATTEMPTS / f"{self._folder.name}-{number}"
        folder.mkdir(parents=True)
        events.note("storm", f"attempt {number} to shrink it: {words(steps)}")
        self._keep(replace(self.best, attempts=number))
        try:
            verdict = self._storming.run(
                replace(self._storm, steps=steps, ends=None),
                folder,
                hints.lab("replay", folder),
                f"{self._storm.what}, attempt {number} to shrink it",
            )
        except LabError as error:
            self._stop(error.message)
            return False
        if not verdict.nodes and verdict.first_bad:  # it was not steady before
            self._stop(f"{self._cluster.name} did not become steady again: {verdict.first_bad.evidence}")
        failed = verdict.outcome is Outcome.FAIL
        if failed:
            self._keep(replace(self.best, steps=steps, run=folder.name))
        return failed

    def _stop(self, why: str) -> None:
        self._keep(replace(self.best, stopped=why))

    def _keep(self, best: Shrunk) -> None:
        self.best = best
        storm_record.save_shrunk(best, self._folder)


def suspect(verdict: Verdict) -> int | None:
    """The number, from 0, of the break in whose phases a verdict failed; None where that is none's."""
    prefix = numbering.split(verdict.first_bad.name)[0] if verdict.first_bad else ""
    return int(prefix.partition(".")[0]) - 1 if prefix else None


def words(steps: Sequence[Step]) -> str:
    """A plan in words."""
    each = [f"{step.kind.value} of {step.targets[0]} at {step.at:g} s for {step.lasting or 0:g} s" for step in steps]
    return ", ".join(each)


def as_json(steps: Sequence[Step]) -> list[dict[str, object]]:
    """A plan for --json and --dry-run; times are in seconds."""
    return [
        {
            "at": step.at,
            "for": step.lasting,
            "target": step.targets[0],
            "fault": step.kind.value,
            "values": step.values,
        }
        for step in steps
    ]
