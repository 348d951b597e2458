"""The phases of a verification: each acts on the cluster or looks at it, and adds its outcome to a list."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from coreos_lab import events, wait
from coreos_lab.chaos import faults, healing, injecting, quorum
from coreos_lab.chaos.fault import Break
from coreos_lab.chaos.verdict import Phase, evidence_of, judge, of_checks, of_steady_state
from coreos_lab.checks.runner import run_checks
from coreos_lab.clients import etcd
from coreos_lab.clients.fleet import Fleet
from coreos_lab.clients.http import CannotCheckError
from coreos_lab.errors import LabError
from coreos_lab.model import CheckResult, Cluster, Lab, Node, Outcome
from coreos_lab.observed import inventory, membership, node_states, ready
from coreos_lab.observed.observation import observe
from coreos_lab.providers.base import Provider
from coreos_lab.records import fault_journal
from coreos_lab.units_of_measure import duration

QUORUM_PATIENCE = 30.0  # seconds for a member to notice that it is alone


class Phases:
    """Carries phases out, one after the other; each returns whether it passed.

    `done` are those that are over, `prefix` begins the names of those to come, `began` is when the last break began, in
    monotonic seconds. `follow` is called with the cluster after a repair: replaced machines have other addresses.
    """

    def __init__(self, provider: Provider, cluster: Cluster, labs: Sequence[Lab]) -> None:
        self._provider = provider
        self._cluster = cluster
        self._labs = labs
        self._voters: tuple[Node, ...] = ()  # in etcd, when the break began
        self.done: list[Phase] = []
        self.prefix = ""
        self.began = 0.0
        self.lost = ""
        self.follow: Callable[[Cluster], None] = lambda _cluster: None

    @property
    def outcome(self) -> Outcome:
        """What the phases prove so far."""
        return judge(self.done)

    def add(self, name: str, outcome: Outcome, began: float, evidence: str, checks: Sequence[CheckResult] = ()) -> bool:
        """Adds a phase that began at `began`, in monotonic seconds."""
        seconds = time.monotonic() - began
        self.done.append(Phase(f"{self.prefix}{name}", outcome, seconds, evidence, tuple(checks), began))
        return outcome is Outcome.PASS

    def checks(self, name: str, deadline: float, only: str | None = None) -> bool:
        """The deployed labs' checks, or those that `only` selects, repeated for `deadline` seconds."""
        began = time.monotonic()
        nodes = inventory.write(observe(self._cluster, self._provider))
        with events.step("verify", message=name):
            results = [result for lab in self._labs for result in run_checks(lab, nodes, only=only, deadline=deadline)]
        outcome = of_checks(results) if self.done else of_steady_state(results)
        return self.add(name, outcome, began, evidence_of(results), results)

    def effect(self, planned: Break) -> bool:
        """The break itself, with its effect seen."""
        self._voters = membership.voters(self._cluster, node_states.running(self._cluster, self._provider))
        self.began = began = time.monotonic()
        try:
            injected = injecting.inject(self._provider, self._cluster, planned)
        except LabError as error:
            return self.add("effect", Outcome.UNKNOWN, began, error.message)
        seen = f"{faults.described(injected[0], self._cluster)}, seen from {faults.FAULTS[planned.kind].seen_from}"
        return self.add("effect", Outcome.PASS, began, f"{planned.names}: {seen}")

    def quorum(self, planned: Break, *, may_be_lost: bool = False) -> bool:
        """Whether etcd keeps its quorum, as far as it may not be lost. `lost` says in words that it has none.

        Without a quorum fleet places no unit anew, so the verdict is fail. A lost quorum is confirmed by the members
        that are left: none of them may be healthy.
        """
        silent = faults.silenced(planned) | faults.silent(fault_journal.open_faults(self._cluster))
        self.lost = lost = quorum.lost_by(self._voters, silent)
        if not lost:
            return True
        began = time.monotonic()
        left = [node for node in self._voters if node.name not in silent]
        try:
            wait.until(
                lambda: not any(etcd.is_healthy(node.address) for node in left),
                deadline=wait.patiently(QUORUM_PATIENCE),
                interval=0.2,
                missing=f"{lost}; but one of them says that it is healthy",
            )
        except wait.DeadlineError as late:
            return self.add("quorum", Outcome.UNKNOWN, began, late.message)
        outcome = Outcome.PASS if may_be_lost else Outcome.FAIL
        return self.add("quorum", outcome, began, f"{lost}, as was asked for" if may_be_lost else lost)

    def noticed(self, planned: Break) -> bool:
        """Waits until fleet no longer lists the broken machines: checks that pass before that prove nothing."""
        if not faults.FAULTS[planned.kind].noticed:
            return True
        began = time.monotonic()
        others = [other for other in node_states.running(self._cluster, self._provider) if other not in planned.nodes]
        cut_off = faults.silent(fault_journal.open_faults(self._cluster))
        others = [other for other in others if other.name not in cut_off]
        fleet = Fleet(node_states.addresses(others), timeout=1.0)
        broken = set(node_states.addresses(planned.nodes))

        def gone() -> bool:
            try:
                return not broken & {machine.address for machine in fleet.machines()}
            except CannotCheckError:
                return False

        patience = 3 * duration(self._cluster.agent_ttl, "agent-ttl") + wait.patiently(10)
        with events.step("verify", message=f"fleet notices that {planned.names} is gone"):
            try:
                wait.until(gone, deadline=patience, interval=0.1, missing=f"fleet still lists {planned.names}")
            except wait.DeadlineError as late:
                return self.add("noticed", Outcome.UNKNOWN, began, late.message)
        return self.add("noticed", Outcome.PASS, began, f"fleet no longer lists {planned.names}")

    def repair(self, open_faults: Sequence[fault_journal.OpenFault]) -> bool:
        """Heals the faults. A node that does not recover is a failure, an undo that fails is unknown."""
        began = time.monotonic()
        names = ", ".join(fault.node for fault in open_faults)
        try:
            healed = healing.heal(self._provider, self._cluster, open_faults)
        except (ready.NodeNotReadyError, wait.DeadlineError) as error:
            return self.add("repair", Outcome.FAIL, began, error.message)
        except LabError as error:  # not known, or a tool underneath has failed: the node had no chance to recover
            return self.add("repair", Outcome.UNKNOWN, began, reason(error))
        before, self._cluster = self._cluster, healed
        if self._cluster != before:
            self.follow(self._cluster)
        serve = "serves" if len(open_faults) == 1 else "serve"
        said = [f"{names} {serve} again", *healing.fates(before, self._cluster, open_faults)]
        return self.add("repair", Outcome.PASS, began, "; ".join(said))


def reason(error: LabError) -> str:
    """An error in one line, with the last line of what a failed tool printed."""
    printed = error.details.strip().splitlines()
    return f"{error.message}: {printed[-1].strip()}" if printed else error.message
