"""How a node becomes a member of an etcd that runs already: with an etcd of lists."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import cast

import pytest

from coreos_lab import run
from coreos_lab.clients import ssh
from coreos_lab.clients.etcd import Member
from coreos_lab.clients.fleet import Machine
from coreos_lab.clients.http import CannotCheckError
from coreos_lab.cluster import joining
from coreos_lab.model import Cluster, Node, NodeState
from coreos_lab.node_plans import grown
from coreos_lab.providers.base import Provider
from coreos_lab.wait import DeadlineError
from tests.unit.cluster.listed import members

Planned = Callable[..., Cluster]


class Running:
    """A provider whose machines all run."""

    boot_deadline = 0.3
    boots_at_once: int | None = None

    def state(self, _cluster: Cluster, _node: Node) -> NodeState:
        return NodeState.RUNNING


@pytest.mark.parametrize(
    ("known", "asks"),
    [
        ([], ["add http://172.17.8.104:2380"]),
        ([Member("x", "", ("http://172.17.8.104:2380",))], []),
        ([Member("x", "core-04", ("http://172.17.8.104:2380",))], ["remove x", "add http://172.17.8.104:2380"]),
    ],
)
def test_announcing_again_changes_nothing_twice(
    planned: Planned, monkeypatch: pytest.MonkeyPatch, known: list[Member], asks: list[str]
) -> None:
    cluster = grown(planned(), 5)
    listed = [*members(*cluster.nodes[:3]), *known]
    asked: list[str] = []

    class Listed:
        def __init__(self, _addresses: object) -> None: ...

        def members(self) -> list[Member]:
            return list(listed)

        def remove_member(self, which: str) -> None:
            asked.append(f"remove {which}")
            listed[:] = [member for member in listed if member.id != which]

        def add_member(self, url: str) -> None:
            asked.append(f"add {url}")
            listed.append(Member("new", "", (url,)))

    monkeypatch.setattr(joining, "Etcd", Listed)
    joins = joining.announce(cluster, cluster.nodes[3], cast(Provider, Running()))
    assert asked == asks
    names = [f"core-0{i}=http://172.17.8.10{i}:2380" for i in (1, 2, 3, 4)]
    assert joins == ",".join(names), "the fifth is not announced yet"


def test_one_member_at_a_time_also_when_the_one_before_is_still_booting(
    planned: Planned, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = grown(planned(), 5)
    url = "http://172.17.8.104:2380"
    booting = [*members(*cluster.nodes[:3]), Member("x", "", (url,))]
    asked: list[str] = []

    class Booting:
        def __init__(self, _addresses: object) -> None: ...

        def members(self) -> list[Member]:
            return list(booting)

        def add_member(self, url: str) -> None:
            asked.append(url)

    monkeypatch.setattr(joining, "Etcd", Booting)
    with pytest.raises(DeadlineError, match=rf"core-05: .* the member before it has not started .{url}"):
        joining.announce(cluster, cluster.nodes[4], cast(Provider, Running()))
    assert asked == []
    booting[3] = Member("x", "core-04", (url,))
    joining.announce(cluster, cluster.nodes[4], cast(Provider, Running()))
    assert asked == ["http://172.17.8.105:2380"]


@pytest.mark.parametrize("hangs", [True, False])
def test_a_node_that_ssh_does_not_reach_is_not_made_a_member(
    planned: Planned, monkeypatch: pytest.MonkeyPatch, hangs: bool
) -> None:
    def silent(argv: Sequence[str], **_options: object) -> run.Completed:
        done = run.Completed(tuple(argv), 124 if hangs else ssh.NOT_REACHED, "", "")
        if hangs:
            raise run.CommandError(done)
        return done

    monkeypatch.setattr(run, "run", silent)
    cluster, provider = planned(), cast(Provider, Running())
    assert joining.rejoin(cluster, provider, cluster.nodes[2]) is None


def test_a_fleetd_that_was_restarted_is_waited_for(planned: Planned, monkeypatch: pytest.MonkeyPatch) -> None:
    """Until it answers, the others list the machine as it was before, and soon not any more."""
    cluster = planned()
    node = cluster.nodes[2]
    done: list[str] = []
    answers = [CannotCheckError("fleetd answers 503"), [], [Machine("ccc", node.address, {})]]

    class Restarted:
        def __init__(self, addresses: list[str], **_options: float) -> None:
            assert addresses == [node.address], "its own fleetd is asked"

        def machines(self) -> list[Machine]:
            answer = answers.pop(0)
            if isinstance(answer, CannotCheckError):
                raise answer
            return cast(list[Machine], answer)

    monkeypatch.setattr(joining, "Fleet", Restarted)
    monkeypatch.setattr(joining, "announce", lambda *_args: "core-01=http://172.17.8.101:2380")

    def ask(_cluster: Cluster, _node: Node, argv: Sequence[str]) -> run.Completed:
        done.append(argv[-1])
        return run.Completed(tuple(argv), 0, "", "")

    monkeypatch.setattr(ssh, "ask", ask)
    monkeypatch.setattr(ssh, "node_run", lambda *_args: None)
    when_healthy = joining.rejoin(cluster, cast(Provider, Running()), node)
    assert when_healthy is not None
    assert done == ["true"]
    when_healthy()
    assert (done, answers) == (["true", "fleet.service"], [])
