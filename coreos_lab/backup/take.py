"""A backup of a cluster: etcd's data first, then each deployed lab's, and the manifest when all of it is there."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from coreos_lab import hints
from coreos_lab.backup import data, etcd_copy, manifest
from coreos_lab.backup.manifest import DataPart, LabPart, Manifest
from coreos_lab.clients import etcd
from coreos_lab.disk import shown
from coreos_lab.errors import LabError, UsageError
from coreos_lab.model import Cluster, Lab, Node
from coreos_lab.observed.observation import Observation, observe
from coreos_lab.providers.base import Provider
from coreos_lab.records import deployed


@dataclass(frozen=True)
class Source:
    """Where etcd is copied: a member, and whether what it has may be `stale`."""

    member: Node
    stale: bool


def source(now: Observation, *, stale: bool) -> Source:
    """The member whose data is copied: a healthy one that is not broken on purpose.

    LabError where etcd has no majority and a stale copy was not asked for, or where no member runs at all.
    """
    running = [node for node in now.running if node.member]
    well = [node for node in running if node.name not in now.broken] or running
    healthy = [node for node in well if etcd.is_healthy(node.address)]
    if healthy:
        return Source(healthy[0], stale=False)
    if not running:
        raise LabError(
            f"{now.cluster.name}: no member of etcd runs, so there is nothing to copy",
            f"start one with '{hints.lab('up')}', or '{hints.lab('heal')}' if you broke it",
        )
    if not stale:
        raise LabError(
            f"{now.cluster.name}: etcd has no majority: what a member has may be stale",
            f"'{hints.lab('backup', '--stale')}' copies it all the same; labs' data may be older or newer than that",
        )
    return Source(well[0], stale=True)


def make_folder(folder: Path) -> None:
    """Makes the folder of a backup, for its owner alone: etcd may have secrets. UsageError unless it is empty."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        there = next(folder.iterdir(), None)
    except OSError as error:
        raise UsageError(f"{shown(folder)}: {error.strerror}", "name another folder: --output") from None
    if there is not None:
        raise UsageError(f"{shown(folder)}: is not empty", "name a folder that is empty or not there: --output")
    with suppress(PermissionError):  # a file system without modes, such as FAT
        folder.chmod(0o700)  # one that was there already


def file_of(lab: str, name: str, taken: Collection[str]) -> str:
    """The file for a lab's data. Both names may have hyphens, so that two pairs of names may come to the same text."""
    found = f"{lab}-{name}"
    return found if found not in taken else file_of(lab, f"{name}-{len(taken)}", taken)


def take(cluster: Cluster, provider: Provider, labs: Sequence[Lab], folder: Path, *, stale: bool) -> Manifest:
    """Takes a backup into an empty folder, and returns its manifest.

    What is taken is of one moment each, not all of the same one: etcd's keys are older than the labs' data.
    """
    now = observe(cluster, provider)
    where = source(now, stale=stale)
    records = {record.name: record for record in deployed.records(cluster)}
    began = time.time()
    copied = etcd_copy.take(cluster, where.member, folder, stale=where.stale)
    nodes = [node for node in now.running if node.name not in now.broken] or now.running
    parts: list[DataPart] = []
    for lab in labs:
        for backup in lab.backups:
            target = file_of(lab.name, backup.name, [part.file.name for part in parts])
            parts.append(data.dump(cluster, nodes, lab, backup, folder / target))
    made = Manifest(
        cluster.name,
        cluster.provider,
        len(cluster.nodes),
        began,
        copied,
        tuple(LabPart(lab.name, str(lab.folder), dict(records[lab.name].settings)) for lab in labs),
        tuple(parts),
    )
    manifest.write(made, folder)
    return made
