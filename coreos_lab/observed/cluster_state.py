"""A cluster's present state as plain values, for `lab status`, `lab up --json` and the console."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from coreos_lab.clients import etcd
from coreos_lab.clients.etcd import Member
from coreos_lab.clients.fleet import Fleet, Machine, Unit, UnitState
from coreos_lab.clients.http import CannotCheckError
from coreos_lab.model import Cluster, Node, NodeState
from coreos_lab.observed import membership, node_states, placement, unit_places, unit_states
from coreos_lab.observed.unit_places import Place
from coreos_lab.observed.unit_states import NodeUnit
from coreos_lab.providers.base import IsolatingProvider, Provider, SlotProvider
from coreos_lab.records import deployed, fault_journal

QUICK = 0.5  # seconds for one answer, so that a dead node does not hold up the status


def of(cluster: Cluster, provider: Provider) -> dict[str, Any]:
    """Nodes, etcd, fleet and units of a cluster. A value that could not be queried is None."""
    states = node_states.of(cluster, provider)
    running = [node for node in cluster.nodes if states[node.name] is NodeState.RUNNING]
    broken = {fault.node for fault in fault_journal.open_faults(cluster)}
    # A broken node is asked last: behind a partition it tells of yesterday's cluster.
    fleet = Fleet(node_states.addresses(sorted(running, key=lambda node: node.name in broken)), timeout=QUICK)
    voting = [node for node in running if node.member]
    with ThreadPoolExecutor(max_workers=len(running) + len(voting) + 3) as pool:  # nobody waits for another's answer
        # An etcd proxy forwards every request to a member: it gets a cheap request, not one that needs a vote.
        healthy = {
            node.name: pool.submit(etcd.is_healthy if node.member else etcd.answers, node.address, timeout=QUICK)
            for node in running
        }
        machines, units, reported = (
            pool.submit(_answer, query) for query in (fleet.machines, fleet.units, fleet.states)
        )
        lists = {node.name: pool.submit(membership.list_of, node, timeout=QUICK) for node in voting}
        health = {name: job.result() for name, job in healthy.items()}
        members = membership.best([(job.result(), health[name]) for name, job in lists.items()])
        served = any(health.get(node.name, False) for node in cluster.members)
        listed, submitted, loaded = machines.result(), units.result(), reported.result()
    names = {node.address: node.name for node in cluster.nodes}
    by_id = {machine.id: names.get(machine.address, machine.address) for machine in listed or []}

    def ask(places: Sequence[Place]) -> dict[Place, NodeUnit]:
        return _on_nodes(cluster, [node for node in running if node.name not in broken], places)

    def node_state(node: Node) -> dict[str, Any]:
        return {
            "name": node.name,
            "address": node.address,
            "state": states[node.name].value,
            "etcd": _standing(node, members),
            "etcd_healthy": served and health.get(node.name, False),
            "fleet": None if listed is None else node.name in by_id.values(),
            "memory_bytes": provider.memory(cluster, node),
            "disks": [disk.device for disk in node.disks],
            "image": provider.booted_image(cluster, node) if isinstance(provider, SlotProvider) else cluster.image,
            "isolated": provider.isolated(cluster, node) if isinstance(provider, IsolatingProvider) else None,
        }

    return {
        "cluster": cluster.name,
        "provider": cluster.provider,
        "subnet": cluster.network.subnet,
        "image": cluster.image,
        "userns": cluster.userns,
        "nodes": [node_state(node) for node in cluster.nodes],
        "labs": deployed.names(cluster),
        "units": None if None in (submitted, loaded, listed) else _units(submitted, loaded, listed, by_id, ask),
    }


def _standing(node: Node, members: Sequence[Member] | None) -> str | None:
    """A node's role in etcd's own list of members; None if no member answers, since the plan does not tell.

    `announced`: etcd lists the member, which has not started yet. `removed`: only the plan has it.
    """
    if members is None:
        return None
    entry = membership.entry(node, members)
    if entry is None:
        return "removed" if node.member else "client"
    return "member" if entry.name else "announced"


def _units(
    submitted: Sequence[Unit],
    loaded: Sequence[UnitState],
    machines: Sequence[Machine],
    names: dict[str, str],
    ask: Callable[[Sequence[Place]], Mapping[Place, NodeUnit]],
) -> list[dict[str, Any]]:
    """A row for each unit on each machine that has loaded it, and for each place where a unit is missing.

    After a unit was loaded again, fleet reports no state of it for some seconds, although it runs. So for a place
    without a state, `ask` returns what the node's systemd says of the unit, where that is known. A unit that fleet
    cannot place has the `reason` why, "" where that is not known.
    """
    held = {unit.name: unit for unit in submitted}
    launched = [unit.name for unit in submitted if unit.desired == "launched"]
    wanted = unit_places.wanted_places(launched, submitted, loaded, names, machines)
    there = {(state.name, names.get(state.machine_id)) for state in loaded}
    rows = [
        {"name": s.name, "node": names.get(s.machine_id), "active": s.active, "sub": s.sub, "load": s.load}
        for s in loaded
    ]
    unreported = [place for place in wanted.places if place not in there]
    on_nodes = ask(unreported) if unreported else {}
    rows += [
        {"name": u.name, "node": node, "active": u.active, "sub": u.sub, "load": u.load}
        for (_name, node), u in on_nodes.items()
    ]
    rows.sort(key=lambda row: (row["name"], row["node"] or ""))
    missing: list[tuple[str, str | None]] = [place for place in unreported if place not in on_nodes]
    missing += [(name, None) for name in wanted.unplaced if all(name != each for each, _node in there)]
    return rows + [
        {
            "name": name,
            "node": node,
            "active": "unscheduled" if node is None else "not loaded",
            "sub": "",
            "load": held[name].current,
            "reason": (placement.explain(held[name], submitted, machines, names) or "") if node is None else "",
        }
        for name, node in missing
    ]


def _on_nodes(cluster: Cluster, nodes: Sequence[Node], places: Sequence[Place]) -> dict[Place, NodeUnit]:
    """What the nodes' systemd says of the units at these places; without those that are not loaded or not known."""
    asked = [node for node in nodes if any(node.name == name for _unit, name in places)]
    looks = unit_states.look(cluster, asked, sorted({unit for unit, _name in places}))
    units = {(unit, name): looks.get(name, {}).get(unit) for unit, name in places}
    return {place: unit for place, unit in units.items() if unit is not None and unit.hash}


def _answer(query: Any) -> Any:
    try:
        return query()
    except CannotCheckError:
        return None
