"""Which command works on a cluster now."""

from __future__ import annotations

import re
from pathlib import Path

from coreos_lab.records.store import ClusterFolder

LOCKS = Path("/proc/locks")


def on(name: str) -> str:
    """The command that holds the lock of the cluster `name`, in the words that it gave `disk.lock`; "" for none.

    The kernel's list says so (proc_locks(5)): trying to lock it would refuse it to a command that comes meanwhile.
    """
    path = ClusterFolder(name).lock_file
    try:
        holder, inode = path.read_text(encoding="utf-8").strip(), path.stat().st_ino
        locks = LOCKS.read_text(encoding="ascii")
    except OSError:
        return ""
    pid = holder.rpartition("(process ")[2].removesuffix(")")
    # Not compared with the device: where a file system has several, as btrfs has, the kernel's list has another one.
    own = re.compile(rf"FLOCK +ADVISORY +WRITE +{re.escape(pid)} \S+:{inode} ")
    return holder if own.search(locks) else ""
