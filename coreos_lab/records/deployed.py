"""Which labs are deployed on a cluster: one file for each, written before its first unit is submitted.

While another version of a lab is being deployed, its record holds both: whatever ends the command, everything that runs
is on record.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from coreos_lab import disk
from coreos_lab.model import Cluster, Lab, LabUnit, to_json
from coreos_lab.records.formats import Format, Record
from coreos_lab.records.store import ClusterFolder
from coreos_lab.units import unit_file

T = TypeVar("T")
FORMAT = Format("record of a deployed lab", key="format")  # its `version` is the lab's


@dataclass(frozen=True)
class Deployed:
    """What a lab has on a cluster: undeploying removes it, even when the lab's folder is gone.

    `containers` are the folders of its container images, by the images' names; `container_names` are what its units
    call the containers that they make. `version` is that of the lab as all of its units ran, "" until they do and once
    it is being taken off. Until they do, `runs` has the runs (invocations) from before, each with its file's hash.
    """

    name: str
    folder: str
    units: tuple[str, ...]  # everything submitted, templates too
    keys: tuple[str, ...]
    ports: tuple[int, ...]
    folders: tuple[str, ...] = ()
    disks: int = 0
    containers: dict[str, str] = field(default_factory=dict)
    container_names: tuple[str, ...] = ()
    version: str = ""
    runs: dict[str, str] = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=dict)  # what was set when it was deployed last


def _path(cluster: Cluster, name: str) -> Path:
    return ClusterFolder(cluster.name).deployed / f"{name}.json"


def of(lab: Lab) -> Deployed:
    """What a lab will have on a cluster."""
    return Deployed(
        lab.name,
        str(lab.folder),
        tuple(dict.fromkeys([*lab.unit_names, *(unit.name for unit in lab.units if unit.started)])),
        lab.keys,
        lab.ports,
        lab.folders,
        lab.disks,
        {name: str(folder) for name, folder in lab.containers.items()},
        tuple(dict.fromkeys(name for unit in lab.units for name in _container_names(unit))),
    )


def _container_names(unit: LabUnit) -> Iterator[str]:
    """The names of a unit's containers, as far as they are known before it runs."""
    from coreos_lab.units import docker_line

    options = unit_file.parse(unit_file.read(unit.path)) if unit.path.is_file() else []
    for started in unit.started:
        for container in docker_line.containers(options, started):
            if container.name and "$" not in container.name:
                yield container.name


def version_of(lab: Lab) -> str:
    """Identifies a version of a lab: a digest of its units and of what a verdict measures. Checks may change freely."""
    units = [f"{unit.name} {_instances(unit)} {unit.intermittent}\n{_text(unit)}" for unit in lab.units]
    return disk.content_hash([*units, json.dumps([to_json(lab.probes), to_json(lab.objectives)], sort_keys=True)])


def _instances(unit: LabUnit) -> str:
    """A template's instances as lab.yaml has them: the same on clusters of any size, and whatever was set."""
    if unit.counted:
        return f"{unit.counted.first} to {unit.counted.setting}"
    return "nodes" if unit.per_node else " ".join(unit.instances)


def _text(unit: LabUnit) -> str:
    return unit_file.read(unit.path) if unit.path.is_file() else ""


def begin(cluster: Cluster, lab: Lab, settings: Mapping[str, str]) -> None:
    """Records that a lab is about to be deployed, beside what an earlier version of it has on the cluster."""
    whole = _joined(of(lab), load(cluster, lab.name), everything=True)
    _write(cluster, replace(whole, settings=dict(settings)))


def left_out(cluster: Cluster, lab: Lab) -> tuple[str, ...]:
    """The units on a lab's record that this version of it lacks."""
    earlier, units = load(cluster, lab.name), of(lab).units
    return tuple(unit for unit in earlier.units if unit not in units) if earlier else ()


def without_left_out(cluster: Cluster, lab: Lab) -> None:
    """Records that the units of earlier versions are gone; keys and folders hold data, and stay until undeployment."""
    _write(cluster, _joined(of(lab), load(cluster, lab.name), everything=False))


