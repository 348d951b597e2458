"""The state of a cluster at one moment: observed once, and handed on to everything that decides by it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from coreos_lab.clients.etcd import Member
from coreos_lab.model import Cluster, Node, NodeState
from coreos_lab.observed import membership, node_states
from coreos_lab.providers.base import Provider
from coreos_lab.records import fault_journal
from coreos_lab.records.fault_journal import OpenFault


@dataclass(frozen=True)
class Observation:
    """One moment of a cluster: its plan, the state of each node's machine by the node's name, the faults on record."""

    cluster: Cluster
    states: Mapping[str, NodeState]
    faults: tuple[OpenFault, ...] = ()

    def state(self, node: Node) -> NodeState:
        """The state of a node's machine."""
        return self.states[node.name]

    @property
    def running(self) -> list[Node]:
        """The nodes whose machine runs."""
        return [node for node in self.cluster.nodes if self.state(node) is NodeState.RUNNING]

    @property
    def broken(self) -> set[str]:
        """The names of the nodes with a fault on record."""
        return {fault.node for fault in self.faults}

    @cached_property
    def members(self) -> list[Member] | None:
        """etcd's own list of its members; None when no running member answers. Read when it is first needed."""
        return membership.listed([node for node in self.running if node.member])


def observe(cluster: Cluster, provider: Provider) -> Observation:
    """The cluster as it is now."""
    return Observation(cluster, node_states.of(cluster, provider), tuple(fault_journal.open_faults(cluster)))
