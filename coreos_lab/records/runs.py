"""The folders of runs: one for each `lab break` or `lab storm`, with its observations and its verdict."""

from __future__ import annotations

import fcntl
import time
from pathlib import Path

from coreos_lab import disk
from coreos_lab.model import Cluster
from coreos_lab.records.store import ClusterFolder

EVENTS = "events.jsonl"  # what was done; the command that writes it holds a lock on it (events.recording)
NUMBER = "number"  # the file that says which run of the cluster it is; the clock, which is in the name, may jump back


def new(cluster: Cluster, what: str) -> Path:
    """A new folder for the records of one run. The caller holds the cluster's lock."""
    base = ClusterFolder(cluster.name).runs
    number = 1 + max((_number(folder) for folder in ordered(cluster.name)), default=0)
    stamp = time.strftime("%Y%m%d-%H%M%S")
    folder = next(path for i in range(1000) if not (path := base / f"{stamp}-{what}{f'-{i}' if i else ''}").exists())
    folder.mkdir(parents=True)
    disk.write_atomic(folder / NUMBER, f"{number}\n")
    return folder


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
