"""Snapshots of a cluster: its nodes' disks at one moment, its plan and what was deployed, to go back to in seconds.

A snapshot is what a power cut at that moment would leave on the disks of all nodes at once; putting it back is powering
them on again. A snapshot is whole or not there: its folder is filled as a draft and renamed.
"""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from coreos_lab import cluster as doing
from coreos_lab import deployed, disk, events, node_states, scaling, store
from coreos_lab.chaos import faults, journal
from coreos_lab.clients import ssh
from coreos_lab.errors import LabError, UsageError
from coreos_lab.model import Cluster, FaultKind, Node, NodeState, to_json
from coreos_lab.providers.base import Provider, SnapshotProvider
from coreos_lab.store import ClusterFolder
from coreos_lab.units_of_measure import as_size, duration

LEAST_FREE = 512 * 1024**2  # bytes that must be left when a copy is done: nodes write on


@dataclass(frozen=True)
class Snapshot:
    """A snapshot that is there. `wall` is when it was taken, in seconds since the epoch; `size` in bytes."""

    name: str
    wall: float
    size: int
    nodes: int
    labs: tuple[str, ...]


def check_name(name: str) -> str:
    """A snapshot's name, or UsageError: it becomes a folder's name."""
    if not re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,39}", name):
        raise UsageError(
            f"{name}: not a snapshot's name",
            "use lower-case letters, digits, dots, hyphens and underscores, 40 at most, a letter or digit first",
        )
    return name


def able(provider: Provider) -> SnapshotProvider:
    """The provider as one that takes snapshots; UsageError when it cannot."""
    if not isinstance(provider, SnapshotProvider):
        raise UsageError(
            f"{provider.name}: this provider takes no snapshots", "use a cluster of the provider nspawn for them"
        )
    return provider


def _folder(cluster: Cluster, name: str) -> Path:
    return ClusterFolder(cluster.name).snapshots / name


def snapshots(cluster: Cluster) -> list[Snapshot]:
    """The snapshots of a cluster, the oldest first."""
    base = ClusterFolder(cluster.name).snapshots
    raw = [disk.read_json(path) for path in base.glob("*/snapshot.json") if not path.parent.name.startswith(".")]
    found = [Snapshot(each["name"], each["wall"], each["size"], each["nodes"], tuple(each["labs"])) for each in raw]
    return sorted(found, key=lambda each: each.wall)


def require(cluster: Cluster, name: str) -> Snapshot:
    """A snapshot by its name; UsageError lists the names that there are."""
    check_name(name)
    known = snapshots(cluster)
    for each in known:
        if each.name == name:
            return each
    there = ", ".join(each.name for each in known) or "none"
    raise UsageError(f"{name}: no such snapshot of cluster {cluster.name} (there is: {there})", "lab snapshot list")


def save(cluster: Cluster, provider: Provider, name: str) -> Snapshot:
    """Copies all nodes at one moment; they stand still for as long as that takes, and then go on.

    What sets them going again is in the undo journal before the first one is stopped.
    """
    able_provider = able(provider)
    check_name(name)
    final = _folder(cluster, name)
    if final.exists():
        raise UsageError(
            f"{name}: cluster {cluster.name} has a snapshot of that name",
            f"choose another name, or remove it: lab snapshot delete {name}",
        )
    _refuse_unsettled(cluster)
    states = node_states.of(cluster, provider)
    for node in cluster.nodes:
        if states[node.name] in (NodeState.ABSENT, NodeState.PAUSED):
            raise LabError(f"{node.name}: is {states[node.name].value}", "run 'lab up' first")
    size = able_provider.snapshot_size(cluster)
    _refuse_full(final.parent, size, 0)
    running = [node for node in cluster.nodes if states[node.name] is NodeState.RUNNING]
    with _draft(final) as draft:
        with _standing_still(cluster, able_provider, running), events.step("copy", message=as_size(size)):
            able_provider.save_snapshot(cluster, draft)
            disk.write_atomic(draft / "cluster.json", json.dumps(to_json(cluster), indent=2) + "\n")
            records = ClusterFolder(cluster.name).deployed
            if records.is_dir():
                shutil.copytree(records, draft / "deployed")  # with their times: they tell the order
        labs = tuple(deployed.names(cluster))
        made = Snapshot(name, time.time(), disk.size([draft]), len(cluster.nodes), labs)
        disk.write_atomic(draft / "snapshot.json", json.dumps(to_json(made), indent=2) + "\n")
    return made


def restore(cluster: Cluster, provider: Provider, name: str) -> Cluster:
    """Makes the cluster what it was: disks, nodes, labs. Faults on record are gone with what was broken.

    Which snapshot it is stands on the disk before the first node is touched: until all are put back none is started,
    and `lab up` and `lab heal` go on with it.
    """
    snapshot = require(cluster, name)
    able_provider = able(provider)
    if interrupted(cluster) != name:
        folder = ClusterFolder(cluster.name)
        _refuse_full(folder.path, snapshot.size, able_provider.snapshot_size(cluster))
        disk.write_atomic(folder.restoring, name + "\n")
    return _put_back(cluster, able_provider, name)


