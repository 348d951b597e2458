"""A node's limits: set when it starts, changed while it runs, and how often the kernel refused it more.

Where systemd is PID 1 it owns the cgroups, and sets the limits for us (systemd.resource-control(5)); they are read
from the cgroup itself (the kernel's admin-guide/cgroup-v2 and admin-guide/cgroup-v1).
"""

from __future__ import annotations

import errno
from contextlib import suppress
from dataclasses import dataclass, fields
from pathlib import Path

from coreos_lab import hints, run
from coreos_lab.errors import LabError
from coreos_lab.model import Cluster, Limits, Node
from coreos_lab.providers.nspawn import cgroup, names

CPU_PERIOD = 100_000  # microseconds: the kernel's default
TRIES, STEP = 10, 0.05  # version 1 refuses a limit below what is in use: it is raised by 5 % up to ten times
NO_LIMIT = 2**60  # bytes: version 1 shows no limit as a very large number


@dataclass(frozen=True)
class Dial:
    """One resource: its controller, the file of its limit, systemd's property for it, and where refusals are counted.

    Files differ between versions 1 and 2. A count is a named line of its file, the whole file where the name is "".
    """

    controller: str
    v1: str
    v2: str
    setting: str
    refused_v1: tuple[str, str]
    refused_v2: tuple[str, str]


DIALS = {
    "cpus": Dial(
        "cpu", "cpu.cfs_quota_us", "cpu.max", "CPUQuota", ("cpu.stat", "nr_throttled"), ("cpu.stat", "nr_throttled")
    ),
    "memory": Dial(
        "memory", "memory.limit_in_bytes", "memory.max", "MemoryMax", ("memory.failcnt", ""), ("memory.events", "max")
    ),
    "tasks": Dial("pids", "pids.max", "pids.max", "TasksMax", ("pids.events", "max"), ("pids.events", "max")),
}


def start_with(cluster: Cluster, node: Node) -> None:
    """Sets the cluster's limits on a node's fresh cgroups. LabError where this host's cgroups cannot."""
    for resource in (field.name for field in fields(Limits)):
        value = getattr(cluster.limits, resource)
        if value is not None:
            _write(cluster, node, resource, value)


def change(cluster: Cluster, node: Node, limits: Limits) -> None:
    """Sets all limits of a node, if it has cgroups. LabError where one cannot be set."""
    if run.systemd_is_init():
        if not cgroup.populated(cgroup.recorded(names.node_folder(cluster, node))):
            return  # its unit ends with it, and the next one gets the plan's limits
        unit = names.systemd_unit(cluster, node)
        changed = [f"{dial.setting}={_of_systemd(name, getattr(limits, name))}" for name, dial in DIALS.items()]
        run.run(["systemctl", "set-property", "--runtime", unit, *changed])
        return
    for resource, dial in DIALS.items():
        value = getattr(limits, resource)
        if value is not None or _file(cluster, node, dial.controller, dial.v1, dial.v2).exists():
            _write(cluster, node, resource, value)


def now(cluster: Cluster, node: Node) -> Limits:
    """A node's limits now."""
    values = {}
    for resource, dial in DIALS.items():
        text = _read(_file(cluster, node, dial.controller, dial.v1, dial.v2))
        values[resource] = parse(resource, text)
    return Limits(**values)  # type: ignore[arg-type]


def parse(resource: str, text: str) -> int | float | None:
    """A limit from a cgroup's file; None for no limit."""
    word = text.split(maxsplit=1)[0] if text.split() else "max"
    if word == "max" or int(word) < 0 or int(word) >= NO_LIMIT:
        return None
    return int(word) / CPU_PERIOD if resource == "cpus" else int(word)


def usage(cluster: Cluster, node: Node) -> Limits:
    """What a node uses now: memory without file caches, and threads."""
    v1 = cgroup.hierarchies().v1
    held = _read(_file(cluster, node, "memory", "memory.usage_in_bytes", "memory.current"))
    stat = _counts(_file(cluster, node, "memory", "memory.stat", "memory.stat"))
    cached = stat.get("total_inactive_file" if "memory" in v1 else "inactive_file", 0)
    cached += stat.get("total_active_file" if "memory" in v1 else "active_file", 0)
    tasks = _read(_file(cluster, node, "pids", "pids.current", "pids.current"))
    return Limits(memory=max(0, int(held) - cached) if held else None, tasks=int(tasks) if tasks else None)


