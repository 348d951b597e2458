"""lab status: a cluster's nodes, etcd, fleet and units, in one look."""

from __future__ import annotations

import json
from typing import Any

from coreos_lab import store
from coreos_lab.chaos import journal
from coreos_lab.commands import view
from coreos_lab.commands.table import table
from coreos_lab.model import to_json
from coreos_lab.providers.choose import provider as choose
from coreos_lab.units_of_measure import as_size


def status(name: str, *, as_json: bool) -> None:
    """Prints what is so now; asks, and changes nothing."""
    cluster = store.require(name)
    state = view.cluster_state(cluster, choose(cluster.provider))
    faults = journal.open_faults(cluster)
    if as_json:
        print(json.dumps({**state, "faults": to_json(faults)}, indent=2))
        return
    print(f"Cluster {name} ({cluster.provider}, {cluster.network.subnet})")
    print(
        table(("NODE", "ADDRESS", "MACHINE", "ETCD", "FLEET", "MEMORY"), [_node_row(node) for node in state["nodes"]])
    )
    print(f"\nLabs: {', '.join(state['labs']) or 'none'}")
    if faults:
        print(
            "Broken: " + ", ".join(f"{fault.node} ({fault.kind.value})" for fault in faults) + "; 'lab heal' undoes it"
        )
    if cluster.leaving:
        leaving = ", ".join(node.name for node in cluster.leaving)
        print(f"Leaving: {leaving}; 'lab scale {len(cluster.staying)}' goes on with it")
    if state["units"] is None:
        print("Units: fleet does not answer")
    elif state["units"]:
        rows = [(u["name"], u["node"] or "-", u["active"], u["sub"] or "-") for u in state["units"]]
        print("\n" + table(("UNIT", "NODE", "ACTIVE", "SUB"), rows))


def _node_row(node: dict[str, Any]) -> tuple[str, ...]:
    fleet = {True: "listed", False: "not listed", None: "unknown"}[node["fleet"]]
    etcd = f"{node['etcd']}, {'healthy' if node['etcd_healthy'] else 'not healthy'}"
    memory = as_size(node["memory_bytes"]) if node["memory_bytes"] is not None else "-"
    return node["name"], node["address"], node["state"], etcd, fleet, memory
