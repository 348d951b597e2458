"""Shows a running instance a device of the host, and takes it away again.

What nspawn itself has bound at boot cannot be taken away: the kernel locks mounts that an instance gets in that way.
A process of its own, because it changes its namespaces. The node lies in a tmpfs of the host's root, as nodes in a file
system of the instance's own have no effect; the instance gets a mount of it (disk_mount.py says why by a copy).
"""

from __future__ import annotations

import os
import stat
import sys
from contextlib import suppress

from coreos_lab.providers.nspawn.boot import (
    AT_FDCWD,
    CLONE_NEWNS,
    CLONE_NEWUSER,
    F_EMPTY_PATH,
    MNT_DETACH,
    MOVE_MOUNT,
    OPEN_TREE,
    OPEN_TREE_CLONE,
    done,
    libc,
    mount,
    own_mounts,
)

BUSY = 3


def plug(pid: int, base: int, loop: str, device: str) -> None:
    """Makes a loop device the machine's `device`. OSError where it cannot be."""
    spaces = _spaces(pid)
    number = os.stat(loop).st_rdev  # noqa: PTH116 - pathlib is slow to import
    own_mounts()
    mount("tmpfs", "/dev", "tmpfs", 0, "mode=0755")
    os.mknod(device, stat.S_IFBLK | 0o600, number)
    os.chown(device, base, base)
    _become_root_of(spaces[0])
    done(libc.unshare(CLONE_NEWNS), "a mount namespace")
    tree = done(libc.syscall(OPEN_TREE, AT_FDCWD, device.encode(), OPEN_TREE_CLONE | os.O_CLOEXEC), device)
    done(libc.setns(spaces[1], CLONE_NEWNS), "the instance's mount namespace")
    with suppress(FileExistsError):  # it may have one from before it was restarted
        os.close(os.open(device, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    done(libc.syscall(MOVE_MOUNT, tree, b"", AT_FDCWD, device.encode(), F_EMPTY_PATH), device)


def unplug(pid: int, loop: str, device: str) -> None:
    """Takes the machine's `device` away. OSError where it is mounted, or something else is in its place."""
    number = os.stat(loop).st_rdev  # noqa: PTH116
    with open(f"/proc/{pid}/mountinfo", encoding="utf-8", errors="replace") as mounts:  # noqa: PTH123
        if f"{os.major(number)}:{os.minor(number)}" in {line.split()[2] for line in mounts}:
            raise OSError(BUSY, "is mounted", device)
    spaces = _spaces(pid)
    _become_root_of(spaces[0])
    done(libc.setns(spaces[1], CLONE_NEWNS), "the instance's mount namespace")
    try:
        found = os.lstat(device)
    except FileNotFoundError:
        return
    if stat.S_ISBLK(found.st_mode) and found.st_rdev == number:
        done(libc.umount2(device.encode(), MNT_DETACH), f"umount {device}")
        os.unlink(device)  # noqa: PTH108


def _spaces(pid: int) -> list[int]:
    """The user and the mount namespace of a process."""
    return [os.open(f"/proc/{pid}/ns/{kind}", os.O_RDONLY | os.O_CLOEXEC) for kind in ("user", "mnt")]


def _become_root_of(space: int) -> None:
    done(libc.setns(space, CLONE_NEWUSER), "the instance's user namespace")
    os.setgroups([])
    os.setresgid(0, 0, 0)
    os.setresuid(0, 0, 0)


def main() -> None:
    """volume_device plug PID BASE LOOP DEVICE | unplug PID LOOP DEVICE"""
    act, pid, *rest = sys.argv[1:]
    try:
        if act == "plug":
            plug(int(pid), int(rest[0]), *rest[1:])
        else:
            unplug(int(pid), *rest)
    except OSError as error:
        sys.exit(f"{error.filename}: {error.strerror}")
