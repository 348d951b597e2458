"""Nodes whose machines are replaced: addresses that come late, and what etcd is to forget."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from coreos_lab import run
from coreos_lab.clients import ssh
from coreos_lab.clients.etcd import Member
from coreos_lab.clients.http import request
from coreos_lab.cluster import cloud_config, lifecycle, mirror, placing, tunnels
from coreos_lab.model import Cluster, Node, NodeState, Stack
from coreos_lab.observed import membership, ready
from coreos_lab.providers.base import ReplacingProvider
from coreos_lab.records import store
from tests.unit.paper import stands_for


@stands_for(ReplacingProvider)
class Group:
    """A provider whose machines get the next number as their address when they are started."""

    name, boot_deadline, own_clocks, boots_at_once = "aws", 90.0, False, None

    def __init__(self) -> None:
        self.at: dict[str, int] = {}
        self.done: list[str] = []
        self.last = 0

    def __getattr__(self, name: str) -> Any:
        if name != "create_network":
            raise AttributeError(name)
        return lambda *_args: None

    def state(self, _cluster: Cluster, node: Node) -> NodeState:
        return NodeState.RUNNING if node.name in self.at else NodeState.ABSENT

    def start(self, _cluster: Cluster, nodes: Sequence[Node], _user_data: Callable[[Node], Path]) -> None:
        self.done.append(f"start {' '.join(node.name for node in nodes)}")
        for node in nodes:
            self.last += 1
            self.at[node.name] = self.last

    def placed(self, cluster: Cluster) -> Cluster:
        def at(node: Node) -> Node:
            number = self.at.get(node.name)
            if number is None:
                return node
            return replace(node, address=f"198.18.0.{number}", private=f"10.0.1.{number}", instance=f"i-{number}")

        return replace(cluster, nodes=tuple(at(node) for node in cluster.nodes))


class Etcd:
    """etcd's members, by their peer URLs."""

    def __init__(self, *urls: str) -> None:
        self.urls = list(urls)

    def __call__(self, _addresses: Sequence[str]) -> Etcd:
        return self

    def members(self) -> list[Member]:
        return [Member(url, "named", (url,)) for url in self.urls]

    def remove_member(self, name: str) -> None:
        self.urls.remove(name)


@pytest.fixture
def group() -> Any:
    return Group()


@pytest.fixture
def cluster(planned: Callable[..., Cluster]) -> Cluster:
    paper = planned(provider="aws")
    return replace(paper, stack=Stack("aws", "us-west-2", "t2.small", discovery="https://discovery.etcd.io/x"))


@pytest.fixture
def etcd(monkeypatch: pytest.MonkeyPatch) -> Etcd:
    there = Etcd()
    monkeypatch.setattr(placing, "Etcd", there)
    monkeypatch.setattr(membership, "listed", lambda nodes, **_options: there.members() or None if nodes else None)
    return there


def peer(number: int) -> str:
    return f"http://10.0.1.{number}:2380"


def test_addresses_are_in_the_plan_and_the_files_once_machines_run(cluster: Cluster, group: Any, etcd: Etcd) -> None:
    assert placing.place(cluster, group) == cluster
    group.start(cluster, cluster.nodes, lambda _node: Path())
    now = placing.place(cluster, group)
    assert [node.address for node in now.nodes] == ["198.18.0.1", "198.18.0.2", "198.18.0.3"]
    assert now.nodes[0].peer_url == peer(1)
    assert store.load("core") == now
    folder = store.ClusterFolder("core")
    assert "Host core-03\n  HostName 198.18.0.3\n" in folder.ssh_config.read_text()
    assert '"address": "198.18.0.3"' in folder.inventory.read_text()
    assert tunnels.nodes_of(folder) == ["core-01", "core-02", "core-03"]
    assert etcd.urls == []


