"""What a break does to etcd's majority, known before it is done."""

from __future__ import annotations

from collections.abc import Collection

from coreos_lab.model import Cluster


def lost_by(cluster: Cluster, silent: Collection[str]) -> str:
    """In words, that etcd has no majority while these nodes are silent; "" while it has one."""
    left = [node for node in cluster.members if node.name not in silent]
    needed = len(cluster.members) // 2 + 1
    if len(left) >= needed:
        return ""
    are = "is" if len(left) == 1 else "are"
    return f"etcd loses its quorum: {len(left)} of {len(cluster.members)} members {are} left, {needed} are needed"
