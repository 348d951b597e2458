"""Limits how fast a node reads and writes a block device, through its cgroup of either version."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from coreos_lab import run
from coreos_lab.errors import LabError
from coreos_lab.model import Cluster, Node
from coreos_lab.providers.nspawn import cgroup, limits, names

V1 = ("blkio.throttle.read_bps_device", "blkio.throttle.write_bps_device")
V2 = ("io.max",)
SETTINGS = ("IOReadBandwidthMax", "IOWriteBandwidthMax")


def require(cluster: Cluster, node: Node) -> None:
    """LabError where a running node's disks cannot be slowed down."""
    limits.require_file(node, "blkio" if _files() == V1 else "io", limits.place(cluster, node, "blkio") / _files()[0])


def _files() -> tuple[str, ...]:
    return V1 if "blkio" in cgroup.hierarchies().v1 else V2


def change(cluster: Cluster, node: Node, device: Path, rate: int | None) -> None:
    """Sets the limit, in bytes a second each way; None removes it. LabError where the node's cgroup refuses it."""
    if run.systemd_is_init():
        if not cgroup.populated(cgroup.recorded(names.node_folder(cluster, node))):
            return  # the node does not run: its unit is gone, and the limit with it
        unit = names.systemd_unit(cluster, node)
        value = "" if rate is None else f"{device} {rate}"
        run.run(["systemctl", "set-property", "--runtime", unit, *(f"{name}={value}" for name in SETTINGS)])
        return
    folder = limits.place(cluster, node, "blkio")
    if not folder.is_dir():
        return  # the node does not run, so it has no limit
    for name in _files():
        try:
            (folder / name).write_text(written(number(device), rate, v1=name in V1), encoding="utf-8")
        except OSError as error:
            raise LabError(f"{folder / name}: the limit cannot be set: {error.strerror}") from None


def written(device: str, rate: int | None, *, v1: bool) -> str:
    """A limit in the format of a cgroup's file; `device` is a major and minor number."""
    if v1:
        return f"{device} {rate or 0}"
    value = "max" if rate is None else str(rate)
    return f"{device} rbps={value} wbps={value}"


def now(cluster: Cluster, node: Node, device: Path) -> int | None:
    """The limit for reads, in bytes a second; None for no limit."""
    folder = limits.place(cluster, node, "blkio")
    text = ""
    with suppress(OSError):
        text = (folder / _files()[0]).read_text(encoding="utf-8")
    return parse(text, number(device))


def parse(text: str, device: str) -> int | None:
    """A device's limit in the file of either version."""
    for line in text.splitlines():
        words = line.split()
        if words[0] == device:
            value = words[1].removeprefix("rbps=")
            return None if value == "max" else int(value)
    return None


def number(device: Path) -> str:
    """A block device's major and minor number, as 7:3."""
    return Path(f"/sys/block/{device.name}/dev").read_text(encoding="utf-8").strip()
