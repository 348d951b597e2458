"""Why fleet cannot place a unit: fleet itself keeps trying without a word.

The rules are those of fleet 1.0's scheduler: a machine may run a unit when it is the wanted one, has the metadata, runs
the peers already, and neither side's Conflicts matches the other. Whether a unit was placed is asked of fleet; the
rules only explain why it was not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from coreos_lab.clients.fleet import Machine, Unit
from coreos_lab.units import fleet_rules

BACK = 90.0  # seconds: a machine that fleet has lost may be back until then, as its fleetd asks etcd only every 60 s
SHORT_ID = 8  # characters of a machine's id that stand for the whole


def refusals(unit: Unit, units: Sequence[Unit], machines: Sequence[Machine]) -> dict[str, str]:
    """The reason why a machine cannot run the unit, by the machine's id; machines that can are left out."""
    found = {}
    for machine in machines:
        here = [other for other in units if other.machine_id == machine.id and other.name != unit.name]
        reason = _refusal(unit, machine, here)
        if reason:
            found[machine.id] = reason
    return found


def explain(unit: Unit, units: Sequence[Unit], machines: Sequence[Machine], nodes: Mapping[str, str]) -> str | None:
    """One line that says why no machine can run the unit; None when one can: fleet will place it.

    `nodes` are the names of nodes by the ids of their machines. Any other machine is named by its address.
    """
    if not machines:
        return f"{unit.name}: fleet has no machines"
    found = refusals(unit, units, machines)
    if len(found) < len(machines):
        return None
    reasons = sorted(set(found.values()))
    if len(reasons) == 1:
        return f"{unit.name}: no machine can run it: {reasons[0]}"
    names = {machine.id: nodes.get(machine.id, machine.address) for machine in machines}
    each = "; ".join(sorted(f"{names[id_]}: {reason}" for id_, reason in found.items()))
    return f"{unit.name}: no machine can run it: {each}"


def peers(unit: Unit) -> list[str]:
    """The units on whose machine it must be."""
    return fleet_rules.peers(unit.file, unit.name)


def _refusal(unit: Unit, machine: Machine, here: Sequence[Unit]) -> str:
    wanted = fleet_rules.values(unit.file, "MachineID", unit.name)
    if wanted and wanted[0] not in (machine.id, machine.id[:SHORT_ID]):
        return f"MachineID={wanted[0]} is another machine"
    for name, values in fleet_rules.metadata(unit.file, unit.name).items():
        if machine.metadata.get(name) not in values:
            return f"it lacks MachineMetadata={' or '.join(f'{name}={value}' for value in sorted(values))}"
    for peer in peers(unit):
        if all(other.name != peer for other in here):
            return f"MachineOf={peer} does not run there"
    patterns = fleet_rules.conflicts(unit.file, unit.name)
    for other in here:
        if fleet_rules.keeps_apart(unit.file, unit.name, other.name):
            return f"Conflicts={' '.join(patterns)} keeps it off, where {other.name} runs"
        if fleet_rules.keeps_apart(other.file, other.name, unit.name):
            return f"{other.name} runs there and conflicts with it"
    return ""
