"""Why fleet cannot place a unit: fleet itself only keeps trying in silence.

The rules are those of fleet 1.0's scheduler: a machine may run a unit when it is the wanted one, has the metadata, runs
the peers already, and neither side's Conflicts matches the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

from coreos_lab.clients.fleet import Machine, Unit


def refusals(unit: Unit, units: Sequence[Unit], machines: Sequence[Machine]) -> dict[str, str]:
    """For each machine's address the reason why it cannot run the unit; machines that can are not in it."""
    found = {}
    for machine in machines:
        here = [other for other in units if other.machine_id == machine.id and other.name != unit.name]
        reason = _refusal(unit, machine, here)
        if reason:
            found[machine.address] = reason
    return found


def explain(unit: Unit, units: Sequence[Unit], machines: Sequence[Machine]) -> str | None:
    """One line that says why no machine can run the unit; None when one can, and fleet will get to it."""
    if not machines:
        return f"{unit.name}: fleet has no machines"
    found = refusals(unit, units, machines)
    if len(found) < len(machines):
        return None
    reasons = sorted(set(found.values()))
    if len(reasons) == 1:
        return f"{unit.name}: no machine can run it: {reasons[0]}"
    each = "; ".join(f"{address}: {reason}" for address, reason in sorted(found.items()))
    return f"{unit.name}: no machine can run it: {each}"


def options(unit: Unit, name: str) -> list[str]:
    """An option's values with fleet's specifiers filled in: %n, %N, %p and %i, as in systemd's unit files."""
    whole = unit.name.rpartition(".")[0]
    prefix, _at, instance = whole.partition("@")
    filled = []
    for value in unit.fleet_options(name):
        for specifier, meaning in (("%n", unit.name), ("%N", whole), ("%p", prefix), ("%i", instance)):
            value = value.replace(specifier, meaning)  # noqa: PLW2901 - one after the other
        filled.append(value)
    return filled


def _refusal(unit: Unit, machine: Machine, here: Sequence[Unit]) -> str:
    wanted = options(unit, "MachineID")
    if wanted and not machine.id.startswith(wanted[0]):
        return f"MachineID={wanted[0]} is another machine"
    for pair in options(unit, "MachineMetadata"):
        name, _equals, value = pair.strip('"').partition("=")
        if machine.metadata.get(name) != value:
            return f"it lacks MachineMetadata={pair}"
    for peer in options(unit, "MachineOf"):
        if all(other.name != peer for other in here):
            return f"MachineOf={peer} does not run there"
    for other in here:
        if any(fnmatchcase(other.name, pattern) for pattern in options(unit, "Conflicts")):
            return f"Conflicts={' '.join(options(unit, 'Conflicts'))} keeps it off, where {other.name} runs"
        if any(fnmatchcase(unit.name, pattern) for pattern in options(other, "Conflicts")):
            return f"{other.name} runs there and conflicts with it"
    return ""
