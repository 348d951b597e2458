"""The nspawn provider's pure parts."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from coreos_lab.errors import UsageError
from coreos_lab.model import Cluster, Network, Node
from coreos_lab.providers.choose import provider
from coreos_lab.providers.nspawn import cgroup, doctor, machine, names, network

HYBRID = """tmpfs /sys/fs/cgroup tmpfs rw 0 0
cgroup /sys/fs/cgroup/memory cgroup rw,memory 0 0
cgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw,cpu,cpuacct 0 0
cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0
"""


def test_cgroups_are_found_on_hybrid_and_on_plain_hosts() -> None:
    found = cgroup.parse_mounts(HYBRID)
    assert found.v2 == Path("/sys/fs/cgroup/unified")
    assert found.v1 == {"memory": Path("/sys/fs/cgroup/memory"), "cpu": Path("/sys/fs/cgroup/cpu,cpuacct")}
    plain = cgroup.parse_mounts("cgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n")
    assert (plain.v2, plain.v1) == (Path("/sys/fs/cgroup"), {})


@pytest.mark.parametrize("index", [0, 7, 199])
def test_interface_names_fit_and_never_collide(index: int) -> None:
    net = Network("172.17.8.0/24", "172.17.8.1", index)
    ends = {names.cable(net, Node(f"core-{i}", f"172.17.8.{100 + i}", member=True)) for i in range(1, 100)}
    assert len(ends) == 99
    assert all(len(name) <= 15 for name in [*ends, names.bridge(net)])


def test_an_address_makes_its_mac() -> None:
    assert names.mac("172.17.8.101") == "02:00:ac:11:08:65"


def route(net: str, device: str) -> network.Route:
    return network.Route(IPv4Network(net), device)


def test_a_wider_route_is_no_conflict_the_same_net_is() -> None:
    docker = route("172.17.0.0/16", "docker0")
    assert network.conflict("172.17.8.0/24", "lab0", [docker]) is None
    other = route("172.17.8.0/24", "eth3")
    assert network.conflict("172.17.8.0/24", "lab0", [docker, other]) == other
    assert network.conflict("172.17.8.0/24", "lab0", [route("172.17.8.0/24", "lab0")]) is None
    assert network.conflict("172.17.8.0/24", "lab0", [route("172.17.8.5/32", "wg0")]) is not None


def test_routes_are_read_from_ip() -> None:
    text = '[{"dst":"default","dev":"eth0"},{"dst":"192.0.2.0/24","dev":"eth0"},{"dst":"10.1.1.1","dev":"lo"}]'
    assert network.parse_routes(text) == [route("192.0.2.0/24", "eth0"), route("10.1.1.1/32", "lo")]


def test_only_our_own_bridge_is_ours(planned: Callable[..., Cluster]) -> None:
    cluster = planned()
    mac = names.mac(cluster.network.gateway)
    assert network.is_ours(cluster, network.Link(names.alias(cluster), mac))
    assert network.is_ours(cluster, network.Link("", mac)), "its maker was killed before it had a name"
    assert not network.is_ours(cluster, network.Link("", "52:54:00:00:00:01"))
    assert not network.is_ours(cluster, network.Link("coreos-lab:/elsewhere/core", mac))
    assert not network.is_ours(cluster, None)


def test_rules_live_in_a_table_of_our_own(planned: Callable[..., Cluster]) -> None:
    rules = network.nat_rules(planned().network)
    assert "table ip coreos_lab_0 {" in rules
    assert "flush" not in rules
    assert "ip saddr 172.17.8.0/24 ip daddr != 172.17.8.0/24 masquerade" in rules


def test_what_nspawn_is_told(node: Node) -> None:
    call = machine.nspawn_arguments(
        node, Path("/n"), Path("/image"), Path("/n/user-data"), [Path("/dev/loop3")], resolved=True
    )
    assert "--bind=/dev/loop3:/dev/sdb" in call
    assert "--bind-ro=/image/usr:/usr" in call
    assert "--bind=/n/docker:/var/lib/docker" in call
    assert "--resolv-conf=replace-uplink" in call


@pytest.mark.parametrize(("release", "version"), [("6.18.44-x", (6, 18)), ("5.4", (5, 4)), ("odd", (0, 0))])
def test_kernel_versions(release: str, version: tuple[int, int]) -> None:
    assert doctor.parse_release(release) == version


def test_an_unknown_provider_lists_the_known() -> None:
    with pytest.raises(UsageError, match=r"--provider x: no such provider .there is: nspawn"):
        provider("x")
