"""What keeps a backup from being restored to a cluster, found before anything is touched."""

from __future__ import annotations

from pathlib import Path

from coreos_lab import hints
from coreos_lab.backup.manifest import Manifest
from coreos_lab.clients.etcd import Etcd
from coreos_lab.clients.fleet import Fleet
from coreos_lab.clients.http import CannotCheckError
from coreos_lab.definition import catalog, lab_settings
from coreos_lab.deploy.refusals import refuse_conflicts
from coreos_lab.disk import shown
from coreos_lab.errors import LabError, UsageError
from coreos_lab.model import Cluster, Lab
from coreos_lab.observed import node_states
from coreos_lab.observed.observation import Observation
from coreos_lab.records import deployed, fault_journal
from coreos_lab.records.restores import Restore
from coreos_lab.spelling import counted

OWN = ("/coreos.com/", "/_coreos.com/")  # the keys of Container Linux's own programs, which every cluster has


def labs(cluster: Cluster, backup: Manifest) -> list[Lab]:
    """The labs of a backup, as they are deployed on this cluster. UsageError where one is gone or does not fit."""
    found = []
    for part in backup.labs:
        lab = catalog.load(part.name if part.name in catalog.names() else part.folder)
        lab = lab_settings.counted(lab.on(len(cluster.nodes)), part.settings)
        lab_settings.require(lab, part.settings)
        refuse_conflicts(cluster, lab)
        found.append(lab)
    for data in backup.data:
        lab = next(lab for lab in found if lab.name == data.lab)
        if data.name not in [each.name for each in lab.backups]:
            raise UsageError(
                f"{lab.name}: has no backup {data.name} any more, and the backup has data of that name",
                f"restore by the version of {lab.folder} that it was taken with",
            )
    return found


def refuse_broken(cluster: Cluster) -> None:
    """LabError while a fault is on record: healing undoes it by what was so before."""
    if faults := fault_journal.open_faults(cluster):
        raise LabError(f"{faults[0].node}: is broken ({faults[0].kind.value})", f"run '{hints.lab('heal')}' first")


def is_another(wanted: Restore, begun: Restore) -> bool:
    """Whether a restore is of another backup than the one that was begun."""
    return Path(begun.folder) != Path(wanted.folder) or begun.backup not in ("", wanted.backup)


def refuse_another(wanted: Restore, begun: Restore, *, replace: bool) -> None:
    """LabError where the restore of another backup was interrupted, unless that may be replaced."""
    if replace or not is_another(wanted, begun):
        return
    if begun.folder != wanted.folder:
        raise LabError(
            f"the restore of {begun.folder} was interrupted",
            f"finish it: {hints.lab('restore', begun.folder)}, or add --replace to have this one instead",
        )
    raise LabError(
        f"the restore of {begun.folder} was interrupted, and another backup lies there by now",
        "add --replace to have this one instead",
    )


def refuse_full(now: Observation, folder: Path) -> None:
    """LabError where a cluster has what a restore would replace, or where that is not known."""
    name, remedy = now.cluster.name, f"'{hints.lab('restore', shown(folder), '--replace')}': what is there is lost"
    there = [f"{lab} is deployed" for lab in deployed.names(now.cluster)]
    addresses = node_states.addresses(now.running)
    try:
        if not there and (units := Fleet(addresses).units()):
            there.append(f"fleet has {counted(len(units), 'unit')}")
        if keys := [key for key in Etcd(addresses).lasting("/") if not key.startswith(OWN)]:
            there.append(f"etcd has {counted(len(keys), 'key')}, such as {keys[0]}")
    except CannotCheckError as silent:
        raise LabError(
            f"{name}: whether it is empty is unknown: {silent.message}", remedy, details=silent.details
        ) from None
    if there:
        raise LabError(f"{name}: is not empty: {', '.join(there)}", remedy)


def refuse_others(cluster: Cluster, backup: Manifest) -> None:
    """LabError where a lab is deployed that the backup does not have: its units would run without a record."""
    if others := [name for name in deployed.names(cluster) if name not in [part.name for part in backup.labs]]:
        raise LabError(
            f"{cluster.name}: {others[0]} is deployed, and the backup does not have it",
            f"run '{hints.lab('undeploy', others[0])}' first",
        )
