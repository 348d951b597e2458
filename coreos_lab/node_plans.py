"""A cluster's nodes on paper: their names, addresses and disks; more of them, or fewer."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Network

from coreos_lab.errors import UsageError
from coreos_lab.model import NODES_MAX, Cluster, Disk, Network, Node

FIRST_HOST = 100  # node N has the address .100+N


def node_name(number: int) -> str:
    """`core-01`: nodes have the names that the chapters give them, in every cluster."""
    return f"core-{number:02d}"


def make_nodes(
    network: Network, first: int, last: int, disks: tuple[Disk, ...], members: int, *, addressed: bool = True
) -> tuple[Node, ...]:
    """Nodes number `first` to `last`; those up to number `members` are etcd members.

    Not `addressed`: their addresses are the provider's choice, and known when they run.
    """
    base = IPv4Network(network.subnet).network_address + FIRST_HOST
    return tuple(
        Node(node_name(number), str(base + number) if addressed else "", member=number <= members, disks=disks)
        for number in range(first, last + 1)
    )


def make_disks(count: int, size: int) -> tuple[Disk, ...]:
    """A node's extra disks: /dev/sdb and on, of `size` bytes each."""
    return tuple(Disk(f"/dev/sd{chr(ord('b') + i)}", size) for i in range(count))


def with_disks(existing: Cluster, disks: tuple[Disk, ...]) -> Cluster:
    """The cluster with these extra disks in each node."""
    return replace(existing, nodes=tuple(replace(node, disks=disks) for node in existing.nodes))


def grown(existing: Cluster, count: int) -> Cluster:
    """The cluster with `count` nodes, if it has fewer. The new ones have the disks of the others."""
    has = len(existing.nodes)
    more = make_nodes(
        existing.network,
        has + 1,
        count,
        existing.nodes[0].disks,
        existing.members_max,
        addressed=not existing.replaced,
    )
    return replace(existing, nodes=existing.nodes + tuple(replace(node, joins=True) for node in more))


def shrunk(existing: Cluster, count: int) -> Cluster:
    """The cluster with all but its first `count` nodes leaving. A node that is leaving already stays so."""
    nodes = (replace(node, leaving=node.leaving or i >= count) for i, node in enumerate(existing.nodes))
    return replace(existing, nodes=tuple(nodes))


def check_count(count: int) -> int:
    """A number of nodes that a cluster can have, or UsageError."""
    if not 1 <= count <= NODES_MAX:
        raise UsageError(f"scale {count}: must be from 1 to {NODES_MAX}")
    return count
