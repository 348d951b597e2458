"""Units that fleet gives no machine: when that counts as its last word, and why it is so."""

from __future__ import annotations

import time
from collections.abc import Sequence

from coreos_lab import hints
from coreos_lab.clients.fleet import Machine, Unit
from coreos_lab.errors import LabError
from coreos_lab.model import Node
from coreos_lab.observed import placement, unit_places
from coreos_lab.observed.unit_places import Wanted

PLANNED = 10.0  # seconds: fleet plans twice a second, so a unit that has no machine for so long will not get one


class Unplaced:
    """Remembers since when units have no machine, on a cluster of these running nodes."""

    def __init__(self, nodes: Sequence[Node]) -> None:
        self._nodes = nodes
        self._since: dict[str, float] = {}  # monotonic seconds

    def refuse(
        self, wanted: Wanted, units: Sequence[Unit], machines: Sequence[Machine], now: float | None = None
    ) -> None:
        """To be called at each look. Raises LabError, with the reason, for a unit that will not get a machine.

        While fleet does not list all nodes, a unit may be waiting for one that comes back.
        """
        now = time.monotonic() if now is None else now
        self._since = {name: self._since.get(name, now) for name in wanted.unplaced}
        listed = {machine.address for machine in machines}
        lost = [node.name for node in self._nodes if node.address not in listed]
        for unit in units:
            if unit.name not in self._since or now - self._since[unit.name] <= (placement.BACK if lost else PLANNED):
                continue
            if set(wanted.unplaced) & set(placement.peers(unit)):
                continue  # a unit whose peer has no machine either is not the cause
            if reason := placement.explain(unit, units, machines, unit_places.names(self._nodes, machines)):
                if lost:
                    why = hints.lab("ssh", lost[0], "--", "journalctl", "-u", "fleet")
                    raise LabError(f"{reason} (fleet does not list {', '.join(lost)})", f"see why: {why}")
                raise LabError(reason, "change its [X-Fleet] section or the cluster, then deploy it again")
