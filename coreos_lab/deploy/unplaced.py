"""Units without a machine: whether fleet may still find one, or why it will not."""

from __future__ import annotations

from collections.abc import Sequence

from coreos_lab import hints
from coreos_lab.clients.fleet import Machine, Unit
from coreos_lab.errors import LabError
from coreos_lab.model import Node
from coreos_lab.observed import placement
from coreos_lab.observed.unit_places import Wanted

UNPLACED = 10.0  # seconds: fleet plans twice a second, so a unit without a machine after that will not get one
# Seconds for a running node that fleet does not list. A fleetd that has lost its etcd for long takes a minute to end,
# and is started again then.
UNLISTED = 90.0


def refuse(
    wanted: Wanted, units: Sequence[Unit], machines: Sequence[Machine], nodes: Sequence[Node], seconds: float
) -> None:
    """LabError for a unit that no machine can run, with the reason. `seconds` have passed since units were submitted.

    `nodes` run, so fleet is to list a machine for each.
    """
    listed = {machine.address for machine in machines}
    unlisted = [node.name for node in nodes if node.address not in listed]
    if seconds < (UNLISTED if unlisted else UNPLACED):
        return
    for unit in units:
        if unit.name not in wanted.unplaced or set(wanted.unplaced) & set(placement.peers(unit)):
            continue  # a unit whose peer has no machine either is not the cause
        if reason := placement.explain(unit, units, machines):
            if unlisted:
                why = hints.lab("ssh", unlisted[0], "--", "journalctl", "-u", "fleet")
                raise LabError(f"{reason}; fleet does not list {', '.join(unlisted)}", f"see why: {why}")
            raise LabError(reason, "change its [X-Fleet] section or the cluster, then deploy it again")
