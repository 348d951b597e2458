"""The folders of runs, one for each break, storm, update, deployment and tested walk: what was seen, and a verdict."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Sequence
from pathlib import Path

from coreos_lab import disk
from coreos_lab.model import Cluster
from coreos_lab.records.store import ClusterFolder

EVENTS = "events.jsonl"  # what was done; the command that writes it holds a lock on it (events.recording)
KEPT = 500  # runs of a cluster; some 250 MB, if all are breaks
NUMBER = "number"  # the file that says which run of the cluster it is; the clock, which is in the name, may jump back


def new(cluster: Cluster, what: str) -> Path:
    """A new folder for the records of one run. The oldest ones go. The caller holds the cluster's lock."""
    base = ClusterFolder(cluster.name).runs
    there = ordered(cluster.name)
    if (excess := len(there) + 1 - KEPT) > 0:
        for old in [folder for folder in there if not is_going_on(folder)][:excess]:
            disk.remove_tree(old)
    number = _next(there)
    stamp = time.strftime("%Y%m%d-%H%M%S")
    folder = next(path for i in range(1000) if not (path := base / f"{stamp}-{what}{f'-{i}' if i else ''}").exists())
    folder.mkdir(parents=True)
    disk.write_atomic(folder / NUMBER, f"{number}\n")
    return folder


def make_last(cluster: Cluster, folder: Path) -> None:
    """Numbers a run anew, as the last one: a walk has other runs in it, and ends after them."""
    disk.write_atomic(folder / NUMBER, f"{_next(ordered(cluster.name))}\n")


def _next(there: Sequence[Path]) -> int:
    return 1 + max(map(_number, there), default=0)


def ordered(name: str) -> list[Path]:
    """The folders of a cluster's runs, oldest first. Runs of older versions, which have no number, come first."""
    base = ClusterFolder(name).runs
    found = [path for path in base.iterdir() if path.is_dir()] if base.is_dir() else []
    return sorted(found, key=lambda folder: (_number(folder), folder.name))


def is_going_on(folder: Path) -> bool:
    """Whether a run's command still works on it: it holds a lock, which the kernel releases however it ends."""
    try:
        with (folder / EVENTS).open("rb") as events:
            fcntl.flock(events, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # it has no events, or they lie on a file system without locks
        return False
    return False


def _number(folder: Path) -> int:
    try:
        return int((folder / NUMBER).read_text(encoding="ascii"))
    except (OSError, ValueError):
        return 0
