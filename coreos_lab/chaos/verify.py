"""Break, and prove it: steady before, effect seen, recovery while broken, repair seen, steady again."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from coreos_lab import events, node_states, ready, screen, wait
from coreos_lab.chaos import faults, journal, quorum
from coreos_lab.chaos.board import board
from coreos_lab.chaos.fault import Break
from coreos_lab.chaos.observer import Observer
from coreos_lab.chaos.probes import Prober, longest_outage, record
from coreos_lab.chaos.schedule import Step, kinds
from coreos_lab.chaos.verdict import (
    OBJECTIVES,
    PROBES,
    UNITS,
    Phase,
    Verdict,
    judge,
    objectives_missed,
    of_checks,
    of_steady_state,
    save,
)
from coreos_lab.chaos.writes import Writes
from coreos_lab.checks import run_checks
from coreos_lab.clients import etcd, ssh
from coreos_lab.clients.fleet import Fleet
from coreos_lab.clients.http import CannotCheckError
from coreos_lab.errors import LabError
from coreos_lab.model import ETCD_PROBE, CheckResult, Cluster, Lab, Outcome
from coreos_lab.providers.base import Provider
from coreos_lab.store import ClusterFolder
from coreos_lab.units_of_measure import duration

if TYPE_CHECKING:
    from rich.console import RenderableType

QUORUM_PATIENCE = 30.0  # seconds for a member to notice that it is alone


class Verification:
    """One `lab break --verify`: holds what its phases share."""

    def __init__(self, provider: Provider, cluster: Cluster, labs: Sequence[Lab], run_folder: Path) -> None:
        self._provider = provider
        self._cluster = cluster
        self._labs = labs
        self._folder = run_folder
        self._phases: list[Phase] = []
        self._prefix = ""  # of phases' names, where there are several breaks
        self._broke = 0.0  # monotonic seconds
        self._nodes: dict[str, None] = {}  # that were broken, in that order

    def run(self, steps: Sequence[Step], plan: Callable[[Step], Break], *, deadline: float) -> Verdict:
        """Carries breaks out, one after the other, up to the first that does not pass.

        `plan` says what a step means when its turn has come. Whatever is broken is healed however this ends, as long as
        we live; else `lab heal` does it.
        """
        probes = [probe for lab in self._labs for probe in lab.probes]
        addresses = node_states.addresses(self._cluster.nodes)
        prober, writes = Prober(probes, addresses), Writes(addresses, self._folder.name)
        observer = Observer(self._cluster)

        def drawn() -> RenderableType:
            broken = [(fault.node, fault.kind.value) for fault in journal.open_faults(self._cluster)]
            return board(observer, {**prober.samples, ETCD_PROBE: writes.samples}, broken, self._broke)

        broken = False
        with prober, writes, observer, screen.foot(drawn):
            if self._checks("steady state before", 0.0, only="not lasting"):
                for number, step in enumerate(steps, 1):
                    self._prefix = f"{number}. " if len(steps) > 1 else ""
                    broken = self._carry_out(plan(step), step.lasting or 0.0, deadline) or broken
                    if judge(self._phases) is not Outcome.PASS:
                        break
                    if step.rest:
                        time.sleep(step.rest)
            self._prefix = ""
            if broken:
                self._judge_writes(writes)
        record(self._folder / PROBES, [*prober.samples.values(), writes.samples, *observer.reads.values()])
        observer.record(self._folder / UNITS)
        outages = {**prober.outages(), ETCD_PROBE: longest_outage(writes.samples)}
        outages |= {samples[0].probe: longest_outage(samples) for samples in observer.reads.values() if samples}
        objectives = self._objectives()
        if broken and objectives:
            self._judge_objectives(objectives, outages)
        labs = tuple(lab.name for lab in self._labs)
        phases = tuple(self._phases)
        verdict = Verdict(
            judge(phases), self._cluster.name, tuple(self._nodes), kinds(steps), labs, phases, outages, objectives
        )
        save(verdict, self._folder)
        return verdict

    def _carry_out(self, planned: Break, lasting: float, deadline: float) -> bool:
        """One break with its repair; says whether it had an effect."""
        self._nodes |= {node.name: None for node in planned.nodes}
        broken = False
        try:
            broken = self._inject(planned)
            if broken and self._has_quorum(planned) and self._noticed(planned):
                recovered = self._checks("recovery while broken", deadline, only="survives")
                left = self._broke + lasting - time.monotonic()
                if recovered and left > 0:
                    time.sleep(left)
                    self._checks("holds to the end", deadline, only="survives")
        finally:
            unhealed = journal.open_faults(self._cluster)
            if unhealed:
                self._heal(unhealed)
        if broken:
            self._checks("steady state after", deadline)
        return broken

    def _add(
        self, name: str, outcome: Outcome, began: float, evidence: str, checks: Sequence[CheckResult] = ()
    ) -> bool:
        self._phases.append(Phase(f"{self._prefix}{name}", outcome, time.monotonic() - began, evidence, tuple(checks)))
        return outcome is Outcome.PASS

    def _checks(self, name: str, deadline: float, only: str | None = None) -> bool:
        began = time.monotonic()
        broken = [fault.node for fault in journal.open_faults(self._cluster)]
        ssh.write_config(self._cluster, node_states.of(self._cluster, self._provider), broken)
        with events.step("verify", message=name):
            results = [
                result
                for lab in self._labs
                for result in run_checks(lab, ClusterFolder(self._cluster.name).inventory, only=only, deadline=deadline)
            ]
        outcome = of_checks(results) if self._phases else of_steady_state(results)
        bad = [f"{result.name}: {result.message}" for result in results if result.outcome is not Outcome.PASS]
        evidence = bad[0] if bad else f"{len(results)} checks pass" if results else "no checks"
        return self._add(name, outcome, began, evidence, results)

    def _inject(self, planned: Break) -> bool:
        self._broke = began = time.monotonic()
        try:
            done = faults.inject(self._provider, self._cluster, planned)
        except LabError as error:
            return self._add("effect", Outcome.UNKNOWN, began, error.message)
        seen = f"{faults.described(done[0])}, seen from {faults.FAULTS[planned.kind].seen_from}"
        return self._add("effect", Outcome.PASS, began, f"{planned.names}: {seen}")

    def _has_quorum(self, planned: Break) -> bool:
        """Without one nothing can be placed anew: then that is the verdict, once etcd itself has said so."""
        silent = faults.silenced(planned)
        lost = quorum.lost_by(self._cluster, silent)
        if not lost:
            return True
        began = time.monotonic()
        left = [node for node in self._cluster.members if node.name not in silent]
        try:
            wait.until(
                lambda: not any(etcd.is_healthy(node.address) for node in left),
                deadline=wait.patiently(QUORUM_PATIENCE),
                interval=0.2,
                missing=f"{lost}; but one of them says that it is healthy",
            )
        except wait.DeadlineError as late:
            return self._add("quorum", Outcome.UNKNOWN, began, late.message)
        return self._add("quorum", Outcome.FAIL, began, lost)

    def _noticed(self, planned: Break) -> bool:
        """The others must see it too: what passes before they do is yesterday's state."""
        if not faults.FAULTS[planned.kind].noticed:
            return True
        began = time.monotonic()
        others = [other for other in node_states.running(self._cluster, self._provider) if other not in planned.nodes]
        fleet = Fleet(node_states.addresses(others), timeout=1.0)
        lost = set(node_states.addresses(planned.nodes))

        def gone() -> bool:
            try:
                return not lost & {machine.address for machine in fleet.machines()}
            except CannotCheckError:
                return False

        patience = 3 * duration(self._cluster.agent_ttl, "agent-ttl") + wait.patiently(10)
        with events.step("verify", message=f"fleet notices that {planned.names} is gone"):
            try:
                wait.until(gone, deadline=patience, interval=0.1, missing=f"fleet still lists {planned.names}")
            except wait.DeadlineError as late:
                return self._add("noticed", Outcome.UNKNOWN, began, late.message)
        return self._add("noticed", Outcome.PASS, began, f"fleet no longer lists {planned.names}")

    def _heal(self, open_faults: Sequence[journal.OpenFault]) -> None:
        began = time.monotonic()
        names = ", ".join(fault.node for fault in open_faults)
        try:
            faults.heal(self._provider, self._cluster, open_faults)
        except (ready.NodeNotReadyError, wait.DeadlineError) as error:
            self._add("repair", Outcome.FAIL, began, error.message)
            return
        serve = "serves" if len(open_faults) == 1 else "serve"
        self._add("repair", Outcome.PASS, began, f"{names} {serve} again")

    def _judge_writes(self, writes: Writes) -> None:
        writes.stop()
        began = time.monotonic()
        outcome, evidence = writes.judged()
        self._add("writes", outcome, began, evidence)

    def _objectives(self) -> dict[str, float]:
        """How long each probe may be without an answer, in seconds.

        Where the cluster was told to wait longer than usual before it moves units, that much more. Machines that are
        emulated in software are given as many times as long as with our own deadlines.
        """
        usual = duration(Cluster.agent_ttl, "agent-ttl")
        allowance = max(0.0, duration(self._cluster.agent_ttl, "agent-ttl") - usual)
        return {name: wait.patiently(limit) + allowance for lab in self._labs for name, limit in lab.objectives.items()}

    def _judge_objectives(self, objectives: dict[str, float], outages: dict[str, float]) -> None:
        missed = objectives_missed(objectives, outages)
        told = ", ".join(f"{name} down for {outages.get(name, 0.0):.1f} s at most" for name in objectives)
        outcome = Outcome.FAIL if missed else Outcome.PASS
        self._add(OBJECTIVES, outcome, time.monotonic(), "; ".join(missed) or told)
