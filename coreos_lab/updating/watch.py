"""Watching an update until every node has it: a line for each phase of a node, an error when it does not go on."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace

from coreos_lab import events, hints, wait
from coreos_lab.clients import etcd, ssh
from coreos_lab.clients.etcd import Etcd
from coreos_lab.errors import LabError, UnknownError
from coreos_lab.model import Cluster, Node, NodeState
from coreos_lab.observed import node_states, ready
from coreos_lab.providers.base import SlotProvider
from coreos_lab.records import fault_journal
from coreos_lab.updating import locks as locks_in_etcd
from coreos_lab.updating import stuck
from coreos_lab.updating.away import Reboot
from coreos_lab.updating.locks import Lock
from coreos_lab.updating.look import OFF, Look, look
from coreos_lab.updating.phase import Phase, Seen, phase
from coreos_lab.updating.stuck import Standing

INTERVAL = 0.5  # seconds between two rounds
INSTALLED_AFTER = 60.0  # seconds for an update engine that was asked
OFF_FOR = 5.0  # seconds: a machine that reboots is not off for so long
# locksmithd asks for the lock again after 10, 20, 40 ... 300 seconds, and waits 300 for somebody who is logged in.
NOTHING_NEW = 400.0


class Watch:
    """The nodes of one update, watched until they have the machine image."""

    def __init__(self, provider: SlotProvider, cluster: Cluster, nodes: Sequence[Node], image: str) -> None:
        self._provider, self._cluster, self._nodes, self._image = provider, cluster, list(nodes), image
        self._boots = {node.name: provider.boot_id(cluster, node) for node in nodes}
        self._changed: dict[str, tuple[Phase, float]] = {}
        self._last_boots = dict(self._boots)
        # Each node's boot, and when it was last seen.
        self._booted = {name: (boot, time.monotonic()) for name, boot in self._boots.items()}
        self.reboots: dict[str, list[Reboot]] = {node.name: [] for node in nodes}
        self._machines = {id_: node.name for node in cluster.nodes if (id_ := provider.machine_id(cluster, node))}
        self._known: dict[str, Lock] = {}
        self._locking: dict[str, Look] = {}  # each node's last look with a locksmithd
        self.standings: dict[str, Standing] = {}
        self.most = 1  # the most machines that a lock let reboot at once

    def run(self) -> None:
        """Returns when every node has the image, serves, and has given the lock back.

        Raises LabError that names the node and the remedy when that does not come by itself, UnknownError when it comes
        later than one would wait for.
        """
        with ThreadPoolExecutor(max_workers=len(self._nodes)) as pool:
            while True:
                seen = dict(zip((node.name for node in self._nodes), pool.map(self._see, self._nodes), strict=True))
                self._judge(seen, self._locks())
                if all(standing.phase is Phase.DONE for standing in self.standings.values()):
                    return
                wait.pause(INTERVAL)

    def _see(self, node: Node) -> Seen:
        cluster = self._cluster
        if self._provider.state(cluster, node) is not NodeState.RUNNING:
            ssh.forget(cluster, node)
            return Seen(on=False, look=None)
        before = self._provider.boot_id(cluster, node)
        if not before or not ready.port_open(node.address, etcd.CLIENT_PORT):
            ssh.forget(cluster, node)  # a connection to a machine that goes down would hang
            return Seen(on=True, look=None)
        found = look(cluster, node)
        if found is None or self._provider.boot_id(cluster, node) != before:
            return Seen(on=True, look=None)
        healthy = etcd.is_healthy(node.address) if node.member else etcd.answers(node.address)
        return Seen(on=True, look=self._with_locksmithd(node, found), healthy=healthy)

    def _with_locksmithd(self, node: Node, found: Look) -> Look:
        """A look with what locksmithd goes by, also where it has ended for a reboot, or does not run yet after it."""
        if found.strategy != OFF:
            self._locking[node.name] = found
        known = self._locking.get(node.name, found)
        return replace(found, strategy=known.strategy, lock_group=known.lock_group)

    def _locks(self) -> dict[str, Lock]:
        """The locks; as they were where etcd does not answer now, since a machine gives its lock back through etcd."""
        running = node_states.running(self._cluster, self._provider)
        with suppress(LabError):
            self._known = locks_in_etcd.read(Etcd(node_states.addresses(running), timeout=1.0))
        self.most = max([self.most, *(lock.most for lock in self._known.values())])
        return self._known

    def _judge(self, seen: dict[str, Seen], locks: dict[str, Lock]) -> None:
        now = time.monotonic()
        for node in self._nodes:
            current = phase(seen[node.name], self._image, locks)
            last, since = self._changed.get(node.name, (None, now))
            boot = self._boot(node)
            if current is not last:
                self._say(node, current, seen[node.name], locks)
            if current is not last or boot != self._last_boots[node.name]:  # its time to boot begins now
                since = now
            self._changed[node.name], self._last_boots[node.name] = (current, since), boot
            self.standings[node.name] = Standing(current, now - since, seen[node.name])
        for node in self._nodes:
            self._require_going_on(node, self.standings[node.name])
        trouble = stuck.stuck_lock(self.standings, locks, self._machines, self._lost()) or stuck.at_rest(self.standings)
        if trouble is None and min(standing.seconds for standing in self.standings.values()) > NOTHING_NEW:
            behind = [f"{name} {standing.phase}" for name, standing in self.standings.items()]
            trouble = UnknownError(
                f"{self._cluster.name}: nothing has changed for {NOTHING_NEW:g} s",
                hints.lab("status"),
                "\n".join(behind),
            )
        if trouble:
            raise trouble

    def _boot(self, node: Node) -> str:
        """A node's boot now, "" while it is off. A change of it is a reboot, between the last look and this one."""
        asked = time.monotonic()
        boot = self._provider.boot_id(self._cluster, node)
        last, at = self._booted[node.name]
        if boot and boot != last:
            self.reboots[node.name].append(Reboot(at, time.monotonic()))
        if boot:
            self._booted[node.name] = (boot, asked)
        return boot

    def _say(self, node: Node, current: Phase, seen: Seen, locks: dict[str, Lock]) -> None:
        text = str(current)
        if current is Phase.LOCK and seen.look:
            holders = locks.get(seen.look.lock_group, Lock()).holders
            names = ", ".join(self._machines.get(holder, f"machine {holder}") for holder in holders)
            text += f", which {names} {'has' if len(holders) == 1 else 'have'}" if names else ""
        if current is Phase.WINDOW and seen.look:
            text += f" ({seen.look.window})"
        events.note("update", text, node.name, phase=current.name.lower())

    def _lost(self) -> dict[str, str]:
        """Why nodes that are off do not come back by themselves."""
        broken = {
            fault.node: f"it is broken ({fault.kind.value})" for fault in fault_journal.open_faults(self._cluster)
        }
        off = {
            node.name: "it is off"
            for node in self._cluster.nodes
            if node not in self._nodes and self._provider.state(self._cluster, node) is not NodeState.RUNNING
        }
        return {**off, **broken}

    def _require_going_on(self, node: Node, standing: Standing) -> None:
        """Raises LabError for a node that does not come back, comes back as it was, or installs nothing."""
        if standing.phase is Phase.OFF and standing.seconds > OFF_FOR:
            raise self._not_back(node, "it is off, and does not boot again")
        if standing.phase is Phase.BOOTS and standing.seconds > self._provider.boot_deadline:
            raise self._not_back(node, f"it has not answered for {standing.seconds:.0f} s")
        if standing.phase is Phase.STARTS and standing.seconds > self._provider.boot_deadline:
            raise self._not_back(node, f"its etcd has not been healthy for {standing.seconds:.0f} s")
        found = standing.seen.look
        if standing.phase is not Phase.BEHIND or found is None:
            return
        if self._provider.boot_id(self._cluster, node) != self._boots[node.name]:
            raise LabError(
                f"{node.name}: came back with {found.version}: {self._image} did not come up there",
                f"try it again: {hints.lab('update')}; or take all nodes back: {hints.lab('update', '--back')}",
            )
        if standing.seconds > wait.patiently(INSTALLED_AFTER):
            raise LabError(
                f"{node.name}: has not installed {self._image}",
                f"its update engine says why: {hints.lab('ssh', node.name, '--', 'journalctl', '-u', 'update-engine')}",
            )

    def _not_back(self, node: Node, why: str) -> LabError:
        broken = any(fault.node == node.name for fault in fault_journal.open_faults(self._cluster))
        error = ready.not_ready(self._cluster, node, self._provider, f"does not come back from its reboot: {why}")
        start = hints.lab("heal") if broken else hints.lab("up")
        error.hint = f"start it: {start}; then go on: {hints.lab('update')}"
        return error
