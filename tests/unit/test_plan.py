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
        (Request(name="Core"), "--name Core"),
        (Request(disks=9), "--disks 9"),
        (Request(subnet="10.1.2.3/24"), "--subnet 10.1.2.3/24"),
        (Request(subnet="10.1.2.0/26"), "too small"),
    ],
)
def test_nonsense_is_refused_by_its_name(request_: Request, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        plan(request_, None, set())


@pytest.mark.parametrize("change", [{"nodes": 2}, {"disks": 1}, {"agent_ttl": "30s"}, {"subnet": "10.9.9.0/24"}])
def test_what_cannot_change_is_refused_with_the_remedy(planned: Planned, change: dict[str, object]) -> None:
    with pytest.raises(UsageError) as refused:
        plan(Request(**change), planned(), set())  # type: ignore[arg-type]
    assert "lab destroy" in refused.value.hint
