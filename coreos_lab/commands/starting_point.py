"""The cluster as a walk found it: a snapshot, to which --reset goes back."""

from __future__ import annotations

from coreos_lab import events, hints, screen
from coreos_lab.chaos import healing
from coreos_lab.cluster import snapshots
from coreos_lab.definition import catalog
from coreos_lab.errors import LabError, UsageError
from coreos_lab.model import Lab
from coreos_lab.providers.base import SnapshotProvider
from coreos_lab.providers.choose import provider as choose
from coreos_lab.records import store, walks


def keep(name: str, lab: Lab) -> None:
    """Takes the snapshot, unless there is one or there is no cluster yet. Without it the walk goes on all the same."""
    cluster = store.load(name)
    snapshot = _name(lab.name)
    if cluster is None or any(each.name == snapshot for each in snapshots.snapshots(cluster)):
        return
    provider = choose(cluster.provider)
    if not isinstance(provider, SnapshotProvider):
        return
    with screen.showing():
        try:
            with store.ClusterFolder(name).lock(hints.lab("walk", catalog.named(lab))):
                snapshots.save(cluster, provider, snapshot, healing.heal)
        except LabError as error:
            events.note("snapshot", f"none to go back to: {error.message}")


def restore(name: str, lab: Lab) -> None:
    """Restores the snapshot, and forgets how far the walk has come. UsageError where there is none."""
    if not lab.units and store.load(name) is None:
        raise UsageError(
            f"{lab.name}: there is no cluster {name} to restore, and a cloud has no snapshots",
            f"remove the cloud ({hints.lab('cloud', 'destroy')}), then begin anew: "
            f"{hints.lab('walk', catalog.named(lab), '--from', 1)}",
        )
    cluster = store.require(name)
    snapshot = _name(lab.name)
    if all(each.name != snapshot for each in snapshots.snapshots(cluster)):
        raise UsageError(
            f"{lab.name}: no walk through it has begun on cluster {name}, so there is nothing to go back to",
            hints.lab("walk", catalog.named(lab)),
        )
    with screen.showing(), store.ClusterFolder(name).lock(hints.lab("walk", catalog.named(lab), "--reset")):
        snapshots.restore(cluster, choose(cluster.provider), snapshot)
    walks.forget(name, lab.name)


def forget(name: str, lab: Lab) -> None:
    """Removes the snapshot: the walk is over."""
    cluster = store.load(name)
    snapshot = _name(lab.name)
    if cluster and any(each.name == snapshot for each in snapshots.snapshots(cluster)):
        with store.ClusterFolder(name).lock(hints.lab("walk", catalog.named(lab))):
            snapshots.delete(cluster, snapshot)


def _name(lab: str) -> str:
    return f"walk-{lab}"[:40]
