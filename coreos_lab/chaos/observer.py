"""What can be seen of a cluster while something is broken: each node's etcd, its leader, and where every unit runs."""

from __future__ import annotations

import http.client
import json
import time
from functools import partial
from pathlib import Path
from typing import Self

from coreos_lab.chaos.leaders import Leaders
from coreos_lab.chaos.probes import LATE, Sample
from coreos_lab.chaos.verdict import LEADERS
from coreos_lab.chaos.watch import Watch
from coreos_lab.clients.etcd import CLIENT_PORT
from coreos_lab.clients.fleet import Fleet
from coreos_lab.clients.http import CannotCheckError, request
from coreos_lab.model import Cluster
from coreos_lab.observed.node_states import addresses

READS = 0.25  # seconds between two reads from a node's etcd
LOOKS = 0.5  # seconds between two requests to fleet
PATIENCE = 0.5  # seconds for an answer
READS_PROBE = "reads"  # with a node's name: the samples of reading from that node
Place = tuple[str, str, str]  # node, active and sub state
Placement = dict[str, list[Place]]  # by unit; a Global unit has a place on each machine


class Observer(Watch):
    """Records the state of a cluster's nodes and units. It explains a verdict and does not decide it."""

    def __init__(self, cluster: Cluster) -> None:
        super().__init__()
        self.follow(cluster)
        self.reads: dict[str, list[Sample]] = {node.name: [] for node in cluster.nodes}
        self.changes: list[tuple[float, float, Placement]] = []
        self._leaders = Leaders(cluster.members)
        self.every(LOOKS, self._look_at_units)
        for node in cluster.nodes:
            self.every(READS, partial(self._read, node.name))

    def follow(self, cluster: Cluster) -> None:
        """From now on, the cluster's nodes have these addresses. Who leads etcd is asked of the members from before."""
        self._addresses = {node.name: node.address for node in cluster.nodes}
        self._names = {node.address: node.name for node in cluster.nodes}
        self._fleet = Fleet(addresses(cluster.nodes), timeout=PATIENCE)

    @property
    def units(self) -> Placement:
        """Where units run, by fleet's last answer."""
        return self.changes[-1][2] if self.changes else {}

    def __enter__(self) -> Self:
        self._leaders.__enter__()
        return super().__enter__()

    def stop(self) -> None:
        """Ends all looking; returns when the last look is over."""
        self._leaders.stop()
        super().stop()

    def record(self, path: Path) -> None:
        """Writes one line for each change of a unit's place or state: monotonic and wall seconds, and every unit.

        The record of leaders is written beside it.
        """
        self._leaders.record(path.with_name(LEADERS))
        with path.open("w", encoding="utf-8") as out:
            for mono, wall, units in self.changes:
                out.write(json.dumps({"mono": mono, "wall": wall, "units": units}) + "\n")

    def _read(self, node: str) -> None:
        """Reads from a node's own copy: a follower without a leader still answers, a member that is gone does not."""
        mono, wall, detail = time.monotonic(), time.time(), ""
        try:
            request(f"http://{self._addresses[node]}:{CLIENT_PORT}", "GET", "/v2/keys/", timeout=PATIENCE)
        except TimeoutError:
            detail = LATE
        except (OSError, http.client.HTTPException) as error:
            detail = str(error) or type(error).__name__
        took = time.monotonic() - mono
        self.reads[node].append(Sample("", f"{READS_PROBE} {node}", mono, wall, not detail, detail, took))

    def _look_at_units(self) -> None:
        mono, wall = time.monotonic(), time.time()
        try:
            machines = {machine.id: self._names.get(machine.address, "") for machine in self._fleet.machines()}
            states = self._fleet.states()
        except CannotCheckError:
            return
        now: Placement = {}
        for each in states:
            now.setdefault(each.name, []).append((machines.get(each.machine_id, ""), each.active, each.sub))
        for places in now.values():
            places.sort()  # fleet lists them in no fixed order
        if now != self.units or not self.changes:
            self.changes.append((mono, wall, now))
