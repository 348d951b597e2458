"""Settings of the host's kernel that clusters need: raised while clusters exist, restored with the last one.

The old values are on record before they are changed. The record is the host's, not a cluster's: it does not matter
which cluster comes first and which goes last, from whatever state folder. It is valid until the host restarts.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from coreos_lab import disk, events, settings
from coreos_lab.errors import LabError

ROOT = Path("/proc/sys")
FORWARD = "net/ipv4/ip_forward"
# The kernel counts these for each user of the host, and all nodes count for one user. A node has 4 inotify instances
# before anything runs on it (systemd has 3, D-Bus 1), and about 20 keys; each container has a key.
LEAST = {
    "fs/inotify/max_user_instances": 8192,
    "fs/inotify/max_user_watches": 524288,
    "kernel/keys/maxkeys": 20000,
    "kernel/keys/maxbytes": 2000000,
}
SWITCHES = {FORWARD: 1}


@dataclass(frozen=True)
class Change:
    """A setting that we changed: the value before, and ours."""

    before: int
    ours: int


def wanted(current: Mapping[str, int], least: Mapping[str, int]) -> dict[str, int]:
    """The settings to change: those that are too low. A setting that this kernel does not have is left out."""
    return {name: value for name, value in least.items() if current.get(name, value) < value}


def recorded(known: Mapping[str, Change], current: Mapping[str, int], changes: Mapping[str, int]) -> dict[str, Change]:
    """The record with the changes that are about to be made.

    A value that was set by hand after ours is the one to restore.
    """
    return {**known, **{name: Change(current[name], value) for name, value in changes.items()}}


def to_give_back(known: Mapping[str, Change], current: Mapping[str, int]) -> dict[str, int]:
    """The values to restore. A setting that no longer has our value was changed by hand, and stays as it is."""
    return {name: change.before for name, change in known.items() if current.get(name) == change.ours}


def record() -> Path:
    """The file that records changes, for all state folders."""
    return settings.run_dir() / "coreos-lab-host.json"


def lock() -> AbstractContextManager[None]:
    """Held while settings are changed, and while looking for a last cluster and restoring them."""
    return disk.lock(settings.run_dir() / "coreos-lab-host.lock", "changing the host's settings", wait=True)


def require(least: Mapping[str, int]) -> None:
    """Raises settings to at least these values. The caller holds `lock`.

    A setting that cannot be raised is reported and no error: a few nodes work without.
    """
    current = _current(least)
    changes = wanted(current, least)
    if not changes:
        return
    _write_down(recorded(known(), current, changes))
    for name, value in changes.items():
        try:
            _set(name, value)
        except LabError as error:
            events.note("host", f"{error.message}; {error.hint}")


def too_low() -> dict[str, int]:
    """The settings that clusters need higher, with their present values."""
    current = _current(LEAST)
    return {name: current[name] for name in wanted(current, LEAST)}


def give_back() -> None:
    """Restores the settings and removes the record. The caller holds `lock` and has seen that no cluster is left."""
    changed = known()
    for name, value in to_give_back(changed, _current(changed)).items():
        _set(name, value)
    record().unlink(missing_ok=True)


def known() -> dict[str, Change]:
    """The changes on record since the host's kernel started."""
    try:
        raw: Any = disk.read_json(record())
    except FileNotFoundError:  # one look, not two: whoever only reads holds no lock
        return {}
    if raw["boot"] != settings.host_boot():
        return {}
    return {name: Change(**change) for name, change in raw["changes"].items()}


def still_changed() -> list[str]:
    """The settings that still have our values, by sysctl(8)'s names."""
    changed = known()
    return [name.replace("/", ".") for name in to_give_back(changed, _current(changed))]


def _write_down(changes: Mapping[str, Change]) -> None:
    raw = {"boot": settings.host_boot(), "changes": {name: vars(change) for name, change in changes.items()}}
    disk.write_atomic(record(), json.dumps(raw) + "\n")


def _current(names: Mapping[str, object]) -> dict[str, int]:
    return {name: int((ROOT / name).read_text(encoding="ascii")) for name in names if (ROOT / name).exists()}


def _set(name: str, value: int) -> None:
    try:
        (ROOT / name).write_text(f"{value}\n", encoding="ascii")
    except OSError as error:
        setting = name.replace("/", ".")
        raise LabError(
            f"{setting}: cannot be set: {error.strerror}", f"set it yourself: sysctl {setting}={value}"
        ) from None
