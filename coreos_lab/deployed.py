"""Which labs a cluster carries: one file a lab, written before its first unit is submitted."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from coreos_lab import disk
from coreos_lab.model import Cluster, Lab
from coreos_lab.store import ClusterFolder


@dataclass(frozen=True)
class Deployed:
    """What was deployed, as far as undeploying needs it, even when the lab's folder is gone."""

    name: str
    folder: str
    units: tuple[str, ...]  # everything submitted, templates too
    keys: tuple[str, ...]
    ports: tuple[int, ...]
    folders: tuple[str, ...] = ()
    disks: int = 0


def _path(cluster: Cluster, name: str) -> Path:
    return ClusterFolder(cluster.name).deployed / f"{name}.json"


def record(cluster: Cluster, lab: Lab) -> None:
    """Writes down that a lab is on the cluster, from now until it is undeployed."""
    units = tuple(dict.fromkeys([*lab.unit_names, *(unit.name for unit in lab.units)]))
    value: dict[str, object] = {
        "name": lab.name,
        "folder": str(lab.folder),
        "units": units,
        "keys": lab.keys,
        "ports": lab.ports,
    }
    value |= {"folders": lab.folders, "disks": lab.disks}
    disk.write_atomic(_path(cluster, lab.name), json.dumps(value, indent=2) + "\n")


def load(cluster: Cluster, name: str) -> Deployed | None:
    """The record of a deployed lab, None where it is not deployed."""
    path = _path(cluster, name)
    if not path.exists():
        return None
    raw = disk.read_json(path)
    lists = {name: tuple(raw.get(name, ())) for name in ("units", "keys", "ports", "folders")}
    return Deployed(**{**raw, **lists})


def names(cluster: Cluster) -> list[str]:
    """The labs on the cluster, the one deployed first first."""
    folder = ClusterFolder(cluster.name).deployed
    paths = sorted(folder.glob("*.json"), key=lambda path: path.stat().st_mtime) if folder.is_dir() else []
    return [path.stem for path in paths]


def records(cluster: Cluster) -> list[Deployed]:
    """The records of all labs on the cluster, the one deployed first first."""
    return [found for name in names(cluster) if (found := load(cluster, name))]


def forget(cluster: Cluster, name: str) -> None:
    """Removes the record."""
    disk.remove_tree(ClusterFolder(cluster.name).units_of(name))
    _path(cluster, name).unlink(missing_ok=True)
