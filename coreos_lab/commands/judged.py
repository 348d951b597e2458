"""What there has to be before something is broken and judged: labs as they were deployed, on a cluster in order."""

from __future__ import annotations

from coreos_lab import hints
from coreos_lab.commands import again
from coreos_lab.definition import catalog
from coreos_lab.errors import LabError, UsageError
from coreos_lab.model import Cluster, Lab
from coreos_lab.observed import membership, node_states
from coreos_lab.providers.base import Provider
from coreos_lab.records import deployed, fault_journal


def labs(cluster: Cluster, asked: str) -> list[Lab]:
    """The deployed labs. UsageError, which names what was `asked` for, where there is none."""
    found = any_labs(cluster)
    if not found:
        raise UsageError(f"{asked}: no lab is deployed, so there is nothing to verify", hints.lab("deploy", "ch3"))
    return found


def any_labs(cluster: Cluster) -> list[Lab]:
    """The deployed labs, if any. LabError where a lab's folder has another version than the cluster."""
    found = [catalog.load(record.folder) for record in deployed.records(cluster)]
    for lab in found:
        if difference := deployed.difference(cluster, lab):  # a verdict would judge one version by another's rules
            raise LabError(difference, f"'{again.as_deployed(cluster, lab)}' first")
    return found


def require_healed(cluster: Cluster) -> None:
    """LabError where a fault is on record."""
    if fault_journal.open_faults(cluster):
        raise LabError(f"{cluster.name}: is broken already", f"run '{hints.lab('heal')}' first")


def require_whole(provider: Provider, cluster: Cluster) -> None:
    """LabError where a node is off, or no member of etcd that should be one: a plan counts on all of them."""
    running = node_states.running(cluster, provider)
    off = [node.name for node in cluster.nodes if node not in running]
    if off:
        raise LabError(f"{', '.join(off)}: does not run", f"run '{hints.lab('up')}' first")
    voters = membership.voters(cluster, running)
    lost = [node.name for node in cluster.members if node not in voters]
    if lost:
        raise LabError(f"{', '.join(lost)}: is no member of etcd", f"run '{hints.lab('up')}' first")
