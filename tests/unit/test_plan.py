"""From a request to a cluster."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from coreos_lab.errors import UsageError
from coreos_lab.model import Cluster
from coreos_lab.plan import Request, plan

Planned = Callable[..., Cluster]


def test_the_default_is_what_readers_know(planned: Planned) -> None:
    cluster = planned()
    assert [(node.name, node.address) for node in cluster.nodes] == [
        ("core-01", "172.17.8.101"),
        ("core-02", "172.17.8.102"),
        ("core-03", "172.17.8.103"),
    ]
    assert cluster.network.gateway == "172.17.8.1"
    assert all(node.member for node in cluster.nodes)


def test_five_members_at_most(planned: Planned) -> None:
    assert [node.member for node in planned(nodes=7).nodes] == [True] * 5 + [False] * 2


def test_members_by_number(planned: Planned) -> None:
    cluster = planned(nodes=2, members=1)
    assert [node.member for node in cluster.nodes] == [True, False]
    assert [node.member for node in plan(Request(nodes=3), cluster, set()).nodes] == [True, False, False]
    with pytest.raises(UsageError, match="--members: cluster core was made with 1, not 3"):
        plan(Request(members=3), cluster, set())


def test_disks_are_sdb_and_on(planned: Planned) -> None:
    assert [disk.device for disk in planned(disks=2).nodes[0].disks] == ["/dev/sdb", "/dev/sdc"]


def test_two_clusters_never_share_a_network() -> None:
    assert plan(Request(name="core"), None, {1, 2}).network.index == 0
    assert plan(Request(name="big"), None, set()).network.subnet == "172.17.9.0/24"
    assert plan(Request(name="other"), None, {0, 1}).network.index == 2


def test_an_existing_cluster_stays_as_it_is_and_may_grow(planned: Planned) -> None:
    cluster = planned(agent_ttl="9s")
    assert plan(Request(), cluster, set()) == cluster
    grown = plan(Request(nodes=4), cluster, set())
    assert grown.nodes[:3] == cluster.nodes
    assert grown.nodes[3].address == "172.17.8.104"


@pytest.mark.parametrize(
    ("request_", "says"),
    [
        (Request(nodes=0), "--nodes 0"),
        (Request(nodes=100), "--nodes 100"),
        (Request(members=6), "--members 6"),
        (Request(name="Core"), "--name Core"),
        (Request(disks=9), "--disks 9"),
        (Request(subnet="10.1.2.3/24"), "--subnet 10.1.2.3/24"),
        (Request(subnet="10.1.2.0/26"), "too small"),
        (Request(subnet="fe80::/64"), "--subnet fe80::/64"),
        (Request(subnet="net"), "--subnet net"),
        (Request(disks=-1), "--disks -1"),
        (Request(disk_size=0), "--disk-size 0"),
        (Request(memory=0), "--memory 0"),
        (Request(cpus=0), "--cpus 0"),
        (Request(cpus=float("nan")), "--cpus nan"),
        (Request(cpus=float("inf")), "--cpus inf"),
        (Request(agent_ttl="soon"), "--agent-ttl: 'soon' is no duration"),
        (Request(agent_ttl="0s"), "--agent-ttl 0s"),
        (Request(name=""), "--name"),
        (Request(name="a/b"), "--name a/b"),
        (Request(name="a" * 25), "--name a"),
    ],
)
def test_nonsense_is_refused_by_its_name(request_: Request, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        plan(request_, None, set())


@pytest.mark.parametrize(
    "change",
    [
        {"nodes": 2},
        {"disks": 1},
        {"memory": 2**30},
        {"cpus": 2.0},
        {"agent_ttl": "30s"},
        {"subnet": "10.9.9.0/24"},
        {"provider": "other"},
    ],
)
def test_what_cannot_change_is_refused_with_the_remedy(planned: Planned, change: dict[str, object]) -> None:
    with pytest.raises(UsageError) as refused:
        plan(Request(**change), planned(), set())  # type: ignore[arg-type]
    assert "lab destroy" in refused.value.hint


def test_what_was_asked_for_is_planned(planned: Planned) -> None:
    cluster = planned(name="big", nodes=99, disks=8, disk_size=2**20, memory=2**29, cpus=0.5, subnet="10.9.0.0/16")
    assert (cluster.limits.memory, cluster.limits.cpus) == (2**29, 0.5)
    assert cluster.nodes[98].name == "core-99"
    assert cluster.nodes[98].address == "10.9.0.199"
    assert cluster.network.gateway == "10.9.0.1"
    assert [disk.size for disk in cluster.nodes[98].disks] == [2**20] * 8


def test_asking_for_what_is_so_already_is_fine(planned: Planned) -> None:
    cluster = planned(disks=1, disk_size=2**20, memory=2**29)
    assert plan(Request(nodes=3, disks=1, disk_size=2**20, memory=2**29, agent_ttl="10s"), cluster, set()) == cluster
    with pytest.raises(UsageError, match="--disk-size"):
        plan(Request(disk_size=2**21), cluster, set())


def test_new_nodes_have_the_disks_of_the_others_and_fill_up_the_members(planned: Planned) -> None:
    grown = plan(Request(nodes=7), planned(disks=1), set())
    assert {node.disks for node in grown.nodes} == {grown.nodes[0].disks}
    assert [node.member for node in grown.nodes] == [True] * 5 + [False] * 2


def test_a_lab_may_want_another_number_of_nodes() -> None:
    assert len(plan(Request(), None, set(), default_nodes=5).nodes) == 5
    assert len(plan(Request(nodes=2), None, set(), default_nodes=5).nodes) == 2
