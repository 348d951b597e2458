"""What a run is about: what was asked for, by which command, with which versions, on which host.

It is written before the run begins to act, so that a run that was killed can be told from others, too.
"""

from __future__ import annotations

import os
import platform
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from coreos_lab import disk, version
from coreos_lab.errors import LabError
from coreos_lab.model import Cluster
from coreos_lab.records import deployed
from coreos_lab.records.formats import Format, Record
from coreos_lab.units_of_measure import as_size

FILE = "about.json"
FORMAT = Format("description of a run")
LARGEST = 16 << 20  # bytes
SECONDS = 1e12  # no clock is beyond


@dataclass(frozen=True)
class About:
    """A run's description. `mono` and `wall` are seconds at its beginning, as in the run's other records.

    `what` is in words, `again` the command that does the same once more, with `files` that this command reads, by path.
    `judged`: a verdict is to come. `cluster` has what was planned of it, in words; `nodes` are the names of its nodes,
    `labs` the deployed labs with their versions. `programs` are the versions of one node's programs, with that node's
    name as "node"; empty where none answered, and in records from before they were asked for.
    """

    verb: str
    what: str
    again: str
    judged: bool
    mono: float
    wall: float
    lab: str
    host: dict[str, str]
    cluster: dict[str, str]
    nodes: tuple[str, ...]
    labs: dict[str, str]
    files: dict[str, str] = field(default_factory=dict)
    programs: dict[str, str] = field(default_factory=dict)


def describe(
    cluster: Cluster,
    verb: str,
    what: str,
    again: str,
    *,
    judged: bool,
    programs: dict[str, str],
    files: dict[str, str] | None = None,
) -> About:
    """The description of a run that begins now."""
    return About(
        verb,
        what,
        again,
        judged,
        time.monotonic(),
        time.time(),
        str(version.current()),
        host(),
        _planned(cluster),
        tuple(node.name for node in cluster.nodes),
        {record.name: record.version for record in deployed.records(cluster)},
        files or {},
        programs,
    )


def save(about: About, folder: Path) -> None:
    """Writes the description into a run's folder."""
    FORMAT.write(folder / FILE, asdict(about))


def load(folder: Path) -> About | None:
    """A run's description; None for a run from before there was one. OtherVersionError for one of another version."""
    try:
        return FORMAT.parse(_raw(folder), str(folder / FILE), _parse)
    except FileNotFoundError:
        return None


def verb(folder: Path) -> str:
    """The verb of a run, of a description of any version; "" where that is not known."""
    try:
        raw = _raw(folder)
    except (OSError, LabError):
        return ""
    found = raw.get("verb") if isinstance(raw, dict) else ""
    return found if isinstance(found, str) else ""


def _raw(folder: Path) -> object:
    """A run's description as JSON; it may come from another machine, and be anything."""
    path = folder / FILE
    if path.stat().st_size > LARGEST:
        raise LabError(f"{path}: larger than any description of a run")
    return disk.read_json(path)


def _parse(record: Record) -> About:
    texts = {name: str(record[name]) for name in ("verb", "what", "again", "lab")}
    times = {name: float(record[name]) for name in ("mono", "wall")}
    if not all(abs(each) < SECONDS for each in times.values()):  # nor is NaN
        raise ValueError("mono, wall: no times")
    tables = {
        name: {str(key): str(value) for key, value in table.items()}
        for name, table in {"programs": {}, **record}.items()
        if name in ("host", "cluster", "labs", "files", "programs")
    }
    nodes = tuple(map(str, record["nodes"]))
    return About(**{**record, **texts, **times, **tables, "nodes": nodes, "judged": record["judged"] is True})


def host() -> dict[str, str]:
    """The host, as far as it matters for how fast and in which way things happen; not its name."""
    found = {"kernel": platform.release(), "processors": f"{os.cpu_count()} ({platform.machine()})"}
    with suppress(OSError):
        found["system"] = platform.freedesktop_os_release().get("PRETTY_NAME", "")
    with suppress(OSError, ValueError):
        found["memory"] = as_size(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    return found


def _planned(cluster: Cluster) -> dict[str, str]:
    """What of a plan may explain how the run went."""
    limits = cluster.limits
    return {
        "name": cluster.name,
        "provider": cluster.provider,
        "nodes": f"{len(cluster.nodes)}, of which {len(cluster.members)} are members of etcd",
        "machine image": cluster.image or (cluster.box.name if cluster.box else ""),
        "agent-ttl": cluster.agent_ttl,
        **({"memory of a node": as_size(limits.memory)} if limits.memory else {}),
        **({"processors of a node": f"{limits.cpus:g}"} if limits.cpus else {}),
        "user namespaces": "yes" if cluster.userns else "no: root on a node is root of the host",
    }
