"""How far the restore of a backup has come: written before anything is changed, removed when all of it is there."""

from __future__ import annotations

from dataclasses import dataclass

from coreos_lab.model import Cluster, to_json
from coreos_lab.records.formats import Format, Record
from coreos_lab.records.store import ClusterFolder

FORMAT = Format("record of a restore")


@dataclass(frozen=True)
class Restore:
    """A restore that is not over: from which `folder`, whether etcd is done, and which labs' data (`LAB/NAME`) is.

    `backup` identifies what lay in the folder: another backup may lie there by now.
    """

    folder: str
    etcd: bool = False
    data: tuple[str, ...] = ()
    backup: str = ""


def load(cluster: Cluster) -> Restore | None:
    """The restore that goes on, or was interrupted; None where there is none."""
    try:
        return FORMAT.read(ClusterFolder(cluster.name).restore, _parse)
    except FileNotFoundError:
        return None


def save(cluster: Cluster, restore: Restore) -> None:
    """Records how far it has come."""
    FORMAT.write(ClusterFolder(cluster.name).restore, to_json(restore))


def forget(cluster: Cluster) -> None:
    """Records that it is over."""
    ClusterFolder(cluster.name).restore.unlink(missing_ok=True)


def _parse(record: Record) -> Restore:
    return Restore(**{**record, "data": tuple(record["data"])})
