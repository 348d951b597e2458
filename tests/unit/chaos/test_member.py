"""Faults of etcd's members, with an etcd and a node of paper."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from coreos_lab.chaos import member
from coreos_lab.chaos.fault import Scene
from coreos_lab.clients import etcd, ssh
from coreos_lab.clients.etcd import Member
from coreos_lab.clients.http import CannotCheckError
from coreos_lab.cluster import joining
from coreos_lab.errors import LabError
from coreos_lab.model import Cluster, Node


class Paper:
    """What the others list, what the node says, and what was run on it."""

    def __init__(self) -> None:
        self.listed = [Member("a", "core-01", ("http://172.17.8.101:2380",))]
        self.healthy = False
        self.ran: list[list[str]] = []
        self.refusals = 0

    def members(self) -> list[Member]:
        return self.listed

    def remove_member(self, which: str) -> None:
        if self.refusals:
            self.refusals -= 1
            raise CannotCheckError("etcd: HTTP 500")  # its answer while a member has just joined
        self.listed = [each for each in self.listed if each.id != which]

    def node_run(self, _cluster: Cluster, _node: Node, call: list[str], **_options: object) -> Any:
        self.ran.append(call)
        return type("Done", (), {"stdout": "", "stderr": "", "returncode": 0})


@pytest.fixture
def paper(monkeypatch: pytest.MonkeyPatch) -> Paper:
    found = Paper()
    monkeypatch.setattr(member, "Etcd", lambda _addresses: found)
    monkeypatch.setattr(etcd, "is_healthy", lambda _address: found.healthy)
    monkeypatch.setattr(ssh, "node_run", found.node_run)
    monkeypatch.setattr(joining, "announce", lambda *_args: "core-01=http://172.17.8.101:2380")
    return found


@pytest.fixture
def scene(planned: Callable[..., Cluster]) -> Scene:
    cluster = planned()
    provider: Any = object()
    return Scene(provider, cluster, cluster.nodes[1], {}, "f00d")


@pytest.mark.parametrize("fault", [member.LoseData(), member.CorruptData(), member.RemoveMember()])
def test_it_comes_back_as_a_new_member(fault: member.MemberFault, scene: Scene, paper: Paper) -> None:
    fault.undo(scene)
    (_reached, call) = paper.ran
    assert call[-2:] == ["core-01=http://172.17.8.101:2380", "core-02"]
    assert "ETCD_INITIAL_CLUSTER_STATE=existing" in call[3]
    assert not fault.gone(scene)
    paper.listed.append(Member("b", "core-02", (scene.node.peer_url,)))
    paper.healthy = True
    assert fault.gone(scene)


def test_a_member_that_is_well_is_not_made_anew(scene: Scene, paper: Paper) -> None:
    paper.listed.append(Member("b", "core-02", (scene.node.peer_url,)))
    paper.healthy = True
    member.LoseData().undo(scene)
    assert paper.ran == []


def test_a_client_of_etcd_has_no_data_to_lose(planned: Callable[..., Cluster], scene: Scene) -> None:
    cluster = planned(nodes=7)
    with pytest.raises(LabError, match="core-07: is no member of etcd"):
        member.LoseData().require_able(Scene(scene.provider, cluster, cluster.nodes[6], {}))


def test_etcd_may_refuse_to_remove_a_member_for_a_while(scene: Scene, paper: Paper) -> None:
    paper.listed.append(Member("b", "core-02", (scene.node.peer_url,)))
    paper.refusals = 2
    member.RemoveMember().inject(scene)
    assert [each.name for each in paper.listed] == ["core-01"]


def test_members_that_nobody_tells_of_are_not_known_to_be_removed(
    scene: Scene, paper: Paper, monkeypatch: pytest.MonkeyPatch
) -> None:
    def silent() -> list[Member]:
        raise CannotCheckError("etcd: no node answers")

    monkeypatch.setattr(paper, "members", silent)
    with pytest.raises(CannotCheckError):
        member.RemoveMember().seen(scene)
