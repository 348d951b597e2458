"""The fault journal: what was broken and how to repair it, on the disk before it is broken.

One JSON object a line. A fault's line is written before the act, its `healed` line after the repair was seen. A fault
without one is still to be healed, whichever command left it.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from coreos_lab import disk
from coreos_lab.model import Cluster, FaultKind
from coreos_lab.records.formats import Format, Record
from coreos_lab.records.store import ClusterFolder

FORMAT = Format("fault")


@dataclass(frozen=True)
class OpenFault:
    """A fault on record: all that undoing needs. `wall` is in seconds since the epoch; `before` is what was so then."""

    id: str
    kind: FaultKind
    node: str
    wall: float
    values: dict[str, str] = field(default_factory=dict)
    before: str = ""


def _append(path: Path, entry: dict[str, object]) -> None:
    """Adds a line and returns when it is on the disk. A last line that a power cut tore does not spoil it."""
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
    """Records a fault. Only after this returns may it be injected."""
    fault = OpenFault(secrets.token_hex(4), kind, node, time.time(), dict(values or {}), before)
    _append(ClusterFolder(cluster.name).journal, FORMAT.stamped(asdict(fault)))
    return fault


def healed(cluster: Cluster, fault: OpenFault) -> None:
    """Records that a fault is undone. With the last fault the journal itself is removed."""
    path = ClusterFolder(cluster.name).journal
    if all(each.id == fault.id for each in open_faults(cluster)):
        path.unlink(missing_ok=True)
        disk.sync_folder(path.parent)
        return
    try:
        _append(path, {"healed": fault.id})
    except OSError:  # a full disk
        _strike(path, fault.id)


def _strike(path: Path, fault: str) -> None:
    """Turns a fault's line into a comment, in place: that needs no disk space."""
    text = path.read_bytes()
    at = next((line.start() for line in re.finditer(rb"^.+$", text, re.M) if _id(line[0]) == fault), None)
    if at is not None:
        with path.open("r+b") as out:
            out.seek(at)
            out.write(b"#")
            out.flush()
            os.fsync(out.fileno())


def _id(line: bytes) -> str:
    try:
        return str(json.loads(line).get("id"))
    except ValueError:
        return ""


def open_faults(cluster: Cluster) -> list[OpenFault]:
    """The faults that are not healed, the oldest first. A last line that a power cut tore is no fault yet.

    Raises OtherVersionError for a fault that this version of lab does not understand, and so cannot undo.
    """
    path = ClusterFolder(cluster.name).journal
    found: dict[str, OpenFault] = {}
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines() if path.exists() else []
    for number, line in enumerate(lines, 1):
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if isinstance(entry, dict) and "healed" in entry:
            found.pop(entry["healed"], None)
        else:
            fault = FORMAT.parse(entry, f"{path}:{number}", _parse)
            found[fault.id] = fault
    return list(found.values())


def _parse(record: Record) -> OpenFault:
    return OpenFault(**{**record, "kind": FaultKind(record["kind"])})
