"""Mounts a disk of an instance where its root wants it, as the host's root: the kernel mounts no disk for anybody else.

A process of its own, because it changes its namespaces. The file system is seen with the instance's own user ids
(mount_setattr(2)). Device nodes in it have no effect, and root on the instance cannot change that: the kernel locks
the flags of mounts that another user namespace gets with a copy of a mount namespace, so this one goes through a copy.
"""

from __future__ import annotations

import os
import stat
import sys

from coreos_lab.providers.nspawn.boot import (
    AT_FDCWD,
    CLONE_NEWNS,
    CLONE_NEWUSER,
    F_EMPTY_PATH,
    MOVE_MOUNT,
    MS_NODEV,
    MS_RDONLY,
    OPEN_TREE,
    OPEN_TREE_CLONE,
    done,
    libc,
    mount,
    own_mounts,
    show,
    user_namespace,
)

# A damaged file system becomes read-only. Without this, its own superblock says what happens, which may be a panic.
OPTIONS = "errors=remount-ro"
MADE, MAPPED = "/dev/made", "/dev/mapped"


def put(pid: int, base: int, loop: str, device: str, folder: str, *, writable: bool) -> None:
    """Mounts a loop device in the mount namespace of the process `pid`, as the instance calls device and folder."""
    spaces = [os.open(f"/proc/{pid}/ns/{kind}", os.O_RDONLY | os.O_CLOEXEC) for kind in ("user", "mnt")]
    number = os.stat(loop).st_rdev  # noqa: PTH116 - pathlib is slow to import
    own_mounts()
    mount("tmpfs", "/dev", "tmpfs", 0, "mode=0755")  # where the device has the name that `df` shows
    os.mknod(device, stat.S_IFBLK | 0o600, number)
    for place in (MADE, MAPPED):
        os.mkdir(place)  # noqa: PTH102
    mount(device, MADE, "ext4", MS_NODEV | (0 if writable else MS_RDONLY), OPTIONS)
    show(MADE, MAPPED, user_namespace(base))
    done(libc.setns(spaces[0], CLONE_NEWUSER), "the instance's user namespace")
    os.setgroups([])
    os.setresgid(0, 0, 0)
    os.setresuid(0, 0, 0)
    done(libc.unshare(CLONE_NEWNS), "a mount namespace")
    tree = done(libc.syscall(OPEN_TREE, AT_FDCWD, MAPPED.encode(), OPEN_TREE_CLONE | os.O_CLOEXEC), MAPPED)
    done(libc.setns(spaces[1], CLONE_NEWNS), "the instance's mount namespace")
    done(libc.syscall(MOVE_MOUNT, tree, b"", AT_FDCWD, os.fsencode(folder), F_EMPTY_PATH), folder)


def main() -> None:
    """disk_mount PID BASE LOOP DEVICE FOLDER rw|ro"""
    pid, base, loop, device, folder, mode = sys.argv[1:]
    try:
        put(int(pid), int(base), loop, device, folder, writable=mode == "rw")
    except OSError as error:
        sys.exit(f"{error.filename}: {error.strerror}")
