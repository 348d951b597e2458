"""A node's cgroup: its power switch, its pause button, its limits and its meter.

Killing and freezing a whole version 2 cgroup are kernel features that need no controller, so they serve on hybrid
hosts as well, where memory and CPU still sit in version 1 hierarchies of their own.
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from coreos_lab import disk, wait
from coreos_lab.errors import LabError
from coreos_lab.model import Cluster, Node
from coreos_lab.providers.nspawn import names

# Version 1's names; in version 2 the last one is called io.
CONTROLLERS = ("memory", "cpu", "pids", "blkio")

TRIES = 100  # to make a cgroup: another command removes the lab's own once, when its last one has gone
ENDING = 60.0  # seconds for killed processes to be gone: many machines at once on a busy host need more than ten


@dataclass(frozen=True)
class Hierarchies:
    """Where the host's cgroups are mounted: version 2, and version 1's controllers by name."""

    v2: Path | None
    v1: dict[str, Path]


def parse_mounts(mounts: str) -> Hierarchies:
    """Reads /proc/self/mounts."""
    v2: Path | None = None
    v1: dict[str, Path] = {}
    for line in mounts.splitlines():
        _device, where, kind, options, *_rest = line.split()
        if kind == "cgroup2" and v2 is None:
            v2 = Path(where)
        elif kind == "cgroup":
            v1.update({option: Path(where) for option in options.split(",") if option in CONTROLLERS})
    return Hierarchies(v2, v1)


@cache
def hierarchies() -> Hierarchies:
    """The host's cgroup mounts, read once: they do not move."""
    return parse_mounts(Path("/proc/self/mounts").read_text(encoding="utf-8"))


def _v2() -> Path:
    found = hierarchies().v2
    if found is None:
        raise LabError("no cgroup version 2 hierarchy is mounted", "mount -t cgroup2 cgroup2 /sys/fs/cgroup/unified")
    return found


def folder(cluster: Cluster, node: Node) -> Path:
    """The cgroup that we make for a node where PID 1 is not systemd."""
    return _v2() / "coreos-lab" / cluster.name / node.name


def recorded(node_folder: Path) -> Path | None:
    """The cgroup that a node was last booted in."""
    try:
        return Path((node_folder / "cgroup").read_text(encoding="utf-8").strip())
    except OSError:
        return None


def runs_elsewhere(cluster: Cluster) -> bool:
    """Whether nodes of another state folder's cluster run in this cluster's cgroup: it may have the same name."""
    ours = (names.node_folder(cluster, node) for node in cluster.nodes)
    return populated(_v2() / "coreos-lab" / cluster.name) and not any(populated(recorded(each)) for each in ours)


def make(cluster: Cluster, node: Node) -> tuple[Path, list[Path]]:
    """Makes a node's cgroups; returns the one for `launch.sh`, and those of version 1 that its process must join."""
    unified = folder(cluster, node)
    _make_folder(unified)
    join: list[Path] = []
    v1 = hierarchies().v1
    for controller in CONTROLLERS:
        if controller in v1:
            path = v1[controller] / "coreos-lab" / cluster.name / node.name
            _make_folder(path)
            join.append(path)
        else:
            _enable(unified, "io" if controller == "blkio" else controller)
    return unified, join


def _make_folder(path: Path) -> None:
    """Makes a cgroup with those above it. One that is still empty may be removed meanwhile, by another's `remove`."""
    for _ in range(TRIES):
        with suppress(FileNotFoundError, FileExistsError):  # what it is to be made in has gone, also while it was there
            path.mkdir(parents=True, exist_ok=True)
            return
    raise LabError(f"{path}: cgroup cannot be made: what is above it is removed again and again", "try again")


def _enable(unified: Path, controller: str) -> None:
    """Enables a controller in every cgroup above. Where the host does not have it, setting a limit reports that."""
    for parent in (unified.parents[2], unified.parents[1], unified.parents[0]):
        try:
            (parent / "cgroup.subtree_control").write_text(f"+{controller}", encoding="utf-8")
        except OSError:
            return


def _events(path: Path) -> dict[str, str]:
    try:
        return dict(line.split() for line in (path / "cgroup.events").read_text(encoding="utf-8").splitlines())
    except OSError:
        return {}


