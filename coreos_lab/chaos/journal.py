"""The undo journal: what was broken and how to mend it, on the disk before it is broken.

One JSON object a line. A fault's line comes before the act, its `healed` line after the repair was seen; whatever
has no such line is still to be healed, whoever left it.
"""

from __future__ import annotations

import json
import os
import secrets
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from coreos_lab import disk
from coreos_lab.model import Cluster, FaultKind
from coreos_lab.store import ClusterFolder


@dataclass(frozen=True)
class OpenFault:
    """A fault on record: all that undoing needs. `wall` is seconds since the epoch, `before` what was so then."""

    id: str
    kind: FaultKind
    node: str
    wall: float
    values: dict[str, str] = field(default_factory=dict)
    before: str = ""


def _append(path: Path, entry: dict[str, object]) -> None:
    """Adds a line and returns when it is on the disk. One that a power cut tore does not swallow it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    torn = path.exists() and not path.read_bytes().endswith(b"\n")
    with path.open("a", encoding="utf-8") as out:
        out.write(("\n" if torn else "") + json.dumps(entry) + "\n")
        out.flush()
        os.fsync(out.fileno())
    disk.sync_folder(path.parent)


def record(
    cluster: Cluster, kind: FaultKind, node: str, values: Mapping[str, str] | None = None, before: str = ""
) -> OpenFault:
    """Writes a fault down. Only after this returns may it be injected."""
    fault = OpenFault(secrets.token_hex(4), kind, node, time.time(), dict(values or {}), before)
    _append(ClusterFolder(cluster.name).journal, asdict(fault))
    return fault


def healed(cluster: Cluster, fault: OpenFault) -> None:
    """Writes down that a fault is undone. With the last one the journal itself goes."""
    path = ClusterFolder(cluster.name).journal
    _append(path, {"healed": fault.id})
    if not open_faults(cluster):
        path.unlink()


def open_faults(cluster: Cluster) -> list[OpenFault]:
    """The faults that are not healed, the oldest first. A last line that a power cut tore is no fault yet."""
    path = ClusterFolder(cluster.name).journal
    found: dict[str, OpenFault] = {}
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if "healed" in entry:
            found.pop(entry["healed"], None)
        else:
            found[entry["id"]] = OpenFault(**{**entry, "kind": FaultKind(entry["kind"])})
    return list(found.values())
