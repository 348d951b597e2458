"""A process that outlives us, remembered in a file so that it is never mistaken for another one.

Process numbers are used again: what is remembered with the number is when that process started, and in which boot.
"""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

from coreos_lab import disk, wait
from coreos_lab.errors import LabError

PATIENCE = 5.0  # seconds for a process to end after SIGTERM


def remember(path: Path, pid: int) -> None:
    """Writes down the process `pid`, which must be running."""
    disk.write_atomic(path, json.dumps({"pid": pid, "started": _started(pid), "boot": _boot()}) + "\n")


def running(path: Path) -> int | None:
    """The number of the process that the file remembers, None when that very process runs no more."""
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
        pid = int(known["pid"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return pid if known.get("boot") == _boot() and known.get("started") == (_started(pid) or "gone") else None


def end(path: Path) -> None:
    """Ends the process that the file remembers and forgets it. Nothing to do is fine; another's process is left alone.

    Raises LabError when it cannot be ended.
    """
    pid = running(path)
    if pid is not None:
        try:
            _signal(path, signal.SIGTERM)
            wait.until(lambda: running(path) is None, deadline=PATIENCE, missing="", interval=0.01)
        except wait.DeadlineError:
            _signal(path, signal.SIGKILL)
            wait.until(
                lambda: running(path) is None, deadline=PATIENCE, missing=f"process {pid} does not end", interval=0.01
            )
    path.unlink(missing_ok=True)


def _signal(path: Path, number: int) -> None:
    """Signals the process through a descriptor, which still means the same process if its number is used again."""
    pid = running(path)
    if pid is None:
        return
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        if running(path) == pid:
            signal.pidfd_send_signal(descriptor, number)
    except ProcessLookupError:
        return
    except PermissionError:
        raise LabError(f"process {pid}: may not be ended", "run this as the user who started it, or as root") from None
    finally:
        os.close(descriptor)


def _started(pid: int) -> str:
    """When a process started, in the kernel's own unit; "" when there is none or it only waits to be reaped."""
    try:
        line = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    state, *fields = line.rpartition(")")[2].split()  # the name before it may hold anything
    return "" if state in "ZX" else fields[18]


def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8").strip()
