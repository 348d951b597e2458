"""Snapshots of a cluster: its nodes' disks at one moment, its plan and what was deployed, restored in seconds.

A snapshot is what a power cut at that moment would leave on the disks of all nodes; after a restore the nodes boot as
after that power cut. A snapshot is whole or absent: its folder is filled as a draft and renamed. One long module
because saving, restoring and what refuses them share that folder's layout.
"""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from coreos_lab import disk, events, hints, interrupts
from coreos_lab.clients import host_keys, ssh
from coreos_lab.cluster import lifecycle, running_units
from coreos_lab.errors import LabError, UsageError
from coreos_lab.model import Cluster, FaultKind, Node, NodeState, to_json
from coreos_lab.observed.observation import Observation, observe
from coreos_lab.providers import cables
from coreos_lab.providers.base import PausingProvider, Provider, SnapshotProvider
from coreos_lab.records import deployed, fault_journal, store
from coreos_lab.records.formats import Format, Record
from coreos_lab.records.store import ClusterFolder
from coreos_lab.spelling import counted
from coreos_lab.units_of_measure import as_size, duration

# Undoes the faults given, and strikes off the record those that are undone: chaos.healing.heal.
Heal = Callable[[Provider, Cluster, Sequence[fault_journal.OpenFault]], Cluster]
FORMAT = Format("record of a snapshot")
LEAST_FREE = 512 * 1024**2  # bytes that must be left when a copy is done: nodes write on


@dataclass(frozen=True)
class Snapshot:
    """A snapshot. `wall` is when it was taken, in seconds since the epoch; `size` in bytes."""

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
    paths = [path for path in base.glob("*/snapshot.json") if not path.parent.name.startswith(".")]
    return sorted((FORMAT.read(path, _parse) for path in paths), key=lambda each: each.wall)


def _parse(record: Record) -> Snapshot:
    return Snapshot(**{**record, "labs": tuple(record["labs"])})


def require(cluster: Cluster, name: str) -> Snapshot:
    """A snapshot by its name; UsageError lists the names that there are."""
    check_name(name)
    taken = snapshots(cluster)
    for each in taken:
        if each.name == name:
            return each
    there = ", ".join(each.name for each in taken) or "none"
    raise UsageError(
        f"{name}: no such snapshot of cluster {cluster.name} (there is: {there})", hints.lab("snapshot", "list")
    )


def save(cluster: Cluster, provider: Provider, name: str, heal: Heal) -> Snapshot:
    """Copies all nodes at one moment. They are paused for as long as that takes; `heal` waits until they serve again.

    The fault journal has a pause of every node before the first node is paused.
    """
    able_provider = able(provider)
    check_name(name)
    final = _folder(cluster, name)
    if final.exists():
        raise UsageError(
            f"{name}: cluster {cluster.name} has a snapshot of that name",
            f"choose another name, or remove it: {hints.lab('snapshot', 'delete', name)}",
        )
    now = observe(cluster, provider)
    _refuse_unsettled(now)
    size = able_provider.snapshot_size(cluster)
    _refuse_full(final.parent, size, 0)
    with interrupts.orderly(), _draft(final) as draft:
        with _standing_still(cluster, able_provider, now.running, heal), events.step("copy", message=as_size(size)):
            able_provider.save_snapshot(cluster, draft)
            store.write(cluster, draft / "cluster.json")
            records = ClusterFolder(cluster.name).deployed
            if records.is_dir():
                shutil.copytree(records, draft / "deployed")  # with their times: they tell the order
        made = Snapshot(name, time.time(), disk.size([draft]), len(cluster.nodes), tuple(deployed.names(cluster)))
        FORMAT.write(draft / "snapshot.json", to_json(made))
    return made


def restore(cluster: Cluster, provider: Provider, name: str) -> Cluster:
    """Makes the cluster what it was: disks, nodes, labs. Faults on record are gone with what was broken.

    The name of the snapshot is on the disk before the first node is touched: until all disks are restored no node is
    started, and `lab up` and `lab heal` continue the restore.
    """
    snapshot = require(cluster, name)
    able_provider = able(provider)
    if interrupted(cluster) != name:
        folder = ClusterFolder(cluster.name)
        _refuse_full(folder.path, snapshot.size, able_provider.snapshot_size(cluster))
        disk.write_atomic(folder.restoring, name + "\n")
    return _restore(cluster, able_provider, name)


def interrupted(cluster: Cluster) -> str:
    """The snapshot whose restore was interrupted, "" when there is none."""
    marker = ClusterFolder(cluster.name).restoring
    return marker.read_text(encoding="utf-8").strip() if marker.exists() else ""


