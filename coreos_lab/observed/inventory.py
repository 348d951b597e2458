"""The files by which a cluster's nodes are reached: ssh_config, and inventory.json, which checks read."""

from __future__ import annotations

import json
from pathlib import Path

from coreos_lab import disk
from coreos_lab.clients import ssh
from coreos_lab.model import NodeState
from coreos_lab.observed.observation import Observation
from coreos_lab.records.store import ClusterFolder


def write(now: Observation) -> Path:
    """Writes both files as the cluster is now; returns the path of the inventory."""
    cluster, folder = now.cluster, ClusterFolder(now.cluster.name)
    ssh.write_config(cluster)
    nodes = [
        {
            "name": node.name,
            "address": node.address,
            "member": node.member,
            "running": now.state(node) is NodeState.RUNNING,
            "broken": node.name in now.broken,
        }
        for node in cluster.nodes
    ]
    inventory = {
        "cluster": cluster.name,
        "ssh_config": str(folder.ssh_config),
        "nodes": nodes,
        "emulated": cluster.emulated,
    }
    disk.write_atomic(folder.inventory, json.dumps(inventory, indent=2) + "\n")
    return folder.inventory