def interrupted(cluster: Cluster) -> str:
    """The snapshot that was being put back when that was interrupted, "" when there is none."""
    marker = ClusterFolder(cluster.name).restoring
    return marker.read_text(encoding="utf-8").strip() if marker.exists() else ""


def finish(cluster: Cluster, provider: Provider) -> Cluster:
    """Goes on with putting back a snapshot, where that was interrupted; returns the cluster as it is then planned."""
    name = interrupted(cluster)
    return restore(cluster, provider, name) if name else cluster


def delete(cluster: Cluster, name: str) -> None:
    """Removes a snapshot. While it is removed it is not one any more."""
    require(cluster, name)
    if interrupted(cluster) == name:
        raise LabError(f"{name}: is being put back", f"run 'lab snapshot restore {name}' first: it goes on with that")
    gone = _folder(cluster, f".{name}.gone")
    if gone.exists():
        disk.remove_tree(gone)
    _folder(cluster, name).rename(gone)
    disk.remove_tree(gone)


def _put_back(cluster: Cluster, provider: SnapshotProvider, name: str) -> Cluster:
    folder, source = ClusterFolder(cluster.name), _folder(cluster, name)
    target = store.read(source / "cluster.json")
    keep = {node.name for node in target.nodes}

    with events.step("power off", cluster.name), ThreadPoolExecutor(max_workers=len(cluster.nodes)) as pool:
        ssh.forget(cluster)
        list(pool.map(lambda node: provider.kill(cluster, node), cluster.nodes))
        provider.destroy(cluster, [node for node in cluster.nodes if node.name not in keep])
    store.save(target)
    with events.step("copy", name):
        provider.restore_snapshot(target, source)
    if folder.deployed.exists():
        disk.remove_tree(folder.deployed)
    if (source / "deployed").is_dir():
        shutil.copytree(source / "deployed", folder.deployed)
    folder.journal.unlink(missing_ok=True)
    folder.restoring.unlink()
    doing.bring_up(target, provider)
    scaling.wait_for_units(target)
    return target


def _refuse_unsettled(cluster: Cluster) -> None:
    name = interrupted(cluster)
    if name:
        raise LabError(f"{cluster.name}: snapshot {name} is being put back", "run 'lab up' first: it goes on with that")
    opened = journal.open_faults(cluster)
    if opened:
        raise LabError(f"{opened[0].node}: is broken ({opened[0].kind.value})", "run 'lab heal' first")
    if cluster.leaving:
        raise LabError(
            f"{cluster.leaving[0].name}: is being taken away", f"run 'lab scale {len(cluster.staying)}' first"
        )


def _refuse_full(folder: Path, size: int, freed: int) -> None:
    """LabError when a copy of that size has no room on a folder's file system, `freed` bytes of it being replaced."""
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free + freed
    if free < size + LEAST_FREE:
        raise LabError(
            f"{folder}: {as_size(free)} free, the snapshot needs {as_size(size)} and {as_size(LEAST_FREE)} to go on",
            "make room (lab snapshot list, lab snapshot delete), or move the state with LAB_STATE_DIR",
        )


@contextmanager
def _draft(final: Path) -> Iterator[Path]:
    """A folder to fill, renamed to `final` when the block ends well. What an interrupted one left is thrown away."""
    draft = final.with_name(f".{final.name}.draft")
    if draft.exists():
        disk.remove_tree(draft)
    draft.mkdir(parents=True)
    try:
        yield draft
    except BaseException:
        disk.remove_tree(draft)
        raise
    draft.rename(final)
    disk.sync_folder(final.parent)


@contextmanager
def _standing_still(cluster: Cluster, provider: Provider, nodes: list[Node]) -> Iterator[None]:
    """Stops the time of all nodes for the block. However it ends, they go on; however we end, `lab heal` sees to it."""
    stopped: list[journal.OpenFault] = []
    began = time.monotonic()
    try:
        for node in nodes:
            stopped.append(journal.record(cluster, FaultKind.PAUSE, node.name))
        with events.step("pause", message=f"{len(nodes)} nodes"):
            for node in nodes:
                provider.pause(cluster, node)
            yield
    finally:
        for node in nodes:
            provider.resume(cluster, node)
        seconds = time.monotonic() - began
        if nodes and seconds > duration(cluster.agent_ttl, "agent_ttl"):
            events.note("pause", f"{seconds:.1f} s: longer than fleet is patient, so units may have moved")
        if stopped:
            faults.heal(provider, cluster, stopped)
