"""An update from its beginning to its verdict: steady, offered, installed, rebooted under the lock, steady again."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from coreos_lab import events
from coreos_lab.chaos.course import STEADY
from coreos_lab.chaos.measuring import Measurement
from coreos_lab.chaos.phases import Phases
from coreos_lab.chaos.probes import Sample
from coreos_lab.chaos.verdict import Verdict
from coreos_lab.clients.ssh import NotReachedError
from coreos_lab.cluster import updates
from coreos_lab.errors import LabError
from coreos_lab.machine_image import editions
from coreos_lab.model import Lab, Node, NodeState, Outcome
from coreos_lab.observed import node_states, ready
from coreos_lab.providers.base import SlotProvider
from coreos_lab.records import store
from coreos_lab.updating import away, stuck
from coreos_lab.updating.look import ask
from coreos_lab.updating.phase import Phase
from coreos_lab.updating.target import Target, finished
from coreos_lab.updating.watch import Watch

FAULT = "update"  # what the verdict calls it


class Update:
    """One `lab update` of these nodes: carries it out and measures meanwhile."""

    def __init__(
        self, provider: SlotProvider, target: Target, nodes: Sequence[Node], labs: Sequence[Lab], folder: Path
    ) -> None:
        self._provider, self._target, self._nodes, self._labs, self._folder = (
            provider,
            target,
            list(nodes),
            labs,
            folder,
        )
        self._cluster = target.cluster
        self._phases = Phases(provider, self._cluster, labs)
        self._watch = Watch(provider, self._cluster, self._nodes, target.image)

    def run(self, *, deadline: float) -> Verdict:
        """Updates the nodes and records the verdict. Nothing is offered unless the labs' checks pass before.

        Raises the error that has ended it, with what was measured until then in the record.
        """
        measured = Measurement(self._provider, self._cluster, self._labs, self._phases, self._folder)
        self._phases.began = time.monotonic()
        failure: LabError | None = None
        with measured.going_on(self._on_their_way):
            steady = self._is_steady()
            if steady:
                failure = self._carry_out(measured)
            if steady and failure is None:
                if self._labs:
                    self._phases.checks("steady state after", deadline)
                measured.judge_writes()
        verdict = measured.conclude(FAULT, [node.name for node in self._nodes], by_objectives=steady, by_reads=steady)
        if failure is not None:
            raise failure
        return verdict

    def _on_their_way(self) -> list[tuple[str, str]]:
        """The nodes that do not have the image yet, each with how far it has come."""
        return [
            (name, standing.phase.name.lower().replace("_", " "))
            for name, standing in self._watch.standings.items()
            if standing.phase is not Phase.DONE
        ]

    def _is_steady(self) -> bool:
        """Whether the labs' checks pass before: where a machine is off already, those that survive that.

        An update that goes on is in the middle of it: machines may be rebooting now.
        """
        if not self._labs or self._target.resumed:
            return True
        running = node_states.running(self._cluster, self._provider)
        only = "not lasting" if len(running) == len(self._cluster.nodes) else "survives"
        return self._phases.checks("steady state before", STEADY, only=only)

    def _carry_out(self, measured: Measurement) -> LabError | None:
        """Offers the image, and watches until every node has it; returns the error that ended that."""
        began = time.monotonic()
        try:
            self._offer()
            self._ask()
            self._watch.run()
            ready.wait_for_nodes(self._cluster, self._nodes, self._provider, deadline=self._provider.boot_deadline)
        except LabError as error:
            self._phases.add("update", Outcome.UNKNOWN, began, error.message)
            return error
        left = [node.name for node in self._cluster.nodes if self._is_left(node)]
        reads = {node.name: [s for s in measured.reads[node.name] if s.mono >= began] for node in self._nodes}
        reboots = self._watch.reboots
        times = ", ".join(f"{name} away for {away.seconds(its, reboots[name]):.1f} s" for name, its in reads.items())
        if left:
            evidence = f"{', '.join(left)}: off, and so without {self._target.image}"
            self._phases.add("update", Outcome.UNKNOWN, began, evidence)
        else:
            store.save(finished(self._target))
            self._phases.add("update", Outcome.PASS, began, f"{self._target.image}: {times}")
        self._judge_locking(reads)
        return None

    def _is_left(self, node: Node) -> bool:
        """Whether a node that is off has another image, in an update of all."""
        off = self._provider.state(self._cluster, node) is not NodeState.RUNNING
        return off and not self._target.group and node not in self._nodes and self._has(node) != self._target.image

    def _has(self, node: Node) -> str:
        return self._provider.booted_image(self._cluster, node)

    def _offer(self) -> None:
        """The image is there first, then the plan says so, then the server: so the next command goes on from here."""
        editions.ensure(self._target.image)
        store.save(self._cluster)
        self._provider.create_network(self._cluster)  # its firewall lets nodes reach the server from now on
        updates.run_server(self._cluster)

    def _ask(self) -> None:
        """Has all update engines look now: by themselves they would within a minute or so."""
        image = self._target.image
        with events.step("update", message=f"the update engines look for {image}"):
            with ThreadPoolExecutor(max_workers=len(self._nodes)) as pool:
                answers = list(pool.map(self._ask_one, self._nodes))
            for node, why in zip(self._nodes, answers, strict=True):
                if why and self._has(node) != image:
                    raise LabError(f"{node.name}: its update engine finds no update: {why}")

    def _ask_one(self, node: Node) -> str:
        """What a node's update engine answers; "" also for one that does not answer, as it may be rebooting already."""
        try:
            return ask(self._cluster, node)
        except NotReachedError:
            return ""

    def _judge_locking(self, reads: dict[str, list[Sample]]) -> None:
        """How many nodes were away at once, against how many the locks allow."""
        found, free = away.most_at_once(reads, self._watch.reboots), stuck.without_lock(self._watch.standings)
        sure, possible = (
            len([name for name in names if name not in free]) <= self._watch.most
            for names in (found.sure, found.possible)
        )
        together = found.possible if sure else found.sure
        evidence = f"{len(together)} at most away at once"
        if len(together) > 1:
            evidence += f" ({', '.join(together)})"
        if free:
            evidence += f"; {', '.join(free)} {'asks' if len(free) == 1 else 'ask'} for no lock"
        if sure and not possible:
            evidence += "; whether one was back before the next one went is unknown: they did not answer in time"
        outcome = Outcome.FAIL if not sure else Outcome.PASS if possible else Outcome.UNKNOWN
        self._phases.add("under the lock", outcome, time.monotonic(), evidence)
