"""Which runs there are, and who reads their records."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from coreos_lab import hints
from coreos_lab.chaos.verdict import RECORD
from coreos_lab.errors import UsageError
from coreos_lab.node_plans import node_name
from coreos_lab.records import about, runs, store
from coreos_lab.report import breaks, storms
from coreos_lab.report.values import Report

# Readers by the verb of their runs, where it is another one than that of all runs that have phases and a verdict.
READERS: dict[str, Callable[[Path], Report]] = {"storm": storms.read}
FILES = (RECORD, about.FILE, runs.EVENTS)  # a folder with one of these is a run's


def is_run(folder: Path) -> bool:
    """Whether a folder is a run's record."""
    return any((folder / name).is_file() for name in FILES)


def find(name: str, run: str | None) -> Path:
    """The folder of a run: of that name, at that path, or the cluster's last one. UsageError where there is none."""
    if run is not None and "/" in run:
        folder = Path(run)
        if not is_run(folder):
            raise UsageError(f"{run}: not a run's folder", f"it has none of {', '.join(FILES)}")
        return folder.resolve()
    store.require(name)
    there = [folder for folder in runs.ordered(name) if is_run(folder)]
    if run is None:
        if not there:
            raise UsageError(f"{name}: there is no run yet", hints.lab("break", node_name(1), "--verify"))
        return there[-1]
    chosen = next((folder for folder in there if folder.name == run), None)
    if chosen is None:
        known = ", ".join(folder.name for folder in there[-5:]) or "none"
        raise UsageError(f"{run}: no such run of {name} (the last ones are: {known})")
    return chosen


def read(folder: Path) -> Report:
    """The report of a run."""
    return READERS.get(about.verb(folder), breaks.read)(folder)
