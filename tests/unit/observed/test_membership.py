"""What etcd lists, as against what was planned."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from coreos_lab.chaos import quorum
from coreos_lab.clients import etcd
from coreos_lab.clients.etcd import Member
from coreos_lab.model import Cluster, Node
from coreos_lab.observed import cluster_state, membership, node_states, ready

Planned = Callable[..., Cluster]


def entries(*nodes: Node) -> list[Member]:
    return [Member(node.name, node.name, (node.peer_url,)) for node in nodes]


class Lists:
    """What each node's etcd says, by the node's name: whether it is healthy, and its list of members."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, cluster: Cluster) -> None:
        self.said: dict[str, tuple[bool, list[Member] | None]] = {}
        names = {node.address: node.name for node in cluster.nodes}
        silent: tuple[bool, None] = (False, None)
        monkeypatch.setattr(etcd, "is_healthy", lambda address, **_o: self.said.get(names[address], silent)[0])
        monkeypatch.setattr(membership, "list_of", lambda node, **_o: self.said.get(node.name, silent)[1])


@pytest.fixture
def cluster(planned: Planned) -> Cluster:
    return planned()


@pytest.fixture
def lists(monkeypatch: pytest.MonkeyPatch, cluster: Cluster) -> Lists:
    return Lists(monkeypatch, cluster)


def test_who_is_healthy_is_believed_before_who_is_cut_off(cluster: Cluster, lists: Lists) -> None:
    one, two, three = cluster.nodes
    lists.said = {"core-01": (False, entries(one, two, three)), "core-02": (True, entries(two, three))}
    assert membership.listed(cluster.nodes) == entries(two, three)
    assert membership.voters(cluster, cluster.nodes) == (two, three)
    assert membership.removed(cluster, membership.listed(cluster.nodes)) == [one]
    assert quorum.lost_by(membership.voters(cluster, cluster.nodes), {"core-03"}) == (
        "etcd loses its quorum: 1 of 2 members is left, 2 are needed"
    )


def test_what_nobody_says_is_unknown(cluster: Cluster, lists: Lists) -> None:
    lists.said = {}
    assert membership.listed(cluster.nodes) is None
    assert membership.listed([]) is None
    assert membership.voters(cluster, cluster.nodes) == cluster.members
    assert membership.removed(cluster, None) == []


def test_the_status_is_etcds_own_word(planned: Planned) -> None:
    cluster = planned(nodes=7)
    one, two, three = cluster.nodes[:3]
    known = [*entries(one), Member("x", "", (two.peer_url,))]
    assert cluster_state._standing(one, known) == "member"
    assert cluster_state._standing(two, known) == "announced"
    assert cluster_state._standing(three, known) == "removed"
    assert cluster_state._standing(cluster.nodes[6], known) == "client"
    assert cluster_state._standing(one, None) is None


class Doing:
    """A node whose etcd the others have removed, until it is made a member anew."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, cluster: Cluster, lists: Lists) -> None:
        self.done: list[str] = []
        self.lists, self.cluster = lists, cluster
        one, two, _three = cluster.nodes
        lists.said = dict.fromkeys(("core-01", "core-02"), (True, entries(one, two)))
        monkeypatch.setattr(membership, "LOOK", 0.0)
        monkeypatch.setattr(membership, "EXPELLED", 0.15)
        monkeypatch.setattr(ready, "last_words", lambda *_args: "")

    def rejoin(self, node: Node) -> Callable[[], object]:
        self.done.append(f"rejoin {node.name}")
        self.lists.said = {each.name: (True, entries(*self.cluster.nodes)) for each in self.cluster.nodes}
        return lambda: self.done.append(f"healthy {node.name}")


@pytest.fixture
def doing(monkeypatch: pytest.MonkeyPatch, cluster: Cluster, lists: Lists) -> Doing:
    return Doing(monkeypatch, cluster, lists)


def wait_for(cluster: Cluster, rejoin: ready.Rejoin | None) -> None:
    provider: Any = object()
    ready._etcd(cluster, cluster.nodes[2], provider, time.monotonic() + 30, rejoin)


def test_a_removed_member_is_made_one_again(cluster: Cluster, doing: Doing) -> None:
    wait_for(cluster, doing.rejoin)
    assert doing.done == ["rejoin core-03", "healthy core-03"]


def test_nobody_waits_for_what_never_comes(cluster: Cluster, doing: Doing) -> None:
    with pytest.raises(ready.NodeNotReadyError, match="core-03: is no member of etcd any more") as refused:
        wait_for(cluster, None)
    assert refused.value.hint == "'lab up' makes it a member again"
    assert doing.done == []


def test_one_look_is_not_enough(cluster: Cluster, doing: Doing, lists: Lists) -> None:
    """A member that is being taken out and in again is not listed for a moment."""
    expelled = membership.Expelled(cluster, cluster.nodes[2])
    assert expelled.seen() == ""
    lists.said = dict.fromkeys(("core-01", "core-02"), (True, entries(*cluster.nodes)))
    time.sleep(0.2)
    assert expelled.seen() == ""
    lists.said = dict.fromkeys(("core-01", "core-02"), (False, entries(*cluster.nodes[:2])))
    for _ in range(2):
        time.sleep(0.2)
        assert expelled.seen() == "", "who is cut off from the others says what was"
    assert doing.done == []


def test_an_announced_member_that_never_starts(cluster: Cluster, lists: Lists, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(membership, "LOOK", 0.0)
    monkeypatch.setattr(membership, "UNSTARTED", 0.1)
    three = cluster.nodes[2]
    waiting = [*entries(*cluster.nodes[:2]), replace(entries(three)[0], name="")]
    lists.said = {"core-01": (True, waiting)}
    expelled = membership.Expelled(cluster, three)
    assert expelled.seen() == ""
    time.sleep(0.15)
    assert expelled.seen() == "was announced to etcd as a member and does not start as one"


def test_the_plan_does_not_vote(cluster: Cluster, lists: Lists, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a member that somebody has removed, the loss of another one is the loss of the majority."""
    from coreos_lab.chaos import faults
    from coreos_lab.commands import break_
    from coreos_lab.model import FaultKind

    def running(_cluster: Cluster, _provider: object) -> Sequence[Node]:
        return cluster.nodes

    monkeypatch.setattr(node_states, "running", running)
    one, two, _three = cluster.nodes
    lists.said = {"core-01": (True, entries(one, two))}
    provider: Any = object()
    planned = faults.plan([two], FaultKind.KILL, {})
    assert "1 of 2 members is left" in break_._quorum_lost(provider, cluster, planned)
