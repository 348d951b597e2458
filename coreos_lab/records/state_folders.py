"""The state folders of this host: which there are, the plans in them, and which user they belong to."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from coreos_lab import disk, hints, settings
from coreos_lab.errors import LabError

STATES = "coreos-lab-states.json"  # lists the state folders


@contextmanager
def planning() -> Iterator[None]:
    """A lock, held from looking which networks are taken until the plan that takes another is written.

    Networks are the host's, so root's state folders share the lock and a list of each other, wherever they are.
    """
    with disk.lock(_place_of_states() / "coreos-lab-planning.lock", "planning", wait=True):
        used = [state for state in _states() if state == settings.state_dir() or _plans(state) or _clouds(state)]
        states = [str(state) for state in used]
        disk.write_atomic(_place_of_states() / STATES, json.dumps(states) + "\n")
        yield


def plans() -> list[Path]:
    """The plans of all clusters on this host, of the state folders that were planned in since the host booted."""
    return [plan for state in _states() for plan in _plans(state)]


def clouds() -> list[Path]:
    """The plans of all clouds on this host, of the same state folders."""
    return [plan for state in _states() for plan in _clouds(state)]


def _states() -> list[Path]:
    try:
        listed = [Path(each) for each in disk.read_json(_place_of_states() / STATES)]
    except (LabError, OSError, TypeError):
        listed = []
    return list(dict.fromkeys([*listed, settings.state_dir()]))


def _plans(state: Path) -> list[Path]:
    return _there(state / settings.clusters_dir().name, "cluster.json")


def _clouds(state: Path) -> list[Path]:
    return _there(state / settings.clouds_dir().name, "cloud.json")


def _there(folder: Path, plan: str) -> list[Path]:
    return [path for each in disk.entries(folder) if (path := each / plan).exists()]


def _place_of_states() -> Path:
    return settings.run_dir() if settings.is_root() else settings.state_dir()


def refuse_foreign() -> None:
    """LabError for a state folder of another user: clusters that cannot be read there would seem not to exist."""
    if settings.is_root():
        return
    folder = settings.state_dir()
    hint = "put sudo before the command"
    try:
        folder.stat()
    except FileNotFoundError:
        return
    except PermissionError:
        raise LabError(f"{folder}: is not yours to read, so its clusters cannot be seen", hint) from None
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK, effective_ids=True):
        raise LabError(f"{folder}: is another user's, so its clusters cannot be looked after", hint)


def of_root() -> str:
    """A hint for a user who is not root, when root may have clusters; "" otherwise."""
    if not settings.has_other_state():
        return ""
    return f"root's clusters cannot be seen by another user: sudo {hints.lab('list')}"
