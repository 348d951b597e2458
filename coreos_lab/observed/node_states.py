"""The states of a cluster's nodes now, as the provider sees their machines."""

from __future__ import annotations

from collections.abc import Iterable

from coreos_lab import hints
from coreos_lab.errors import LabError
from coreos_lab.model import Cluster, Node, NodeState
from coreos_lab.providers.base import Provider


def of(cluster: Cluster, provider: Provider) -> dict[str, NodeState]:
    """The state of each node's machine now, by the node's name."""
    return {node.name: provider.state(cluster, node) for node in cluster.nodes}


def running(cluster: Cluster, provider: Provider) -> list[Node]:
    """The nodes that run now; may be none."""
    return [node for node in cluster.nodes if provider.state(cluster, node) is NodeState.RUNNING]


def require_running(cluster: Cluster, provider: Provider) -> list[Node]:
    """The nodes that run now. Raises LabError when none does."""
    found = running(cluster, provider)
    if not found:
        raise LabError(
            f"{cluster.name}: none of its nodes runs",
            f"start it with '{hints.lab('up')}', or '{hints.lab('heal')}' if you broke it",
        )
    return found


def addresses(nodes: Iterable[Node]) -> list[str]:
    """Their addresses."""
    return [node.address for node in nodes]