def former_container_names(cluster: Cluster, lab: Lab) -> tuple[str, ...]:
    """The names on a lab's record that an earlier version gave its containers, and that this version does not use."""
    earlier, names = load(cluster, lab.name), of(lab).container_names
    return tuple(name for name in earlier.container_names if name not in names) if earlier else ()


def note_runs(cluster: Cluster, name: str, runs: dict[str, str]) -> None:
    """Adds runs from before a submission to a lab's record, where they stay until all of its units run."""
    if found := load(cluster, name):
        _write(cluster, replace(found, runs={**runs, **found.runs}))


def record(cluster: Cluster, lab: Lab, version: str = "") -> None:
    """Records that a lab is deployed, until it is undeployed.

    `version` is that of the files before they were submitted: the user may be editing them.
    """
    now = of(lab)
    whole = replace(_joined(now, load(cluster, lab.name), everything=False), container_names=now.container_names)
    _write(cluster, replace(whole, version=version or version_of(lab), runs={}))


def leaves(cluster: Cluster, record: Deployed) -> None:
    """Records that a lab is being undeployed: from now on some of it may be gone."""
    _write(cluster, replace(record, version=""))


def difference(cluster: Cluster, lab: Lab) -> str:
    """One line when a deployed lab differs from what its folder holds now; "" otherwise."""
    found = load(cluster, lab.name)
    if found is None or found.version == version_of(lab):
        return ""
    if not found.version:
        return f"{lab.name}: its deployment on {cluster.name} was not finished"
    return f"{lab.name}: its folder has changed since it was deployed on {cluster.name}"


def _joined(now: Deployed, earlier: Deployed | None, *, everything: bool) -> Deployed:
    """A version with what an earlier one leaves: its keys and folders, and with `everything` its units as well."""
    if earlier is None:
        return now
    kept = replace(
        now,
        keys=_both(now.keys, earlier.keys),
        folders=_both(now.folders, earlier.folders),
        disks=max(now.disks, earlier.disks),
        container_names=_both(now.container_names, earlier.container_names),
        runs=earlier.runs,
        settings=earlier.settings,
    )
    if not everything:
        return kept
    return replace(
        kept,
        units=_both(now.units, earlier.units),
        ports=_both(now.ports, earlier.ports),
        containers={**earlier.containers, **now.containers},
    )


def _both(some: Iterable[T], others: Iterable[T]) -> tuple[T, ...]:
    return tuple(dict.fromkeys([*some, *others]))


def _write(cluster: Cluster, what: Deployed) -> None:
    FORMAT.write(_path(cluster, what.name), to_json(what))


def load(cluster: Cluster, name: str) -> Deployed | None:
    """The record of a deployed lab, None where it is not deployed."""
    try:
        return FORMAT.read(_path(cluster, name), _parse)
    except FileNotFoundError:
        return None


def _parse(record: Record) -> Deployed:
    lists = {name: tuple(record.get(name, ())) for name in ("units", "keys", "ports", "folders", "container_names")}
    return Deployed(**{**record, **lists})


def names(cluster: Cluster) -> list[str]:
    """The deployed labs, in the order of their deployment."""
    folder = ClusterFolder(cluster.name).deployed
    ages: dict[str, float] = {}
    for path in disk.entries(folder):
        if path.suffix == ".json":
            with suppress(FileNotFoundError):  # undeployed meanwhile: a command that only reads holds no lock
                ages[path.stem] = path.stat().st_mtime
    return sorted(ages, key=lambda name: ages[name])


def records(cluster: Cluster) -> list[Deployed]:
    """The records of the deployed labs, in the order of their deployment."""
    return [found for name in names(cluster) if (found := load(cluster, name))]


def forget(cluster: Cluster, name: str) -> None:
    """Removes the record."""
    disk.remove_tree(ClusterFolder(cluster.name).units_of(name))
    _path(cluster, name).unlink(missing_ok=True)
