#!/usr/bin/env python3
"""libvirt.py start|stop: libvirt on a machine without systemd, as CI containers are; elsewhere systemd starts it.

libvirt waits for each QEMU process that it ended to be gone from the process table. There a process 1 may never reap
what was orphaned to it, so the orphans come to us.
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
    """Returns when libvirt answers. One that runs already is left alone."""
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
    """Runs both daemons and reaps whatever is orphaned to us, until SIGTERM; then ends them."""
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
    """Ends what `start` started, and nothing else."""
    if PID_FILE.exists():
        os.kill(int(PID_FILE.read_text()), signal.SIGTERM)


if __name__ == "__main__":
    {"start": start, "stop": stop}[sys.argv[1]]()
