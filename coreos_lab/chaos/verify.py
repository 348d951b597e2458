"""Break, and prove it: steady before, effect seen, recovery while broken, repair seen, steady again."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from coreos_lab import disk, events, node_states, ready, wait
from coreos_lab.chaos import faults, journal
from coreos_lab.chaos.probes import Prober
from coreos_lab.checks import run_checks
from coreos_lab.clients import ssh
from coreos_lab.clients.fleet import Fleet
from coreos_lab.clients.http import CannotCheckError
from coreos_lab.errors import LabError
from coreos_lab.model import CheckResult, Cluster, FaultKind, Lab, Node, Outcome, to_json
from coreos_lab.providers.base import Provider
from coreos_lab.store import ClusterFolder
from coreos_lab.units_of_measure import duration


@dataclass(frozen=True)
class Phase:
    """One part of a verification, with what it found. `evidence` is in words."""

    name: str
    outcome: Outcome
    seconds: float
    evidence: str = ""
    checks: tuple[CheckResult, ...] = ()


@dataclass(frozen=True)
class Verdict:
    """What a break has shown. `outages` are each probe's longest time without an answer, in seconds."""

    outcome: Outcome
    cluster: str
    node: str
    fault: str
    labs: tuple[str, ...]
    phases: tuple[Phase, ...]
    outages: dict[str, float] = field(default_factory=dict)


def judge(phases: Sequence[Phase]) -> Outcome:
    """The verdict: the first phase that did not pass decides, as what comes after it proves nothing."""
    return next((phase.outcome for phase in phases if phase.outcome is not Outcome.PASS), Outcome.PASS)


def of_checks(results: Sequence[CheckResult]) -> Outcome:
    """What a set of checks says together: one failure is a failure; else one unknown makes it unknown."""
    outcomes = {result.outcome for result in results}
    if Outcome.FAIL in outcomes:
        return Outcome.FAIL
    return Outcome.UNKNOWN if Outcome.UNKNOWN in outcomes or not results else Outcome.PASS


def objectives_missed(labs: Sequence[Lab], outages: dict[str, float], allowance: float) -> list[str]:
    """The objectives that the probes contradict, in words.

    `allowance` is what the cluster was told to wait longer than usual before it moves units, in seconds.
    """
    return [
        f"{name} was down for {outages[name]:.1f} s, the objective is {limit + allowance:g} s at most"
        for lab in labs
        for name, limit in lab.objectives.items()
        if outages.get(name, 0.0) > limit + allowance
    ]


class Verification:
    """One `lab break --verify`: holds what its phases share."""

    def __init__(self, provider: Provider, cluster: Cluster, labs: Sequence[Lab], run_folder: Path) -> None:
        self._provider = provider
        self._cluster = cluster
        self._labs = labs
        self._folder = run_folder
        self._phases: list[Phase] = []
        self._broke = 0.0  # monotonic seconds

    def run(self, node: Node, kind: FaultKind, told: Mapping[str, str], *, lasting: float, deadline: float) -> Verdict:
        """Carries it out. The fault is healed however this ends, as long as we live; else `lab heal` does it."""
        probes = [probe for lab in self._labs for probe in lab.probes]
        prober = Prober(probes, node_states.addresses(self._cluster.nodes), self._folder / "probes.jsonl")
        fault: journal.OpenFault | None = None
        with prober:
            try:
                if self._checks("steady state before", 0.0):
                    fault = self._inject(node, kind, told)
                    if fault and self._noticed(node, kind):
                        recovered = self._checks("recovery while broken", deadline, only="survives")
                        left = self._broke + lasting - time.monotonic()
                        if recovered and left > 0:
                            time.sleep(left)
                            self._checks("holds to the end", deadline, only="survives")
            finally:
                unhealed = journal.open_faults(self._cluster)
                if unhealed:
                    self._heal(unhealed)
            if fault:
                self._checks("steady state after", deadline)
        outages = prober.outages()
        if fault:
            self._judge_objectives(outages)
        labs = tuple(lab.name for lab in self._labs)
        verdict = Verdict(
            judge(self._phases), self._cluster.name, node.name, kind.value, labs, tuple(self._phases), outages
        )
        disk.write_atomic(self._folder / "verdict.json", json.dumps(to_json(verdict), indent=2) + "\n")
        return verdict

    def _add(
        self, name: str, outcome: Outcome, began: float, evidence: str, checks: Sequence[CheckResult] = ()
    ) -> bool:
        self._phases.append(Phase(name, outcome, time.monotonic() - began, evidence, tuple(checks)))
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
        outcome = of_checks(results)
        if outcome is Outcome.FAIL and name == "steady state before":
            outcome = Outcome.UNKNOWN  # what did not work before says nothing about recovery
        bad = [f"{result.name}: {result.message}" for result in results if result.outcome is not Outcome.PASS]
        evidence = bad[0] if bad else f"{len(results)} checks pass" if results else "no checks"
        return self._add(name, outcome, began, evidence, results)

    def _inject(self, node: Node, kind: FaultKind, told: Mapping[str, str]) -> journal.OpenFault | None:
        self._broke = began = time.monotonic()
        try:
            fault = faults.inject(self._provider, self._cluster, node, kind, told)
        except LabError as error:
            self._add("effect", Outcome.UNKNOWN, began, error.message)
            return None
        seen = f"{node.name}: {faults.described(fault)}, seen from {faults.FAULTS[kind].seen_from}"
        self._add("effect", Outcome.PASS, began, seen)
        return fault

    def _noticed(self, node: Node, kind: FaultKind) -> bool:
        """The others must see it too: what passes before they do is yesterday's state."""
        if not faults.FAULTS[kind].noticed:
            return True
        began = time.monotonic()
        others = [other for other in node_states.running(self._cluster, self._provider) if other != node]
        fleet = Fleet(node_states.addresses(others), timeout=1.0)

        def gone() -> bool:
            try:
                return all(machine.address != node.address for machine in fleet.machines())
            except CannotCheckError:
                return False

        patience = 3 * duration(self._cluster.agent_ttl, "agent-ttl") + 10
        with events.step("verify", message=f"fleet notices that {node.name} is gone"):
            try:
                wait.until(gone, deadline=patience, interval=0.1, missing=f"fleet still lists {node.name}")
            except wait.DeadlineError as late:
                return self._add("noticed", Outcome.UNKNOWN, began, late.message)
        return self._add("noticed", Outcome.PASS, began, f"fleet no longer lists {node.name}")

    def _heal(self, open_faults: Sequence[journal.OpenFault]) -> None:
        began = time.monotonic()
        names = ", ".join(fault.node for fault in open_faults)
        try:
            faults.heal(self._provider, self._cluster, open_faults)
        except (ready.NodeNotReadyError, wait.DeadlineError) as error:
            self._add("repair", Outcome.FAIL, began, error.message)
            return
        self._add("repair", Outcome.PASS, began, f"{names} serves again")

    def _judge_objectives(self, outages: dict[str, float]) -> None:
        if not any(lab.objectives for lab in self._labs):
            return
        usual = duration(Cluster.agent_ttl, "agent-ttl")
        allowance = max(0.0, duration(self._cluster.agent_ttl, "agent-ttl") - usual)
        missed = objectives_missed(self._labs, outages, allowance)
        told = ", ".join(f"{name} down for {seconds:.1f} s at most" for name, seconds in outages.items())
        self._add("objectives", Outcome.FAIL if missed else Outcome.PASS, time.monotonic(), "; ".join(missed) or told)
