"""What is so now, as plain values: `lab status`, `lab list` and `lab up --json` draw from it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from coreos_lab import deployed, node_states
from coreos_lab.clients import etcd
from coreos_lab.clients.fleet import Fleet
from coreos_lab.clients.http import CannotCheckError
from coreos_lab.model import Cluster, Node, NodeState
from coreos_lab.providers.base import Provider

QUICK = 0.5  # seconds for one answer: a status that hangs on a dead node tells nobody anything


def cluster_state(cluster: Cluster, provider: Provider) -> dict[str, Any]:
    """Nodes, etcd, fleet and units of a cluster. What could not be asked is null."""
    states = node_states.of(cluster, provider)
    running = [node for node in cluster.nodes if states[node.name] is NodeState.RUNNING]
    fleet = Fleet(node_states.addresses(running), timeout=QUICK)
    with ThreadPoolExecutor(max_workers=len(cluster.nodes) + 3) as pool:
        healthy = {node.name: pool.submit(etcd.is_healthy, node.address, timeout=QUICK) for node in running}
        machines, units, unit_states = (pool.submit(_asked, ask) for ask in (fleet.machines, fleet.units, fleet.states))
        health = {name: job.result() for name, job in healthy.items()}
        listed, submitted, loaded = machines.result(), units.result(), unit_states.result()
    names = {node.address: node.name for node in cluster.nodes}
    by_id = {machine.id: names.get(machine.address, machine.address) for machine in listed or []}

    def node_state(node: Node) -> dict[str, Any]:
        return {
            "name": node.name,
            "address": node.address,
            "state": states[node.name].value,
            "etcd": ("member" if node.member else "client"),
            "etcd_healthy": health.get(node.name, False),
            "fleet": None if listed is None else node.name in by_id.values(),
            "memory_bytes": provider.memory(cluster, node),
            "disks": [disk.device for disk in node.disks],
        }

    return {
        "cluster": cluster.name,
        "provider": cluster.provider,
        "subnet": cluster.network.subnet,
        "image": cluster.image,
        "nodes": [node_state(node) for node in cluster.nodes],
        "labs": deployed.names(cluster),
        "units": None
        if submitted is None or loaded is None
        else [
            {"name": s.name, "node": by_id.get(s.machine_id), "active": s.active, "sub": s.sub, "load": s.load}
            for s in sorted(loaded, key=lambda s: (s.name, s.machine_id))
        ]
        + [
            {"name": u.name, "node": None, "active": "unscheduled", "sub": "", "load": u.current}
            for u in submitted
            if u.desired == "launched" and not any(s.name == u.name for s in loaded)
        ],
    }


def _asked(ask: Any) -> Any:
    try:
        return ask()
    except CannotCheckError:
        return None
