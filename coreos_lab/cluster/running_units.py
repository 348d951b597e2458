"""Which units must run on after a change of the nodes, and the wait until they do, on the nodes that stay."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from coreos_lab import events, wait
from coreos_lab.clients import ssh
from coreos_lab.clients.fleet import Fleet, Machine, Unit, UnitState
from coreos_lab.clients.http import CannotCheckError
from coreos_lab.model import Cluster
from coreos_lab.observed import node_states, placement, unit_places, unit_states
from coreos_lab.observed.lasting import Lasting
from coreos_lab.observed.standing import Standing, judge
from coreos_lab.observed.unit_places import Place
from coreos_lab.records import deployed, fault_journal
from coreos_lab.spelling import counted

WELL = (Standing.UP, Standing.ENDED, Standing.SKIPPED)  # a unit that runs, or has ended well
DEADLINE = 180.0  # seconds for units to run elsewhere: the first pull of a container image is part of a start


@dataclass(frozen=True)
class Waiting:
    """Units that do not run where they should: `late` will, `stranded` cannot, each with the reason."""

    late: tuple[str, ...]
    stranded: dict[str, str]


def wanted(cluster: Cluster) -> set[str]:
    """The units that must run on afterwards: those of deployed labs, and all others that run now."""
    fleet = Fleet(node_states.addresses(cluster.staying))
    stay = {machine.id for machine in _machines(cluster, fleet)}
    states = fleet.states()
    ours = {name for record in deployed.records(cluster) for name in record.units}
    runs = {state.name for state in states if state.active == "active"}
    failed = {state.name for state in states if state.active == "failed" and state.machine_id in stay}
    return {unit.name for unit in fleet.units() if unit.desired == "launched" and unit.name in (ours | runs) - failed}


def wait_for(cluster: Cluster, names: Collection[str]) -> dict[str, str]:
    """Returns when each of these units runs on a node that stays; the value is those that cannot, with the reasons.

    While fleet does not list a node that is not broken, a unit that cannot run elsewhere waits for it. Machines that
    leave must be off fleet's list first. A unit that fleet has left idle is started on its node: fleet
    believes that it runs when it had started it before the file of a unit that it needs was there, for example.
    """
    gone = {node.address: node.name for node in cluster.leaving}
    broken = {fault.node for fault in fault_journal.open_faults(cluster)}
    sound = [node for node in cluster.staying if node.name not in broken]
    back = time.monotonic() + wait.patiently(placement.BACK)
    fleet = Fleet(node_states.addresses(cluster.staying))
    missing = "fleet does not answer"
    found = Waiting((), {})
    idle = Lasting()

    def settled() -> bool:
        nonlocal missing, found
        try:
            listed = sorted(gone[machine.address] for machine in fleet.machines() if machine.address in gone)
            units, states, machines = fleet.units(), fleet.states(), _machines(cluster, fleet)
            standings, unplaced = _standings(cluster, names, units, states, machines)
            launched = {unit.name for unit in units if unit.launched}
            resting = [place for place in standings if standings[place] is Standing.IDLE and place[0] in launched]
            _start(cluster, idle.of(resting))
            off = {name for (name, _node), standing in standings.items() if standing not in WELL}
            up = set(names) - off - set(unplaced)
            found = waiting(names, units, up, machines, unit_places.names(cluster.nodes, machines))
        except CannotCheckError:
            return False
        here = {machine.address for machine in machines}
        lost = [node.name for node in sound if node.address not in here]
        if found.stranded and lost and time.monotonic() < back:
            missing = f"fleet does not list {', '.join(lost)}"
            return False
        missing = f"fleet still lists {', '.join(listed)}" if listed else f"not running: {', '.join(found.late)}"
        return not listed and not found.late

    with events.step("units", message=f"{len(names)} to run on {counted(len(cluster.staying), 'node')}"):
        wait.until(
            settled, deadline=wait.patiently(DEADLINE), interval=0.2, missing=lambda: f"{cluster.name}: {missing}"
        )
    for reason in found.stranded.values():
        events.note("units", reason)
    return found.stranded


def waiting(
    names: Collection[str],
    units: Sequence[Unit],
    up: Collection[str],
    machines: Sequence[Machine],
    nodes: Mapping[str, str],
) -> Waiting:
    """Which of the units `names` are not up on one of `machines`, and which of those never will be.

    `nodes` are the names of nodes by the ids of their machines.
    """
    here = {machine.id for machine in machines}
    off = [
        unit
        for unit in units
        if unit.name in names and (unit.name not in up or not (unit.is_global or unit.machine_id in here))
    ]
    stranded = {}
    for unit in off:
        reason = None if unit.machine_id in here else placement.explain(unit, units, machines, nodes)
        if reason:
            stranded[unit.name] = reason
    while True:  # a unit that follows one that is still to be placed will be placed too
        late = {unit.name for unit in off} - set(stranded)
        hopeful = [u.name for u in off if u.name in stranded and late & set(placement.peers(u))]
        if not hopeful:
            return Waiting(tuple(sorted(late)), stranded)
        for name in hopeful:
            del stranded[name]


def _standings(
    cluster: Cluster,
    names: Collection[str],
    units: Sequence[Unit],
    states: Sequence[UnitState],
    machines: Sequence[Machine],
) -> tuple[dict[Place, Standing], tuple[str, ...]]:
    """Where each unit stands on each node where it must run, and the units that have no place yet.

    The nodes' systemd says so: fleet's states may be from before a node was restarted, or its disk restored.
    """
    hashes = {unit.name: unit.hash for unit in units if unit.name in names}
    nodes = unit_places.names(cluster.staying, machines)
    wanted = unit_places.wanted_places(list(hashes), units, states, nodes, machines)
    placed = {node for _unit, node in wanted.places}
    looks = unit_states.look(cluster, [node for node in cluster.staying if node.name in placed], list(hashes))
    standings = {(unit, node): judge(looks.get(node, {}).get(unit), None, hashes[unit]) for unit, node in wanted.places}
    return standings, wanted.unplaced


def _start(cluster: Cluster, places: Iterable[Place]) -> None:
    nodes = {node.name: node for node in cluster.staying}
    for name, node in places:
        events.note("unit", f"is started on {node}, as fleet does not start it", name)
        ssh.ask(cluster, nodes[node], ["sudo", "systemctl", "start", "--no-block", name])


def _machines(cluster: Cluster, fleet: Fleet) -> list[Machine]:
    stay = {node.address for node in cluster.staying}
    return [machine for machine in fleet.machines() if machine.address in stay]
