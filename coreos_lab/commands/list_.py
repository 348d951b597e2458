"""lab list: every cluster on this machine."""

from __future__ import annotations

import json
from typing import Any

from coreos_lab import deployed, node_states, store
from coreos_lab.commands.table import table
from coreos_lab.model import NodeState
from coreos_lab.providers.choose import provider as choose


def list_clusters(*, as_json: bool) -> None:
    """Prints each cluster with its nodes, how many of them run, and its labs."""
    found: list[dict[str, Any]] = []
    for cluster in store.clusters():
        states = node_states.of(cluster, choose(cluster.provider))
        running = sum(state is NodeState.RUNNING for state in states.values())
        found.append(
            {
                "cluster": cluster.name,
                "provider": cluster.provider,
                "subnet": cluster.network.subnet,
                "nodes": len(cluster.nodes),
                "running": running,
                "labs": deployed.names(cluster),
            }
        )
    if as_json:
        print(json.dumps(found, indent=2))
    elif not found:
        print("No clusters. Make one: lab up")
    else:
        rows = [
            (c["cluster"], c["provider"], c["subnet"], f"{c['running']}/{c['nodes']}", ", ".join(c["labs"]) or "-")
            for c in found
        ]
        print(table(("CLUSTER", "PROVIDER", "SUBNET", "RUNNING", "LABS"), rows))
