"""etcd's members as it lists them, for nodes of a plan."""

from __future__ import annotations

from coreos_lab.clients.etcd import Member
from coreos_lab.model import Node


def members(*nodes: Node) -> list[Member]:
    """The member that each of these nodes is."""
    return [Member(f"id-{node.name}", node.name, (node.peer_url,)) for node in nodes]
