"""On which nodes units must run, as fleet has decided, and what systemd says of them there now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from coreos_lab.clients.fleet import Fleet, Machine, Unit, UnitState
from coreos_lab.model import Cluster, Node
from coreos_lab.observed import node_states, placement, unit_states
from coreos_lab.observed.unit_states import NodeUnit

Place = tuple[str, str]  # unit and node, by name


@dataclass(frozen=True)
class Wanted:
    """Where the units must run, by what fleet has decided: nodes' names by unit, and which units have no place yet."""

    places: tuple[Place, ...]
    unplaced: tuple[str, ...]


def of(cluster: Cluster, nodes: Sequence[Node], unit: str) -> list[tuple[Node, NodeUnit | None]]:
    """The nodes, of those that run, on which a unit must run, each with what its systemd says of it now.

    None for a node that does not answer. UnknownError when fleet does not answer.
    """
    found = nodes_of(nodes, unit)
    looks = unit_states.look(cluster, found, [unit])
    return [(node, looks.get(node.name, {}).get(unit)) for node in found]


def nodes_of(nodes: Sequence[Node], unit: str) -> list[Node]:
    """The nodes, of those that run, on which a unit must run. UnknownError when fleet does not answer."""
    fleet = Fleet(node_states.addresses(nodes))
    units, states, machines = fleet.units(), fleet.states(), fleet.machines()
    wanted = wanted_places([unit], units, states, names(nodes, machines), machines)
    return [node for node in nodes if (unit, node.name) in wanted.places]


def names(nodes: Sequence[Node], machines: Sequence[Machine]) -> dict[str, str]:
    """The names of nodes by the ids of their machines."""
    by_address = {node.address: node.name for node in nodes}
    return {machine.id: by_address[machine.address] for machine in machines if machine.address in by_address}


def wanted_places(
    names: Sequence[str],
    units: Sequence[Unit],
    states: Sequence[UnitState],
    nodes: Mapping[str, str],
    machines: Sequence[Machine],
) -> Wanted:
    """Where units must run: on the machine that fleet has chosen, and a Global one on every machine that fleet lists.

    fleet's agents do not load a Global unit where metadata or a conflict forbids it, and do not report that. A machine
    that has loaded it counts in any case; one that has not is left out when fleet's rules explain it.
    `nodes` are names by the machines' ids, of the nodes that run.
    """
    held = {unit.name: unit for unit in units}
    places: list[Place] = []
    unplaced: list[str] = []
    loaded = {(state.name, state.machine_id) for state in states}
    for name in names:
        unit = held.get(name)
        if unit is None:
            unplaced.append(name)
        elif not unit.is_global:
            if unit.machine_id in nodes:
                places.append((name, nodes[unit.machine_id]))
            else:
                unplaced.append(name)
        else:
            away = placement.refusals(unit, _on_machines(units, states, machines), machines)
            on = [each for each in machines if (name, each.id) in loaded or each.id not in away]
            places += [(name, nodes[machine.id]) for machine in on if machine.id in nodes]
            if not on:
                unplaced.append(name)
    return Wanted(tuple(places), tuple(unplaced))


def _on_machines(units: Sequence[Unit], states: Sequence[UnitState], machines: Sequence[Machine]) -> list[Unit]:
    """The units with a machine each; a Global one once for every machine that has loaded it."""
    loaded = {(state.name, state.machine_id) for state in states}
    found = [unit for unit in units if not unit.is_global]
    for unit in units:
        if unit.is_global:
            found += [replace(unit, machine_id=each.id) for each in machines if (unit.name, each.id) in loaded]
    return found
