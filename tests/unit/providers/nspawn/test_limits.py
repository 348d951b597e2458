"""What a node may use: how either version of cgroups says it."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path

import pytest

from coreos_lab import run
from coreos_lab.errors import LabError
from coreos_lab.model import Cluster, Limits
from coreos_lab.providers.nspawn import cgroup, limits, throttle


@pytest.fixture
def hierarchies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> cgroup.Hierarchies:
    """Folders in the place of cgroups."""
    found = cgroup.Hierarchies(tmp_path / "v2", {})
    monkeypatch.setattr(cgroup, "hierarchies", lambda: found)
    monkeypatch.setattr(run, "systemd_is_init", lambda: False)
    return found


@pytest.mark.parametrize(
    ("resource", "value", "v1", "v2"),
    [
        ("cpus", 0.5, "50000", "50000 100000"),
        ("cpus", None, "-1", "max 100000"),
        ("memory", 2**20, "1048576", "1048576"),
        ("memory", None, "-1", "max"),
        ("tasks", 7, "7", "7"),
        ("tasks", None, "max", "max"),
    ],
)
def test_a_limit_is_written_and_read_again(resource: str, value: float | None, v1: str, v2: str) -> None:
    assert limits.written(resource, value, v1=True) == v1
    assert limits.written(resource, value, v1=False) == v2
    assert limits.parse(resource, v1) == value
    assert limits.parse(resource, v2) == value


def test_version_1_says_no_limit_by_a_very_large_number() -> None:
    assert limits.parse("memory", "9223372036854771712") is None
    assert limits.parse("memory", "") is None


def test_a_running_node_is_squeezed_and_let_go(
    planned: Callable[..., Cluster], hierarchies: cgroup.Hierarchies, tmp_path: Path
) -> None:
    hierarchies.v1.update(memory=tmp_path / "memory", cpu=tmp_path / "cpu", pids=tmp_path / "pids")
    cluster = planned()
    node = cluster.nodes[0]
    cgroup.make(cluster, node)
    for controller, file in (("memory", "memory.limit_in_bytes"), ("cpu", "cpu.cfs_quota_us"), ("pids", "pids.max")):
        (tmp_path / controller / "coreos-lab" / "core" / "core-01" / file).write_text("-1")
    squeezed = Limits(memory=2**26, cpus=0.05, tasks=3)
    limits.change(cluster, node, squeezed)
    assert limits.now(cluster, node) == squeezed
    limits.change(cluster, node, Limits())
    assert limits.now(cluster, node) == Limits()


@pytest.mark.usefixtures("hierarchies")
def test_what_no_longer_is_needs_no_letting_go(planned: Callable[..., Cluster]) -> None:
    cluster = planned()
    limits.change(cluster, cluster.nodes[0], Limits())
    assert limits.now(cluster, cluster.nodes[0]) == Limits()
    with pytest.raises(LabError, match="core-01: its cgroup has no pids controller"):
        limits.require(cluster, cluster.nodes[0], "tasks")
    with pytest.raises(LabError, match="core-01: its cgroup has no io controller"):
        throttle.require(cluster, cluster.nodes[0])


def test_what_a_node_uses_and_was_refused(
    planned: Callable[..., Cluster], hierarchies: cgroup.Hierarchies, tmp_path: Path
) -> None:
    hierarchies.v1.update(memory=tmp_path / "memory")
    cluster = planned()
    node = cluster.nodes[0]
    unified, (memory,) = cgroup.make(cluster, node)
    (memory / "memory.usage_in_bytes").write_text("5000\n")
    (memory / "memory.stat").write_text("total_rss 1\ntotal_inactive_file 700\ntotal_active_file 300\n")
    (memory / "memory.failcnt").write_text("4\n")
    (unified / "pids.current").write_text("88\n")
    (unified / "pids.events").write_text("max 2\n")
    assert limits.usage(cluster, node) == Limits(memory=4000, tasks=88)
    assert limits.refused(cluster, node, "memory") == 4
    assert limits.refused(cluster, node, "tasks") == 2
    assert limits.refused(cluster, node, "cpus") == 0


def test_systemd_is_asked_where_it_owns_the_cgroups(
    planned: Callable[..., Cluster], monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[list[str]] = []
    monkeypatch.setattr(run, "systemd_is_init", lambda: True)
    monkeypatch.setattr(throttle, "number", lambda _device: "7:3")
    monkeypatch.setattr(run, "run", calls.append)
    monkeypatch.setattr(cgroup, "populated", lambda _path: True)
    cluster = planned()
    node = cluster.nodes[0]
    limits.change(cluster, node, Limits(memory=2**20, cpus=0.05))
    limits.change(cluster, node, Limits())
    throttle.change(cluster, node, Path("/dev/loop3"), 1000)
    throttle.change(cluster, node, Path("/dev/loop3"), None)
    assert {" ".join(call[:4]) for call in calls} == {
        "systemctl set-property --runtime coreos-lab-core-core-01.service"
    }
    assert [call[4:] for call in calls] == [
        ["CPUQuota=5%", "MemoryMax=1048576", "TasksMax=infinity"],
        ["CPUQuota=", "MemoryMax=infinity", "TasksMax=infinity"],
        ["IOReadBandwidthMax=/dev/loop3 1000", "IOWriteBandwidthMax=/dev/loop3 1000"],
        ["IOReadBandwidthMax=", "IOWriteBandwidthMax="],
    ]
    calls.clear()
    monkeypatch.setattr(cgroup, "populated", lambda _path: False)
    limits.change(cluster, node, Limits())
    throttle.change(cluster, node, Path("/dev/loop3"), None)
    assert calls == [], "systemd knows no unit of a node that is off, so its fault would stay on record"


def test_a_host_without_a_controller_is_told_before_anything_is_limited(
    planned: Callable[..., Cluster], hierarchies: cgroup.Hierarchies, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "systemd_is_init", lambda: True)
    assert hierarchies.v2
    hierarchies.v2.mkdir()
    (hierarchies.v2 / "cgroup.controllers").write_text("memory pids\n")
    cluster = planned()
    limits.require(cluster, cluster.nodes[0], "memory")
    with pytest.raises(LabError, match="core-01: this host's cgroups have no cpu controller"):
        limits.require(cluster, cluster.nodes[0], "cpus")


@pytest.mark.parametrize(
    ("rate", "v1", "v2"), [(1000, "7:3 1000", "7:3 rbps=1000 wbps=1000"), (None, "7:3 0", "7:3 rbps=max wbps=max")]
)
def test_a_devices_rate(rate: int | None, v1: str, v2: str) -> None:
    assert throttle.written("7:3", rate, v1=True) == v1
    assert throttle.written("7:3", rate, v1=False) == v2
    assert throttle.parse(f"7:1 5\n{v1}\n", "7:3") == (rate or 0)
    assert throttle.parse(f"7:1 rbps=5 wbps=5\n{v2} riops=max\n", "7:3") == rate
    assert throttle.parse("", "7:3") is None


def test_memory_that_is_in_use_cannot_be_taken_back_so_a_bit_more_is_left(
    planned: Callable[..., Cluster], hierarchies: cgroup.Hierarchies, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = planned()
    tried: list[int] = []

    def write_text(_path: Path, text: str, **_more: object) -> int:
        tried.append(int(text))
        if tried[-1] < 1100:
            raise OSError(errno.EBUSY, "Device or resource busy")
        return len(text)

    monkeypatch.setattr(Path, "write_text", write_text)
    limits.change(cluster, cluster.nodes[0], Limits(memory=1000))
    assert tried[:2] == [1000, 1050]
    assert tried[-1] >= 1100

    monkeypatch.setattr(Path, "write_text", lambda *_args, **_more: (_ for _ in ()).throw(OSError(errno.EBUSY, "busy")))
    with pytest.raises(LabError, match="cannot set the limit"):
        limits.change(cluster, cluster.nodes[0], Limits(memory=1000))
