"""Cgroups of nodes, in folders in the place of the kernel's."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from coreos_lab.errors import LabError
from coreos_lab.model import Cluster, Limits
from coreos_lab.providers.nspawn import cgroup, limits

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


def test_a_host_without_cgroups() -> None:
    assert cgroup.parse_mounts("proc /proc proc rw 0 0\n") == cgroup.Hierarchies(None, {})


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


def test_a_node_gets_its_cgroup_while_another_cluster_removes_the_last_of_its_own(
    planned: Callable[..., Cluster], hierarchies: cgroup.Hierarchies, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lab's own cgroup is empty before it has the node's, and whoever removes a cluster removes an empty one."""
    cluster, make = planned(), os.mkdir
    removed: list[Path] = []

    def mkdir(path: Path, mode: int = 0o777) -> None:
        make(path, mode)
        if path.name == "coreos-lab" and path not in removed:
            path.rmdir()
            removed.append(path)

    monkeypatch.setattr(os, "mkdir", mkdir)
    hierarchies.v1["memory"] = (hierarchies.v2 or Path()).with_name("memory")
    unified, join = cgroup.make(cluster, cluster.nodes[0])
    assert len(removed) == 2
    assert [path.is_dir() for path in (unified, *join)] == [True, True]


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
