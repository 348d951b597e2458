#!/usr/bin/env python3
"""libvirt.py start|stop: runs libvirt on a machine without systemd, such as a CI container; else systemd starts it.

libvirt waits until each QEMU process that it has ended leaves the process table. In a CI container, process 1 may never
reap orphaned processes, so this program adopts and reaps them.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

PID_FILE = Path("/run/coreos-lab-libvirt.pid")
SOCKET = Path("/run/libvirt/libvirt-sock")
PR_SET_CHILD_SUBREAPER = 36  # prctl(2)
PATIENCE = 20.0  # seconds


def start() -> None:
    """Returns when libvirt answers. A running libvirt is left alone."""
    if Path("/run/systemd/system").is_dir():
        sys.exit(subprocess.run(["systemctl", "start", "libvirtd"], check=False).returncode)
    if _answers():
        return
    if os.fork() == 0:
        _keep()
    end = time.monotonic() + PATIENCE
    while not _answers():
        if time.monotonic() > end:
            sys.exit("libvirt.py: libvirtd does not answer; start it by hand to see why: libvirtd --verbose")
        time.sleep(0.1)


def _answers() -> bool:
    call = ["virsh", "--quiet", "--connect", "qemu:///system", "version"]
    return SOCKET.exists() and subprocess.run(call, capture_output=True, check=False).returncode == 0


def _keep() -> None:
    """Runs both daemons and reaps orphaned processes until SIGTERM; then ends the daemons."""
    os.setsid()
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    daemons = [subprocess.Popen([name], **quiet) for name in ("virtlogd", "libvirtd")]  # type: ignore[call-overload]
    PID_FILE.write_text(str(os.getpid()))

    def stop(_number: int, _frame: object) -> None:
        for daemon in reversed(daemons):
            daemon.terminate()
        PID_FILE.unlink(missing_ok=True)
        os._exit(0)

    signal.signal(signal.SIGTERM, stop)
    while True:
        try:
            os.wait()
        except ChildProcessError:
            os._exit(1)


def stop() -> None:
    """Ends the daemons that `start` started, and nothing else."""
    if PID_FILE.exists():
        os.kill(int(PID_FILE.read_text()), signal.SIGTERM)


if __name__ == "__main__":
    {"start": start, "stop": stop}[sys.argv[1]]()