def populated(path: Path | None) -> bool:
    """Whether a process runs in a cgroup or below it."""
    return path is not None and _events(path).get("populated") == "1"


def frozen(path: Path) -> bool:
    """Whether a cgroup is frozen as a whole."""
    return _events(path).get("frozen") == "1"


def kill(path: Path) -> None:
    """Kills every process of a cgroup at once, frozen or not, and returns when they are gone."""
    if not populated(path):
        return
    (path / "cgroup.kill").write_text("1", encoding="utf-8")
    wait.until(lambda: not populated(path), deadline=ENDING, interval=0.005, missing=f"{path}: processes do not end")


def freeze(path: Path, on: bool) -> None:
    """Freezes or thaws a cgroup and returns when that is done."""
    (path / "cgroup.freeze").write_text("1" if on else "0", encoding="utf-8")
    word = "freeze" if on else "thaw"
    wait.until(lambda: frozen(path) is on, deadline=10, interval=0.005, missing=f"{path}: processes do not {word}")


def leader(path: Path) -> int | None:
    """The host's process id of the node's PID 1."""
    try:
        pids = (path / "machine/payload/init.scope/cgroup.procs").read_text(encoding="utf-8").split()
    except OSError:
        return None
    return int(pids[0]) if pids else None


def memory(cluster: Cluster, node: Node, path: Path) -> int | None:
    """Bytes that a node's processes hold: anonymous and shared memory, without the page cache."""
    v1 = hierarchies().v1
    stat = v1["memory"] / "coreos-lab" / cluster.name / node.name if "memory" in v1 else path
    try:
        fields = dict(line.split() for line in (stat / "memory.stat").read_text(encoding="utf-8").splitlines())
    except OSError:
        return None
    if "memory" in v1:
        return int(fields.get("total_rss", 0)) + int(fields.get("total_shmem", 0))
    return int(fields.get("anon", 0)) + int(fields.get("shmem", 0)) if "anon" in fields else None


def cpu_time(path: Path | None) -> float | None:
    """Seconds of a processor that a version 2 cgroup has used; None where there is none. Needs no controller."""
    try:
        lines = (path / "cpu.stat").read_text(encoding="utf-8").splitlines() if path is not None else []
    except OSError:
        return None
    used = dict(line.split() for line in lines).get("usage_usec")
    return int(used) / 1e6 if used is not None else None


def remove(cluster: Cluster, node: Node) -> None:
    """Removes the cgroups that we made for a node, and the cluster's and the lab's own once they are empty."""
    for base in _bases():
        top = base / "coreos-lab"
        path = top / cluster.name / node.name
        for child, _folders, _files in os.walk(path, topdown=False):
            _remove_folder(Path(child))
        for parent in (top / cluster.name, top):
            with suppress(OSError):  # another node's is still in there, or another thread has removed it
                parent.rmdir()


def _remove_folder(path: Path) -> None:
    """A cgroup may stay busy for some milliseconds after its last process has ended."""

    def gone() -> bool:
        with suppress(OSError):
            path.rmdir()
        return not path.exists()

    wait.until(gone, deadline=5, interval=0.01, missing=f"{path}: cgroup stays busy")


def sweep(cluster: Cluster) -> None:
    """Removes the cluster's cgroups that hold no process.

    A command that was killed with all its processes leaves them, also of nodes that the next cluster of that name does
    not have.
    """
    for path in left(cluster):
        for child, _folders, _files in os.walk(path, topdown=False):
            with suppress(OSError):  # something runs in there, or below it
                Path(child).rmdir()
        with suppress(OSError):  # another cluster's cgroup is still in there
            path.parent.rmdir()


def left(cluster: Cluster) -> list[Path]:
    """The cluster's cgroups that are still there."""
    return [path for path in clusters() if path.name == cluster.name]


def clusters() -> list[Path]:
    """The cgroups of all clusters, one in each hierarchy; without those that systemd made for a node."""
    return [path for base in _bases() for path in disk.entries(base / "coreos-lab") if path.is_dir()]


def _bases() -> list[Path]:
    found = hierarchies()
    return [*([found.v2] if found.v2 else []), *found.v1.values()]