@pytest.mark.parametrize("same", [True, False])
def test_a_lost_machine_leaves_etcd_before_its_successor_is_in_the_plan(
    cluster: Cluster, group: Any, etcd: Etcd, monkeypatch: pytest.MonkeyPatch, same: bool
) -> None:
    """Also where the successor has got the same addresses: etcd lets nobody in as a member that it knows already."""
    group.start(cluster, cluster.nodes, lambda _node: Path())
    before = placing.place(cluster, group)
    etcd.urls = [peer(1), peer(2), peer(3)]
    assert placing.place(before, group) == before
    assert etcd.urls == [peer(1), peer(2), peer(3)]
    del group.at["core-02"]
    assert placing.place(before, group) == before, "one that is broken and not replaced is not forgotten"
    group.start(cluster, cluster.nodes[1:2], lambda _node: Path())
    if same:
        placed = group.placed
        old = before.nodes[1]

        def again(cluster: Cluster) -> Cluster:
            now = placed(cluster)
            node = replace(now.nodes[1], address=old.address, private=old.private)
            return Cluster(**{**vars(now), "nodes": (now.nodes[0], node, now.nodes[2])})

        monkeypatch.setattr(group, "placed", again)
    saved: list[list[str]] = []
    save = store.save

    def noted(now: Cluster) -> None:
        saved.append(list(etcd.urls))
        save(now)

    monkeypatch.setattr(store, "save", noted)
    now = placing.place(before, group)
    assert now.nodes[1].instance == "i-4"
    assert (now.nodes[1].peer_url == before.nodes[1].peer_url) is same
    assert saved == [[peer(1), peer(3)]]
    etcd.urls.append(now.nodes[1].peer_url)
    assert placing.place(before, group) == now, "who asks with an older value gets the same"
    assert len(etcd.urls) == 3, "and the successor, a member by now, stays one"
    assert len(saved) == 1


@pytest.fixture
def brought(monkeypatch: pytest.MonkeyPatch, group: Any, etcd: Etcd) -> Callable[[Cluster], Cluster]:
    """Brings a cluster up; what is done beside its machines is noted only."""
    monkeypatch.setattr(cloud_config, "write", lambda _c, node, **_o: group.done.append(f"write {node.name}"))
    monkeypatch.setattr(mirror, "run_mirror", lambda cluster: group.done.append(f"mirror {cluster.nodes[0].address}"))
    monkeypatch.setattr(mirror, "offer_tools", lambda _cluster: None)
    monkeypatch.setattr(ready, "port_open", lambda *_args: True)

    def waits(_cluster: Cluster, nodes: Sequence[Node], *_args: object, **_options: object) -> None:
        group.done.append("wait " + " ".join(node.address for node in nodes))

    def founded(_cluster: Cluster, node: Node, *_args: object, **_options: object) -> None:
        group.done.append(f"etcd {node.address}")

    monkeypatch.setattr(ready, "wait_for_nodes", waits)
    monkeypatch.setattr(ready, "wait_for_etcd", founded)

    def up(cluster: Cluster) -> Cluster:
        group.done.clear()
        lifecycle.bring_up(cluster, group)
        return store.require(cluster.name)

    return up


def test_a_new_cluster_is_waited_for_at_the_addresses_that_it_has_got(
    cluster: Cluster, group: Any, brought: Callable[[Cluster], Cluster]
) -> None:
    now = brought(cluster)
    assert group.done == [
        *("write core-01", "write core-02", "write core-03", "start core-01 core-02 core-03", "mirror 198.18.0.1"),
        *("wait 198.18.0.1 198.18.0.2 198.18.0.3", "mirror 198.18.0.1"),
    ]
    assert [node.instance for node in now.nodes] == ["i-1", "i-2", "i-3"]


def test_clients_of_etcd_come_when_its_members_have_found_each_other(
    planned: Callable[..., Cluster], cluster: Cluster, group: Any, brought: Callable[[Cluster], Cluster]
) -> None:
    brought(replace(planned(provider="aws", nodes=3, members=1), stack=cluster.stack))
    starts = [line for line in group.done if line.startswith(("start", "etcd"))]
    assert starts == ["start core-01", "etcd 198.18.0.1", "start core-02 core-03"]