def finish(cluster: Cluster, provider: Provider) -> Cluster:
    """Continues an interrupted restore, if there is one; returns the cluster as it is planned then."""
    name = interrupted(cluster)
    return restore(cluster, provider, name) if name else cluster


def delete(cluster: Cluster, name: str) -> None:
    """Removes a snapshot: at once it is no longer listed, then its files go."""
    require(cluster, name)
    if interrupted(cluster) == name:
        raise LabError(
            f"{name}: is being restored", f"run '{hints.lab('snapshot', 'restore', name)}' first: it continues that"
        )
    disk.remove_at_once(_folder(cluster, name))


def _restore(cluster: Cluster, provider: SnapshotProvider, name: str) -> Cluster:
    folder, source = ClusterFolder(cluster.name), _folder(cluster, name)
    target = store.read(source / "cluster.json")
    keep = {node.name for node in target.nodes}
    with events.step("power off", cluster.name), ThreadPoolExecutor(max_workers=len(cluster.nodes)) as pool:
        ssh.forget(cluster)
        host_keys.forget(cluster, (*cluster.nodes, *target.nodes))
        list(pool.map(lambda node: provider.kill(cluster, node), cluster.nodes))
        provider.destroy(cluster, [node for node in cluster.nodes if node.name not in keep])
    store.save(target)
    with events.step("copy", name):
        provider.restore_snapshot(target, source)
    cables.mend_all(cluster.network)  # they are the host's: without the journal nothing would undo them
    if folder.deployed.exists():
        disk.remove_tree(folder.deployed)
    if (source / "deployed").is_dir():
        shutil.copytree(source / "deployed", folder.deployed)
    folder.journal.unlink(missing_ok=True)
    folder.restoring.unlink()
    lifecycle.bring_up(target, provider)
    running_units.wait_for(target, running_units.wanted(target))
    return target


def _refuse_unsettled(now: Observation) -> None:
    """LabError while something is broken, half done or off: a copy would not be a whole cluster."""
    cluster, name = now.cluster, interrupted(now.cluster)
    if name:
        raise LabError(
            f"{cluster.name}: snapshot {name} is being restored", f"run '{hints.lab('up')}' first: it continues that"
        )
    if now.faults:
        fault = now.faults[0]
        raise LabError(f"{fault.node}: is broken ({fault.kind.value})", f"run '{hints.lab('heal')}' first")
    if cluster.leaving:
        raise LabError(
            f"{cluster.leaving[0].name}: is being taken away", f"run '{hints.lab('scale', len(cluster.staying))}' first"
        )
    for node in cluster.nodes:
        if now.state(node) in (NodeState.ABSENT, NodeState.PAUSED):
            raise LabError(f"{node.name}: is {now.state(node).value}", f"run '{hints.lab('up')}' first")


def _refuse_full(folder: Path, size: int, freed: int) -> None:
    """LabError when a copy of `size` bytes, which replaces `freed` bytes, has no room on a folder's file system."""
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free + freed
    if free < size + LEAST_FREE:
        raise LabError(
            f"{folder}: {as_size(free)} free, the snapshot needs {as_size(size)} and {as_size(LEAST_FREE)} to go on",
            f"make room ('{hints.lab('snapshot', 'list')}' shows what could go), or move the state with LAB_STATE_DIR",
        )


@contextmanager
def _draft(final: Path) -> Iterator[Path]:
    """A folder to fill, renamed to `final` when the block ends well. An interrupted draft is thrown away."""
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
def _standing_still(cluster: Cluster, provider: PausingProvider, nodes: list[Node], heal: Heal) -> Iterator[None]:
    """Pauses all nodes for the block. They are resumed however it ends; after SIGKILL `lab heal` resumes them."""
    began = time.monotonic()
    try:
        for node in nodes:
            fault_journal.record(cluster, FaultKind.PAUSE, node.name)
        with events.step("pause", message=counted(len(nodes), "node")):
            for node in nodes:
                provider.pause(cluster, node)
            yield
    finally:
        with interrupts.undoing("resuming the nodes"):
            for node in nodes:
                with suppress(LabError, OSError):  # `heal` reports a node that stays paused
                    provider.resume(cluster, node)
            if nodes and (seconds := time.monotonic() - began) > duration(cluster.agent_ttl, "agent_ttl"):
                events.note("pause", f"{seconds:.1f} s: longer than fleet's agent_ttl, so units may have moved")
            if pauses := fault_journal.open_faults(cluster):  # with another fault on record nothing is saved
                heal(provider, cluster, pauses)
