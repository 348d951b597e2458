"""The document of what is so now, made of what was observed. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from coreos_lab.chaos.faults import FAULTS, described
from coreos_lab.model import Cluster
from coreos_lab.records.fault_journal import OpenFault

MIB = 2**20


def of(cluster: Cluster, state: Mapping[str, Any], faults: Sequence[OpenFault], leader: str | None) -> dict[str, Any]:
    """The parts that follow from one look: `state` is what `observed/cluster_state.py` returns.

    `leader` is None while it is not known.

    Nodes, units and faults are objects by name, so that a patch has only those that changed. Memory is in MiB: bytes
    would change with every look.
    """
    leaving = {node.name for node in cluster.leaving}
    return {
        "provider": cluster.provider,
        "subnet": cluster.network.subnet,
        "leader": leader,
        "nodes": {node["name"]: _node(node, node["name"] in leaving) for node in state["nodes"]},
        "units": None if state["units"] is None else {_place(unit): _unit(unit) for unit in state["units"]},
        "faults": {fault.id: _fault(cluster, fault) for fault in faults},
    }


def _node(node: Mapping[str, Any], leaving: bool) -> dict[str, Any]:
    kept = ("address", "state", "etcd", "etcd_healthy", "fleet", "isolated", "image")
    memory = node["memory_bytes"]
    return {
        **{name: node[name] for name in kept},
        "memory": None if memory is None else round(memory / MIB),
        "leaving": leaving,
    }


def _place(unit: Mapping[str, Any]) -> str:
    return f"{unit['name']} {unit['node'] or ''}"


def _unit(unit: Mapping[str, Any]) -> dict[str, Any]:
    return {name: unit.get(name) or "" for name in ("name", "node", "active", "sub", "reason")}


def _fault(cluster: Cluster, fault: OpenFault) -> dict[str, Any]:
    family = FAULTS[fault.kind].family
    return {
        "node": fault.node,
        "kind": fault.kind.value,
        "family": family,
        "text": described(fault, cluster),
        "wall": fault.wall,
    }
