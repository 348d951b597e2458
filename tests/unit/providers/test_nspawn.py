"""The nspawn provider's pure parts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from coreos_lab.errors import LabError, UsageError
from coreos_lab.model import Cluster, Limits, Network, Node
from coreos_lab.providers import routes
from coreos_lab.providers.choose import provider
from coreos_lab.providers.nspawn import cgroup, doctor, limits, machine, names, network

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


def route(net: str, device: str) -> routes.Route:
    return routes.Route(IPv4Network(net), device)


def test_a_wider_route_is_no_conflict_the_same_net_is() -> None:
    docker = route("172.17.0.0/16", "docker0")
    assert routes.conflict("172.17.8.0/24", "lab0", [docker]) is None
    other = route("172.17.8.0/24", "eth3")
    assert routes.conflict("172.17.8.0/24", "lab0", [docker, other]) == other
    assert routes.conflict("172.17.8.0/24", "lab0", [route("172.17.8.0/24", "lab0")]) is None
    assert routes.conflict("172.17.8.0/24", "lab0", [route("172.17.8.5/32", "wg0")]) is not None


def test_routes_are_read_from_ip() -> None:
    text = '[{"dst":"default","dev":"eth0"},{"dst":"192.0.2.0/24","dev":"eth0"},{"dst":"10.1.1.1","dev":"lo"}]'
    assert routes.parse(text) == [route("192.0.2.0/24", "eth0"), route("10.1.1.1/32", "lo")]


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


def test_more_odd_kernel_versions() -> None:
    assert doctor.parse_release("6.1.0-18-amd64") == (6, 1)
    assert doctor.parse_release("") == (0, 0)
    assert doctor.parse_release("6") == (0, 0)
    assert doctor.parse_release("10.0.0") > doctor.LEAST_KERNEL > doctor.parse_release("5.9.1")


def test_a_host_without_cgroups() -> None:
    assert cgroup.parse_mounts("proc /proc proc rw 0 0\n") == cgroup.Hierarchies(None, {})


@pytest.fixture
def hierarchies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> cgroup.Hierarchies:
    """Folders in the place of cgroups. Their `v1` may be filled."""
    found = cgroup.Hierarchies(tmp_path / "v2", {})
    monkeypatch.setattr(cgroup, "hierarchies", lambda: found)
    return found


def test_limits_in_version_2(planned: Callable[..., Cluster], hierarchies: cgroup.Hierarchies) -> None:
    cluster = replace(planned(), limits=Limits(2**30, 1.5))
    path, join = cgroup.make(cluster, cluster.nodes[0])
    limits.start_with(cluster, cluster.nodes[0])
    assert path == (hierarchies.v2 or Path()) / "coreos-lab" / "core" / "core-01"
    assert join == []
    assert (path / "memory.max").read_text() == str(2**30)
    assert (path / "cpu.max").read_text() == "150000 100000"


def test_limits_on_a_hybrid_host(
    planned: Callable[..., Cluster], hierarchies: cgroup.Hierarchies, tmp_path: Path
) -> None:
    hierarchies.v1.update(memory=tmp_path / "memory", cpu=tmp_path / "cpu")
    cluster = replace(planned(), limits=Limits(2**30, 0.5))
    path, join = cgroup.make(cluster, cluster.nodes[0])
    limits.start_with(cluster, cluster.nodes[0])
    assert not (path / "memory.max").exists()
    assert len(join) == 2, "a process must join version 1's hierarchies by itself"
    assert (tmp_path / "memory/coreos-lab/core/core-01/memory.limit_in_bytes").read_text() == str(2**30)
    assert (tmp_path / "cpu/coreos-lab/core/core-01/cpu.cfs_quota_us").read_text() == "50000"


@pytest.mark.usefixtures("hierarchies")
def test_a_limit_that_cannot_be_set_is_said(planned: Callable[..., Cluster]) -> None:
    cluster = planned()
    path = cgroup.folder(cluster, cluster.nodes[0])
    (path / "memory.max").mkdir(parents=True)  # what cannot be written
    with pytest.raises(LabError, match=r"memory\.max: cannot set the limit 1073741824") as failed:
        limits.start_with(replace(cluster, limits=Limits(2**30)), cluster.nodes[0])
    assert "--memory" in failed.value.hint


def test_a_nodes_cgroup_goes_and_its_neighbours_stays(
    planned: Callable[..., Cluster], hierarchies: cgroup.Hierarchies
) -> None:
    cluster = planned()
    for node in cluster.nodes[:2]:
        (cgroup.folder(cluster, node) / "machine" / "payload").mkdir(parents=True)
    cgroup.remove(cluster, cluster.nodes[0])
    assert not cgroup.folder(cluster, cluster.nodes[0]).exists()
    assert cgroup.folder(cluster, cluster.nodes[1]).exists()
    assert len(cgroup.left(cluster)) == 1
    cgroup.remove(cluster, cluster.nodes[1])
    cgroup.remove(cluster, cluster.nodes[1])
    assert cgroup.left(cluster) == []
    assert list((hierarchies.v2 or Path()).iterdir()) == []


def test_empty_cgroups_of_nodes_that_nobody_knows_go_too(
    planned: Callable[..., Cluster], hierarchies: cgroup.Hierarchies
) -> None:
    """A session that ended with all its processes left them behind; this cluster has fewer nodes than that one had."""
    cluster = planned()
    stranger = cgroup.folder(cluster, cluster.nodes[0]).with_name("core-09")
    (stranger / "machine" / "payload").mkdir(parents=True)
    cgroup.sweep(cluster)
    assert not cgroup.left(cluster)


def test_a_cgroup_that_is_busy_is_left_and_told(
    planned: Callable[..., Cluster], hierarchies: cgroup.Hierarchies
) -> None:
    cluster = planned()
    busy = cgroup.folder(cluster, cluster.nodes[0])
    busy.mkdir(parents=True)
    (busy / "a-process").touch()
    cgroup.sweep(cluster)
    assert cgroup.left(cluster) == [busy.parent]


def test_what_a_cgroup_says_of_itself(tmp_path: Path) -> None:
    assert not cgroup.populated(None)
    assert not cgroup.populated(tmp_path)
    (tmp_path / "cgroup.events").write_text("populated 1\nfrozen 0\n")
    assert cgroup.populated(tmp_path)
    assert not cgroup.frozen(tmp_path)
    (tmp_path / "cgroup.events").write_text("populated 1\nfrozen 1\n")
    assert cgroup.frozen(tmp_path)


def test_where_a_node_was_booted_and_its_first_process(tmp_path: Path) -> None:
    assert cgroup.recorded(tmp_path) is None
    (tmp_path / "cgroup").write_text(f"{tmp_path}\n")
    assert cgroup.recorded(tmp_path) == tmp_path
    assert cgroup.leader(tmp_path) is None
    scope = tmp_path / "machine/payload/init.scope"
    scope.mkdir(parents=True)
    (scope / "cgroup.procs").write_text("4711\n4712\n")
    assert cgroup.leader(tmp_path) == 4711


@pytest.mark.usefixtures("hierarchies")
def test_the_page_cache_is_not_a_nodes_memory(planned: Callable[..., Cluster], tmp_path: Path) -> None:
    cluster = planned()
    assert cgroup.memory(cluster, cluster.nodes[0], tmp_path) is None
    (tmp_path / "memory.stat").write_text("anon 100\nfile 5000\nshmem 7\n")
    assert cgroup.memory(cluster, cluster.nodes[0], tmp_path) == 107


def test_addresses_with_their_prefix() -> None:
    assert names.with_prefix(Network("10.9.0.0/16", "10.9.0.1", 3), "10.9.0.101") == "10.9.0.101/16"


def test_an_alias_fits_and_tells_states_apart(
    planned: Callable[..., Cluster], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    here = names.alias(planned())
    monkeypatch.setenv("LAB_STATE_DIR", str(tmp_path / "elsewhere"))
    assert names.alias(planned()) != here
    monkeypatch.setenv("LAB_STATE_DIR", "/" + "x" * 300)
    assert len(names.alias(planned())) <= 255


def test_no_routes_at_all() -> None:
    assert routes.parse("") == routes.parse("[]") == []
    assert routes.parse('[{"type":"unreachable","dst":"10.0.0.0/8"}]') == []


@pytest.mark.parametrize("index", [0, 5])
def test_rules_can_be_loaded_again(index: int) -> None:
    lines = network.nat_rules(Network("10.9.9.0/24", "10.9.9.1", index)).splitlines()
    assert lines[0] == f"table ip coreos_lab_{index}"
    assert lines[1] == f"delete table ip coreos_lab_{index}"
    assert lines.count(f"table ip coreos_lab_{index} {{") == 1


def test_each_disk_gets_its_own_loop_device(planned: Callable[..., Cluster]) -> None:
    node = planned(disks=2).nodes[0]
    here = Path("/n")
    loops = [Path("/dev/loop8"), Path("/dev/loop3")]
    call = machine.nspawn_arguments(node, here, Path("/image"), here / "user-data", loops, resolved=False)
    assert [a for a in call if a.startswith("--bind=/dev/loop")] == [
        "--bind=/dev/loop8:/dev/sdb",
        "--bind=/dev/loop3:/dev/sdc",
    ]
    assert "--resolv-conf=replace-host" in call
    assert "--machine=core-01" in call
    assert "--bind-ro=/n/user-data:/var/lib/coreos-install/user_data" in call
    with pytest.raises(ValueError, match="shorter"):
        machine.nspawn_arguments(node, here, Path("/image"), here / "user-data", loops[:1], resolved=False)


def test_what_a_node_is_launched_with(planned: Callable[..., Cluster]) -> None:
    cluster = planned()
    call = machine.launch_arguments(cluster, cluster.nodes[1], Path("/n"), Path("/image"), "own")
    assert Path(call[1]).is_file()
    assert call[-5:] == ["lab0-102", "lab0", "172.17.8.102/24", "172.17.8.1", "02:00:ac:11:08:66"]
