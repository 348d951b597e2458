"""Disks that are added to a running cluster: a node gets them as it starts, so nodes are restarted one by one."""

from __future__ import annotations

from coreos_lab import events, hints, wait
from coreos_lab.clients import ssh
from coreos_lab.errors import LabError
from coreos_lab.model import Cluster, Node, NodeState
from coreos_lab.observed import ready
from coreos_lab.observed.observation import Observation
from coreos_lab.providers.base import DiskProvider, Provider
from coreos_lab.records.store import ClusterFolder

HALT = 60.0  # seconds for a node to shut down


def give(now: Observation, provider: Provider) -> list[Node]:
    """Restarts the running nodes that lack a disk of their plan, each once the one before serves; returns them.

    Raises LabError, with nothing done, when such a node is broken on purpose: its restart would undo the fault unseen.
    """
    if not isinstance(provider, DiskProvider):
        return []
    cluster = now.cluster
    running = [node for node in cluster.staying if now.state(node) is NodeState.RUNNING]
    lacking = [node for node in running if not provider.has_disks(cluster, node)]
    broken = [node.name for node in lacking if node.name in now.broken]
    if broken:
        raise LabError(
            f"{broken[0]}: is broken, and must be restarted to get its disks", f"run '{hints.lab('heal')}' first"
        )
    for node in lacking:
        with events.step("disks", node.name, "restarted, to have them"):
            _restart(cluster, node, provider)
    return lacking


def _restart(cluster: Cluster, node: Node, provider: Provider) -> None:
    ssh.forget(cluster, node)
    provider.halt(cluster, node)
    wait.until(
        lambda: provider.state(cluster, node) is not NodeState.RUNNING,
        deadline=wait.patiently(HALT),
        missing=f"{node.name}: does not shut down",
    )
    provider.start(cluster, [node], ClusterFolder(cluster.name).user_data)
    ready.wait_for_nodes(cluster, [node], provider, deadline=provider.boot_deadline)
