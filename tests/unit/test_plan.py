"""From a request to a cluster."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from coreos_lab.errors import UsageError
from coreos_lab.model import CloudConfig, Cluster, MachineMetadata
from coreos_lab.plan import Request, free_index, plan
from coreos_lab.remake import made_with, request_again

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
    assert plan(Request(name="other"), None, {0}, promised=5).network.index == 5  # although a lower one is free
    assert plan(Request(name="other"), None, {0, 5}, promised=5).network.index == 1


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
        (Request(subnet="10.1.9.0/24"), "--subnet 10.1.9.0/24: 10.1.0.0/16 is the nodes' overlay network"),
        (Request(subnet="10.254.0.0/24"), "Docker bridge"),
        (Request(subnet="127.9.9.0/24"), "127.0.0.0/8 is for loopback"),
        (Request(subnet="0.0.0.0/24"), "not for machines"),
        (Request(subnet="224.0.5.0/24"), "multicast"),
        (Request(subnet="fe80::/64"), "--subnet fe80::/64"),
        (Request(subnet="net"), "--subnet net"),
        (Request(disks=-1), "--disks -1"),
        (Request(disk_size=0), "--disk-size 0"),
        (Request(memory=0), "--memory 0"),
        (Request(cpus=0), "--cpus 0"),
        (Request(cpus=float("nan")), "--cpus nan"),
        (Request(cpus=float("inf")), "--cpus inf"),
        (Request(agent_ttl="soon"), "--agent-ttl: 'soon' is not a duration"),
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
        {"disks": 1, "cpus": 2.0},
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


def test_what_a_cluster_was_made_with_is_named_as_it_is_typed(planned: Planned) -> None:
    with pytest.raises(UsageError, match="--memory: cluster core was made with none, not 1 GiB"):
        plan(Request(memory=2**30), planned(), set())
    with pytest.raises(UsageError, match="--disk-size: cluster core was made with 64 MiB, not 1 GiB"):
        plan(Request(disk_size=2**30), planned(disks=1, disk_size=64 * 2**20), set())


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


def test_disks_are_added_to_a_cluster_that_exists(planned: Planned) -> None:
    cluster = plan(Request(disks=2, disk_size=2**20, nodes=4), planned(nodes=3), set())
    assert [[disk.size for disk in node.disks] for node in cluster.nodes] == [[2**20] * 2] * 4
    more = plan(Request(disks=3), cluster, set())
    assert {disk.size for node in more.nodes for disk in node.disks} == {2**20}
    with pytest.raises(UsageError, match="--disk-size"):
        plan(Request(disks=3, disk_size=2**21), cluster, set())
    with pytest.raises(UsageError, match="--disks: cluster core was made with 2, not 1"):
        plan(Request(disks=1), cluster, set())
    with pytest.raises(UsageError, match="--disks 9"):
        plan(Request(disks=9), cluster, set())


def test_new_nodes_have_the_disks_of_the_others_and_fill_up_the_members(planned: Planned) -> None:
    grown = plan(Request(nodes=7), planned(disks=1), set())
    assert {node.disks for node in grown.nodes} == {grown.nodes[0].disks}
    assert [node.member for node in grown.nodes] == [True] * 5 + [False] * 2


def test_a_network_that_is_in_use_is_left_out(planned: Callable[..., Cluster]) -> None:
    assert free_index("core", {1, 2}) == 0
    assert free_index("core", {0, 1}) == 2, "the default cluster has other addresses rather than none"
    assert free_index("other", {1, 2}) == 3
    with pytest.raises(UsageError, match=r"other: every network up to 172\.17\.207\.0/24 is in use"):
        free_index("other", range(200))


def test_user_namespaces_are_the_default_and_stay_what_they_are() -> None:
    isolated, bare = plan(Request(), None, set()), plan(Request(no_userns=True), None, set())
    assert (isolated.userns, bare.userns) == (True, False)
    assert not plan(Request(), bare, set()).userns
    assert "--no-userns" in made_with(bare)
    assert "--no-userns" not in made_with(isolated)
    with pytest.raises(UsageError, match="--no-userns: cluster core was made with user namespaces, not none"):
        plan(Request(no_userns=True), isolated, set())
    with pytest.raises(UsageError, match="--no-userns: virtual machines have a kernel of their own"):
        plan(Request(provider="vagrant", no_userns=True), None, set())


def config(node: str, text: str = "#cloud-config\n") -> CloudConfig:
    return CloudConfig(node, f"/m/{node or 'all'}.yml" if text else "", text)


def test_user_data_stays_and_what_is_given_again_replaces_it() -> None:
    first = plan(
        Request(cloud_configs=(config("core-01"), config("")), metadata=(MachineMetadata("core-02", "a=b"),)),
        None,
        set(),
    )
    assert [each.node for each in first.cloud_configs] == ["", "core-01"]
    assert plan(Request(), first, set()) == first
    again = plan(Request(cloud_configs=(config("core-01", "#cloud-config\nusers: []\n"),)), first, set())
    assert [each.text for each in again.cloud_configs] == ["#cloud-config\n", "#cloud-config\nusers: []\n"]
    less = plan(Request(cloud_configs=(config("", ""),), metadata=(MachineMetadata("core-02", ""),)), again, set())
    assert ([each.node for each in less.cloud_configs], less.metadata) == (["core-01"], ())


@pytest.mark.parametrize(
    "request_", [Request(cloud_configs=(config("core-04"),)), Request(metadata=(MachineMetadata("core-04", "a=b"),))]
)
def test_user_data_of_a_node_that_is_not_there_is_refused(request_: Request) -> None:
    with pytest.raises(UsageError, match="core-04: no such node in cluster core") as caught:
        plan(request_, None, set())
    assert caught.value.hint == "there is: core-01, core-02, core-03"
    plan(replace(request_, nodes=4), plan(Request(), None, set()), set())


def test_user_data_is_among_the_options_that_make_a_cluster_again() -> None:
    request = Request(
        cloud_configs=(config(""), config("core-01")),
        metadata=(MachineMetadata("core-02", "a=b"), MachineMetadata("", "c=d")),
    )
    cluster = plan(request, None, set())
    words = ["--cloud-config", "/m/all.yml", "--cloud-config", "core-01:/m/core-01.yml"]
    assert made_with(cluster) == [*words, "--metadata", "c=d", "--metadata", "core-02:a=b"]
    assert plan(request_again(Request(), cluster), None, set()) == cluster
    fewer = plan(request_again(Request(nodes=1, metadata=(MachineMetadata("", "e=f"),)), cluster), None, set())
    assert fewer.metadata == (MachineMetadata("", "e=f"),)
    assert len(fewer.cloud_configs) == 2
