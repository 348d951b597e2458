"""What a break does to etcd's quorum, computed before the break."""

from __future__ import annotations

from collections.abc import Collection

from coreos_lab.model import Node


def lost_by(voters: Collection[Node], silent: Collection[str]) -> str:
    """A sentence if etcd has no majority of its voters while these nodes are silent, "" if it has one."""
    left = [node for node in voters if node.name not in silent]
    needed = len(voters) // 2 + 1
    if len(left) >= needed:
        return ""
    are = "is" if len(left) == 1 else "are"
    return f"etcd loses its quorum: {len(left)} of {len(voters)} members {are} left, {needed} are needed"