def refused(cluster: Cluster, node: Node, resource: str) -> int:
    """How often a node was refused more of a resource."""
    dial = DIALS[resource]
    old = dial.controller in cgroup.hierarchies().v1
    name, line = dial.refused_v1 if old else dial.refused_v2
    path = place(cluster, node, dial.controller) / name
    return _counts(path).get(line, 0) if line else int(_read(path) or 0)


def require(cluster: Cluster, node: Node, resource: str) -> None:
    """LabError where a running node's resource cannot be limited."""
    dial = DIALS[resource]
    require_file(node, dial.controller, _file(cluster, node, dial.controller, dial.v1, dial.v2))


def require_file(node: Node, controller: str, path: Path) -> None:
    """LabError where a node has no such controller: the host has none, or an older version of lab enabled none.

    systemd enables a controller for a node when a limit is set, if the host has it.
    """
    if run.systemd_is_init():
        found = cgroup.hierarchies()
        controllers = _read(found.v2 / "cgroup.controllers") if found.v2 else ""
        if controller not in (*controllers.split(), *found.v1):
            raise LabError(
                f"{node.name}: this host's cgroups have no {controller} controller", "use a kernel that has it"
            )
    elif not path.exists():
        anew = f"{hints.lab('break', node.name)} && {hints.lab('heal')}"
        raise LabError(
            f"{node.name}: its cgroup has no {controller} controller ({path} is missing)",
            f"if an older version of lab started the node, start it again: {anew}",
        )


def place(cluster: Cluster, node: Node, controller: str) -> Path:
    """The cgroup of a node in a controller's hierarchy."""
    v1 = cgroup.hierarchies().v1
    if controller in v1:
        return v1[controller] / "coreos-lab" / cluster.name / node.name
    return cgroup.recorded(names.node_folder(cluster, node)) or cgroup.folder(cluster, node)


def _is_v1(controller: str) -> bool:
    return controller in cgroup.hierarchies().v1


def _file(cluster: Cluster, node: Node, controller: str, v1: str, v2: str) -> Path:
    return place(cluster, node, controller) / (v1 if _is_v1(controller) else v2)


def _write(cluster: Cluster, node: Node, resource: str, value: float | None) -> None:
    dial = DIALS[resource]
    path = _file(cluster, node, dial.controller, dial.v1, dial.v2)
    for left in reversed(range(TRIES)):
        text = written(resource, value, v1=_is_v1(dial.controller))
        try:
            path.write_text(text, encoding="utf-8")
        except OSError as error:
            if error.errno == errno.EBUSY and value is not None and left:
                value *= 1 + STEP  # more is in use than the kernel could reclaim
                continue
            raise LabError(
                f"{path}: cannot set the limit {text}: {error.strerror}",
                "leave --memory and --cpus out: this host's cgroups do not have that controller",
            ) from None
        return


def written(resource: str, value: float | None, *, v1: bool) -> str:
    """A limit in the format of a cgroup's file."""
    if resource == "cpus":
        quota = "max" if value is None else str(int(value * CPU_PERIOD))
        return f"{quota} {CPU_PERIOD}" if not v1 else "-1" if value is None else quota
    if value is None:
        return "-1" if v1 and resource == "memory" else "max"
    return str(int(value))


def _of_systemd(resource: str, value: float | None) -> str:
    if resource == "cpus":
        return "" if value is None else f"{value * 100:g}%"
    return "infinity" if value is None else str(int(value))


def _read(path: Path) -> str:
    with suppress(OSError):
        return path.read_text(encoding="utf-8").strip()
    return ""


def _counts(path: Path) -> dict[str, int]:
    lines = (line.partition(" ") for line in _read(path).splitlines())
    return {name: int(count) for name, _space, count in lines if count.isdigit()}
