"""What bringing a cluster up has to do, worked out from one observation."""

from __future__ import annotations

from dataclasses import dataclass

from coreos_lab.model import Cluster, Node, NodeState
from coreos_lab.observed.observation import Observation


@dataclass(frozen=True)
class Work:
    """What bringing a cluster up has to do, as the plan and what was observed say.

    `at_once` are the nodes that are started together. `joining` are new members of an etcd that runs already: each is
    announced to it, started and waited for before the next. `serving` are the nodes that must serve at the end.
    """

    observed: Observation
    at_once: tuple[Node, ...]
    joining: tuple[Node, ...]
    serving: tuple[Node, ...]

    @property
    def cluster(self) -> Cluster:
        """The plan."""
        return self.observed.cluster

    @property
    def touched(self) -> list[Node]:
        """The nodes that are started, in the plan's order."""
        return [node for node in self.cluster.nodes if node in (*self.at_once, *self.joining)]


def work_for(now: Observation) -> Work:
    """What has to be done so that the cluster is as planned."""
    idle, joining = _idle(now), _joining(now)
    return Work(
        observed=now,
        at_once=tuple(node for node in idle if node not in joining),
        joining=tuple(joining),
        serving=tuple(node for node in now.cluster.staying if node in idle or node.name not in now.broken),
    )


def _idle(now: Observation) -> list[Node]:
    """The nodes to be started. One that is leaving is only needed where etcd has no majority without it."""
    cluster = now.cluster
    majority = len(cluster.members) // 2 + 1
    needed = sum(node.member for node in cluster.staying) < majority
    voters = [n for n in cluster.leaving if needed and n.member and now.state(n) is not NodeState.ABSENT]
    return [n for n in (*cluster.staying, *voters) if now.state(n) is not NodeState.RUNNING]


def _joining(now: Observation) -> list[Node]:
    """The members that are still to be made and must be announced to an etcd that is there already.

    A new cluster's members find each other by the list in their cloud-config and need no announcement. Nor can they be
    announced when making them was interrupted: an etcd that waits for its first majority does not answer.
    """
    if now.cluster.replaced:  # without addresses yet: they are made members once they run
        return []
    absent = [n for n in now.cluster.staying if n.member and now.state(n) is NodeState.ABSENT]
    founded = any(not node.joins for node in absent) and bool(now.members)
    return [node for node in absent if node.joins or founded]
