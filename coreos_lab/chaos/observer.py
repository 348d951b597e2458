"""What can be seen of a cluster while something is broken: each node's etcd, and where every unit runs."""

from __future__ import annotations

import http.client
import json
import threading
import time
from pathlib import Path

from coreos_lab.chaos.probes import Sample
from coreos_lab.clients.etcd import CLIENT_PORT
from coreos_lab.clients.fleet import Fleet
from coreos_lab.clients.http import CannotCheckError, request
from coreos_lab.model import Cluster, Node
from coreos_lab.node_states import addresses

READS = 0.25  # seconds between two questions to a node's etcd
UNITS = 0.5  # seconds between two looks at fleet
PATIENCE = 0.5  # seconds for an answer
Placement = dict[str, tuple[str, str, str]]  # unit -> node, active and sub state


class Observer:
    """Asks in threads of its own, for as long as the block lasts. What it sees judges nothing; it explains."""

    def __init__(self, cluster: Cluster) -> None:
        self._nodes = cluster.nodes
        self._stop = threading.Event()
        self.reads: dict[str, list[Sample]] = {node.name: [] for node in cluster.nodes}
        self.changes: list[tuple[float, float, Placement]] = []
        reading = [threading.Thread(target=self._read, args=(node,), daemon=True) for node in self._nodes]
        self._threads = [threading.Thread(target=self._look_at_units, daemon=True), *reading]

    def __enter__(self) -> Observer:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_args: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    @property
    def units(self) -> Placement:
        """Where units run, as fleet said last."""
        return self.changes[-1][2] if self.changes else {}

    def record(self, path: Path) -> None:
        """Writes where units ran, a line whenever that changed: monotonic and wall seconds, and every unit."""
        with path.open("w", encoding="utf-8") as out:
            for mono, wall, units in self.changes:
                out.write(json.dumps({"mono": mono, "wall": wall, "units": units}) + "\n")

    def _read(self, node: Node) -> None:
        """Asks a node's own copy: a follower without a leader still answers, one that is gone does not."""
        while not self._stop.is_set():
            mono, wall, detail = time.monotonic(), time.time(), ""
            try:
                request(f"http://{node.address}:{CLIENT_PORT}", "GET", "/v2/keys/", timeout=PATIENCE)
            except (OSError, http.client.HTTPException) as error:
                detail = str(error) or type(error).__name__
            self.reads[node.name].append(Sample(f"reads {node.name}", mono, wall, not detail, detail))
            self._stop.wait(max(0.0, READS - (time.monotonic() - mono)))

    def _look_at_units(self) -> None:
        fleet = Fleet(addresses(self._nodes), timeout=PATIENCE)
        names = {node.address: node.name for node in self._nodes}
        while not self._stop.is_set():
            mono, wall = time.monotonic(), time.time()
            try:
                machines = {machine.id: names.get(machine.address, "") for machine in fleet.machines()}
                states = fleet.states()
            except CannotCheckError:
                pass
            else:
                now = {each.name: (machines.get(each.machine_id, ""), each.active, each.sub) for each in states}
                if not self.changes or now != self.changes[-1][2]:
                    self.changes.append((mono, wall, now))
            self._stop.wait(max(0.0, UNITS - (time.monotonic() - mono)))
