"""A process that outlives this one, recorded in a file so that it is never mistaken for another one.

Process ids are reused, so the file also has the process's start time and the boot of the host.
"""

from __future__ import annotations

import json
import os
import select
import signal
from collections.abc import Sequence
from pathlib import Path

from coreos_lab import run, settings, wait
from coreos_lab.errors import LabError

PATIENCE = 5.0  # seconds for a process to end after SIGTERM
WRITTEN = 60.0  # seconds for a process to write the file; it takes hundredths of one, and more on a busy host
# The process writes the file before it becomes the program: the command that starts it may be killed in between.
WRITE_DOWN = """
stat=$(cat /proc/$$/stat) && started=$(echo "${stat##*) }" | cut -d " " -f 20) &&
printf '{"pid": %s, "started": "%s", "boot": "%s"}\\n' $$ "$started" "$2" >"$1.$$" && mv "$1.$$" "$1" &&
shift 2 && exec "$@"
"""


def start(path: Path, argv: Sequence[str | Path], *, log_file: Path) -> None:
    """Starts a program that outlives this process; returns when the file records it or it has ended already.

    The caller has made sure that no process runs that the file records.
    """
    if run.which(str(argv[0])) is None:
        raise run.MissingProgramError(str(argv[0]))
    path.unlink(missing_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    pid = run.spawn(["sh", "-c", WRITE_DOWN, "sh", path, settings.host_boot(), *argv], log_file=log_file)
    wait.until(
        lambda: path.exists() or not _started(pid),
        deadline=wait.patiently(WRITTEN),
        missing=f"{path}: is not written",
        interval=0.005,
    )


def running(path: Path) -> int | None:
    """The id of the process that the file records, None when that process no longer runs."""
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
        pid = int(known["pid"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    same = known.get("boot") == settings.host_boot() and known.get("started") == (_started(pid) or "gone")
    return pid if same else None


def end(path: Path) -> None:
    """Ends the process that the file records, if it runs, and removes the file. No other process is touched.

    Raises LabError when it cannot be ended.
    """
    pid = running(path)
    if pid is not None and not any(_ended(path, number) for number in (signal.SIGTERM, signal.SIGKILL)):
        raise LabError(f"process {pid}: does not end", f"find out what it waits for: cat /proc/{pid}/stack")
    path.unlink(missing_ok=True)


def _ended(path: Path, number: int) -> bool:
    """Signals the process; returns whether it ends within PATIENCE seconds.

    A pidfd stays with its process if the id is reused; and it signals the end only when all threads are gone, and with
    them the sockets that they listen on.
    """
    pid = running(path)
    if pid is None:
        return True
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        if running(path) != pid:
            return True
        signal.pidfd_send_signal(descriptor, number)
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        return bool(poll.poll(PATIENCE * 1000))
    except ProcessLookupError:
        return True
    except PermissionError:
        raise LabError(
            f"process {pid}: no permission to end it", "run this as the user who started it, or as root"
        ) from None
    finally:
        os.close(descriptor)


def _started(pid: int) -> str:
    """A process's start time, in clock ticks since the boot; "" when there is none or it is a zombie."""
    try:
        line = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    state, *fields = line.rpartition(")")[2].split()  # the program's name before it may have spaces and parentheses
    return "" if state in "ZX" else fields[18]
