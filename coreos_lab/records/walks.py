"""How far a reader has come in a lab's page, on one cluster, or on a cloud where there is no cluster."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from coreos_lab import disk
from coreos_lab.records import clouds
from coreos_lab.records.clouds import CloudFolder
from coreos_lab.records.formats import Format, Record
from coreos_lab.records.store import ClusterFolder

FORMAT = Format("record of a walk")


@dataclass(frozen=True)
class Progress:
    """The step that is next, counted from 1, and the state of the shell, as commands that restore it.

    `beside` is what each second terminal whose command runs has printed since the last command of the first terminal.
    """

    step: int = 1
    shell: str = ""
    beside: Mapping[str, str] = field(default_factory=dict)


@contextmanager
def going_on(name: str, labs: Iterable[str], what: str) -> Iterator[None]:
    """Keeps others from walking through these labs on the cluster `name`: two walks would deploy and undeploy one lab.

    `what` is this walk's command. LabError names that of the other walk.
    """
    with ExitStack() as held:
        for lab in labs:
            held.enter_context(disk.lock(ClusterFolder(name).walk_lock(lab), what, wait=False))
        yield


def load(name: str, walk: str) -> Progress:
    """How far a walk has come; the first step where nothing is on record. `walk` is a lab's name, or a test's of it."""
    path = next((path for path in _paths(name, walk) if path.exists()), None)
    return Progress() if path is None else FORMAT.read(path, _parse)


def record(name: str, walk: str, progress: Progress) -> None:
    """Keeps how far a walk has come. It begins by making its cluster or cloud: before that there is no place for it."""
    for path in _paths(name, walk)[:1]:
        path.parent.mkdir(exist_ok=True)
        FORMAT.write(path, asdict(progress))


def forget(name: str, walk: str) -> None:
    """The walk begins anew."""
    for path in _paths(name, walk):
        path.unlink(missing_ok=True)


def _parse(record: Record) -> Progress:
    beside = record.get("beside", {})  # a record from before has none
    step = int(record["step"])
    if step < 1:  # Python would count it from the end, and a test begin with the last step
        raise ValueError(f"{step} is no step's number")
    return Progress(step, str(record["shell"]), {str(name): str(shown) for name, shown in beside.items()})


def _paths(name: str, walk: str) -> list[Path]:
    """Where a walk's record may be: with the cluster, and with the cloud that the reader's commands are about."""
    cluster, cloud = ClusterFolder(name), CloudFolder(clouds.meant())
    owners = [each.walks for each, plan in ((cluster, cluster.plan), (cloud, cloud.plan)) if plan.exists()]
    return [folder / f"{walk}.json" for folder in owners]
