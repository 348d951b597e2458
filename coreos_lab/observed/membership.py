"""etcd's own list of its members, compared with the plan."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from coreos_lab import wait
from coreos_lab.clients import etcd
from coreos_lab.clients.etcd import Etcd, Member
from coreos_lab.clients.http import CannotCheckError
from coreos_lab.model import Cluster, Node

LOOK = 1.0  # seconds between two looks at the others' lists
EXPELLED = 2.0  # seconds: a list that was read while it changed may be the old one
UNSTARTED = 15.0  # seconds after which an announced member is not expected to start by itself


def listed(nodes: Sequence[Node], *, timeout: float = 2.0) -> list[Member] | None:
    """The members as etcd lists them now: the list of a healthy one of `nodes`, or else of any that answers.

    None when none answers: the plan need not be what is so.
    """
    if not nodes:
        return None
    with ThreadPoolExecutor(max_workers=2 * len(nodes)) as pool:
        healthy = pool.map(partial(etcd.is_healthy, timeout=timeout), [node.address for node in nodes])
        lists = pool.map(partial(list_of, timeout=timeout), nodes)
        return best(list(zip(lists, healthy, strict=True)))


def list_of(node: Node, *, timeout: float = 2.0) -> list[Member] | None:
    """The members as one node's etcd lists them; None when it does not answer."""
    try:
        return Etcd([node.address], timeout=timeout).members()
    except CannotCheckError:
        return None


def best(lists: Sequence[tuple[list[Member] | None, bool]]) -> list[Member] | None:
    """The list to believe, of several with whether their node is healthy: one that is cut off has an old list."""
    answers = sorted((pair for pair in lists if pair[0] is not None), key=lambda pair: not pair[1])
    return answers[0][0] if answers else None


def entry(node: Node, members: Sequence[Member]) -> Member | None:
    """A node among the members, None where it is not listed."""
    return next((member for member in members if node.peer_url in member.peer_urls), None)


def voters(cluster: Cluster, running: Sequence[Node]) -> tuple[Node, ...]:
    """The nodes that have a vote in etcd: as etcd lists them, or as planned while no running member answers."""
    members = listed([node for node in running if node.member])
    return cluster.members if members is None else tuple(n for n in cluster.nodes if entry(n, members))


def removed(cluster: Cluster, members: Sequence[Member] | None) -> list[Node]:
    """The nodes that are planned as members and that etcd does not list: they were removed by hand."""
    return [] if members is None else [n for n in cluster.staying if n.member and entry(n, members) is None]


class Expelled:
    """Watches, for a member that does not get healthy, whether the other members still list it.

    One look is not enough: a list may be read while it changes.
    """

    def __init__(self, cluster: Cluster, node: Node) -> None:
        self._node = node
        self._others = [other for other in cluster.members if other != node]
        self._looked = time.monotonic()
        self._since: dict[str, float] = {}  # what was seen -> since when without a break, in monotonic seconds

    def seen(self) -> str:
        """Why the node cannot get healthy, "" while it may."""
        if time.monotonic() - self._looked < LOOK:
            return ""
        members = self._list()
        self._looked = now = time.monotonic()
        found = entry(self._node, members) if members else None
        states = {"removed": bool(members) and found is None, "unstarted": found is not None and not found.name}
        self._since = {state: self._since.get(state, now) for state, true in states.items() if true}
        if now - self._since.get("removed", now) >= wait.patiently(EXPELLED):
            return "is no member of etcd any more: the others do not list it"
        if now - self._since.get("unstarted", now) >= wait.patiently(UNSTARTED):
            return "was announced to etcd as a member and does not start as one"
        return ""

    def _list(self) -> list[Member] | None:
        """The list of a healthy one of the others: a member that is cut off from them has an old list."""
        for other in self._others:
            if etcd.is_healthy(other.address):
                return list_of(other, timeout=1.0)
        return None