def test_a_lost_machine_gets_no_announcement_before_its_address_is_known(
    cluster: Cluster, group: Any, etcd: Etcd, brought: Callable[[Cluster], Cluster]
) -> None:
    now = brought(cluster)
    etcd.urls = [peer(1), peer(2), peer(3)]
    del group.at["core-02"]
    later = brought(now)
    assert group.done[:2] == ["write core-02", "start core-02"]
    assert later.nodes[1].peer_url == peer(4)
    assert etcd.urls == [peer(1), peer(3)], "it is announced by the wait for it, which makes it a member"


def test_a_proxy_in_place_of_a_member_is_healthy_and_not_ready(
    cluster: Cluster, group: Any, etcd: Etcd, monkeypatch: pytest.MonkeyPatch
) -> None:
    group.start(cluster, cluster.nodes, lambda _node: Path())
    now = group.placed(cluster)
    etcd.urls = [peer(1), peer(3)]
    assert [ready._votes(now, node) for node in now.nodes] == [True, False, True]
    assert ready._votes(replace(now, stack=None), now.nodes[1]), "others are asked nothing"
    monkeypatch.setattr(membership, "listed", lambda *_args, **_options: [Member("x", "", (peer(2),))])
    assert not ready._votes(now, now.nodes[1]), "it is announced only"


def test_nodes_reach_the_registry_through_a_tunnel(cluster: Cluster, planned: Callable[..., Cluster]) -> None:
    assert (mirror.address(cluster), mirror.here(cluster)) == ("127.0.0.1:5808", "127.17.8.1:5808")
    assert mirror.address(planned()) == mirror.here(planned()) == "172.17.8.1:5808"
    folder = store.ClusterFolder("core")
    assert tunnels.call(folder, "core-02", mirror.here(cluster))[3:] == [
        *("ssh", "-F", str(folder.ssh_config), "-N", "-oControlPath=none", "-oExitOnForwardFailure=yes"),
        *("-oControlMaster=no", "-R", "127.0.0.1:5808:127.17.8.1:5808", "core-02"),
    ]


def test_a_tunnel_is_opened_again_for_as_long_as_its_node_is_there(
    cluster: Cluster, group: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    ssh.write_config(cluster)
    assert tunnels.nodes_of(store.ClusterFolder("core")) == [], "none has an address"
    group.start(cluster, cluster.nodes, lambda _node: Path())
    now = placing.place(cluster, group)
    calls: list[str] = []

    class Ended:
        returncode, stderr = 255, "it is gone"

    def ended(argv: Sequence[str], **_options: object) -> Ended:
        calls.append(argv[-1])
        if calls.count(argv[-1]) == 2:
            (store.ClusterFolder("core").ssh_config).write_text("")
        return Ended()

    monkeypatch.setattr(tunnels, "AGAIN", 0.01)
    monkeypatch.setattr(run, "run", ended)
    keeper = tunnels.Keeper("core", mirror.here(now))
    keeper._go_on("core-02")
    assert calls == ["core-02", "core-02"]


def test_an_up_that_was_killed_before_it_knew_the_addresses_goes_on(
    cluster: Cluster, group: Any, etcd: Etcd, brought: Callable[[Cluster], Cluster], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    group.start(cluster, cluster.nodes, lambda _node: Path())
    monkeypatch.setattr(membership, "listed", lambda nodes, **_o: asked.extend(node.address for node in nodes))
    brought(cluster)
    assert "start" not in " ".join(group.done)
    assert "" not in asked


def test_an_address_that_is_not_known_is_not_this_hosts() -> None:
    with pytest.raises(ConnectionError, match="its address is not known"):
        request("http://:2379", "GET", "/health")
    assert not ready.port_open("", 22)
