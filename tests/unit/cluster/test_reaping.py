"""Members of etcd that are gone: which are removed, which stay, and when none may go."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from coreos_lab import clients
from coreos_lab.clients.etcd import Member
from coreos_lab.clients.http import CannotCheckError
from coreos_lab.cluster import leaving, reaping
from coreos_lab.errors import LabError
from coreos_lab.model import Cluster, FaultKind, NodeState
from coreos_lab.observed import membership
from coreos_lab.observed.observation import Observation
from coreos_lab.records import fault_journal
from tests.unit.cluster.listed import members

Planned = Callable[..., Cluster]
AWAY = Member("old", "core-02", ("http://10.0.0.9:2380",))


def now(cluster: Cluster, **states: NodeState) -> Observation:
    known = {node.name: states.get(node.name.replace("-", "_"), NodeState.RUNNING) for node in cluster.nodes}
    return Observation(cluster, known, tuple(fault_journal.open_faults(cluster)))


@pytest.mark.parametrize(
    ("state", "goes", "why"),
    [
        (NodeState.STOPPED, True, "its machine is off"),
        (NodeState.ABSENT, True, "its machine is gone"),
        (NodeState.RUNNING, False, "its machine is running, so it may come back"),
        (NodeState.PAUSED, False, "its machine is paused, so it may come back"),
    ],
)
def test_a_machine_that_may_come_back_stays_a_member(planned: Planned, state: NodeState, goes: bool, why: str) -> None:
    cluster = planned()
    well = [node.peer_url for node in cluster.nodes[:2]]
    (found,) = reaping.found(now(cluster, core_03=state), members(*cluster.nodes), well)
    assert (found.name, found.goes) == ("core-03", goes)
    assert found.why.startswith(why)


def test_a_machine_that_is_broken_on_purpose_stays_a_member(planned: Planned) -> None:
    cluster = planned()
    fault_journal.record(cluster, FaultKind.KILL, "core-03")
    well = [node.peer_url for node in cluster.nodes[:2]]
    (found,) = reaping.found(now(cluster, core_03=NodeState.STOPPED), members(*cluster.nodes), well)
    assert not found.goes
    assert found.why.startswith("is broken on purpose (kill)")


def test_a_member_at_an_address_of_no_node_goes(planned: Planned) -> None:
    cluster = planned()
    well = [node.peer_url for node in cluster.nodes]
    (found,) = reaping.found(now(cluster), [*members(*cluster.nodes), AWAY], well)
    assert (found.member, found.goes) == (AWAY, True)


@pytest.fixture
def etcd(planned: Planned, monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """An etcd of lists: who is healthy, and what was removed. Nobody is given time to come back."""
    world = {"healthy": [node.peer_url for node in planned().nodes], "removed": []}
    monkeypatch.setattr(reaping, "_healthy", lambda _now: set(world["healthy"]))
    monkeypatch.setattr(reaping, "PATIENCE", 0.0)
    return world


def test_a_healthy_cluster_loses_none(planned: Planned, monkeypatch: pytest.MonkeyPatch, etcd: object) -> None:
    cluster = planned()
    monkeypatch.setattr(membership, "listed", lambda _nodes: members(*cluster.nodes))
    assert reaping.lasting(lambda: now(cluster))[1] == []


def test_none_goes_without_a_majority(
    planned: Planned, monkeypatch: pytest.MonkeyPatch, etcd: dict[str, list[str]]
) -> None:
    cluster = planned()
    etcd["healthy"] = [cluster.nodes[0].peer_url]
    monkeypatch.setattr(membership, "listed", lambda _nodes: members(*cluster.nodes))
    with pytest.raises(LabError, match="etcd has no majority: 1 of its 3 members are healthy: none can be removed"):
        reaping.lasting(lambda: now(cluster, core_02=NodeState.STOPPED, core_03=NodeState.STOPPED))


def test_whom_nobody_tells_is_unknown(planned: Planned, monkeypatch: pytest.MonkeyPatch, etcd: object) -> None:
    monkeypatch.setattr(membership, "listed", lambda _nodes: None)
    with pytest.raises(CannotCheckError, match="who is gone is unknown"):
        reaping.lasting(lambda: now(planned()))


def test_a_member_that_comes_back_in_time_stays(
    planned: Planned, monkeypatch: pytest.MonkeyPatch, etcd: dict[str, list[str]]
) -> None:
    cluster = planned()
    looks = [set(etcd["healthy"][:2]), set(etcd["healthy"])]
    monkeypatch.setattr(reaping, "_healthy", lambda _now: looks.pop(0) if len(looks) > 1 else looks[0])
    monkeypatch.setattr(membership, "listed", lambda _nodes: members(*cluster.nodes))
    assert reaping.lasting(lambda: now(cluster))[1] == []


@pytest.mark.parametrize(
    ("looks", "goes"),
    [
        ((NodeState.STOPPED, NodeState.STOPPED), True),
        ((NodeState.STOPPED, NodeState.RUNNING), False),
        ((NodeState.RUNNING, NodeState.STOPPED), False),
    ],
)
def test_a_machine_between_two_boots_is_not_gone(
    planned: Planned,
    monkeypatch: pytest.MonkeyPatch,
    etcd: dict[str, list[str]],
    looks: tuple[NodeState, NodeState],
    goes: bool,
) -> None:
    cluster, left = planned(), list(looks)
    etcd["healthy"] = [node.peer_url for node in cluster.nodes[:2]]
    monkeypatch.setattr(membership, "listed", lambda _nodes: members(*cluster.nodes))
    later, (found,) = reaping.lasting(lambda: now(cluster, core_03=left.pop(0)))
    assert (found.goes, later.state(cluster.nodes[2])) == (goes, looks[1])


def test_a_member_that_is_no_node_is_asked_too(planned: Planned, monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = planned()
    monkeypatch.setattr(membership, "listed", lambda _nodes: [*members(*cluster.nodes), AWAY])
    monkeypatch.setattr(clients.etcd, "is_healthy", lambda address, timeout: True)
    assert reaping.lasting(lambda: now(cluster))[1] == [], "it answers, so it is not gone"
    monkeypatch.setattr(reaping, "PATIENCE", 0.0)
    monkeypatch.setattr(clients.etcd, "is_healthy", lambda address, timeout: address != "10.0.0.9")
    assert [each.name for each in reaping.lasting(lambda: now(cluster))[1] if each.goes] == ["core-02"]


def test_the_next_one_goes_when_the_others_are_healthy_without_the_first(
    planned: Planned, monkeypatch: pytest.MonkeyPatch, etcd: dict[str, list[str]]
) -> None:
    cluster = planned(nodes=5)
    there = members(*cluster.nodes)
    etcd["healthy"] = [node.peer_url for node in cluster.nodes[:3]]
    done: list[str] = []

    class Etcd:
        def __init__(self, addresses: list[str]) -> None:
            assert addresses == [node.address for node in cluster.nodes[:3]], "only those that answer are asked"

        def members(self) -> list[Member]:
            return list(there)

        def remove_member(self, which: str) -> None:
            assert leaving.unsafe(there, etcd["healthy"]) == ""
            done.append(which)
            there[:] = [member for member in there if member.id != which]

    monkeypatch.setattr(reaping, "Etcd", Etcd)
    off = now(cluster, core_04=NodeState.STOPPED, core_05=NodeState.ABSENT)
    reaping.remove(off, reaping.found(off, list(there), etcd["healthy"]))
    assert done == ["id-core-04", "id-core-05"]
