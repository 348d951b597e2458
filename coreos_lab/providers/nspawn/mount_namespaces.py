"""The mounts of all mount namespaces of the host.

A namespace needs no process: a bind mount of its file or an open descriptor holds it as well. A mount of ours in such a
one keeps a node's disks in use.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from coreos_lab import mounts, namespaces
from coreos_lab.mounts import Mount

# What the kernel says of a process that is gone, or is a zombie and has nothing any more.
GONE = (errno.ENOENT, errno.ESRCH, errno.EINVAL)
# ioctls of Linux 6.12 (linux/nsfs.h): they open the namespace with the next higher or lower number.
NEXT, PREVIOUS = 0x8010B70B, 0x8010B70C
INFO = struct.Struct("IIQ")  # struct mnt_ns_info, which begins with its own size
NAMED = re.compile(r"mnt:\[(\d+)\]")  # what the kernel calls a mount namespace


@dataclass
class Seen:
    """The mounts of each namespace, by words that say where they were seen; and what could not be looked at."""

    mounts: dict[str, list[Mount]] = field(default_factory=dict)
    unseen: list[str] = field(default_factory=list)


def look() -> Seen:
    """Reads the mounts of each namespace once. What ends meanwhile is left out."""
    seen = Seen()
    known, holders = _of_threads(seen)
    try:
        handles = _listed()
    except OSError:  # a kernel before Linux 6.12
        handles = list(_held({number: path for number, path in holders.items() if number not in known}, seen))
    for handle in handles:
        number = os.fstat(handle).st_ino
        with closed(handle):
            if number in known:
                continue
            known.add(number)
            try:
                seen.mounts[f"in mount namespace {number}, where no process is"] = _mounts_inside(handle)
            except OSError as error:
                seen.unseen.append(f"mount namespace {number}: {error.strerror}")
    return seen


@contextmanager
def closed(handle: int) -> Iterator[None]:
    """Closes a descriptor at the end of the block."""
    try:
        yield
    finally:
        os.close(handle)


def _of_threads(seen: Seen) -> tuple[set[int], dict[int, Path]]:
    """Reads the namespaces of all threads. Returns their numbers, and paths that open what mounts in them hold."""
    known: set[int] = set()
    holders: dict[int, Path] = {}
    for process in _processes():
        what = f"mounts of process {process.name}"
        with _told(what, seen):
            for thread in (process / "task").iterdir():
                with _told(what, seen):
                    number = _number(thread)
                    if number not in known:
                        there = mounts.read(str(thread.relative_to("/proc")))
                        known.add(number)
                        seen.mounts[f"as process {process.name} sees it"] = there
                        holders |= {held: process / "root" / point for held, point in _bound(there)}
    return known, holders


def _processes() -> Iterator[Path]:
    return (entry for entry in Path("/proc").iterdir() if entry.name.isdigit())


@contextmanager
def _told(what: str, seen: Seen) -> Iterator[None]:
    """Names what could not be looked at, once. What is gone is left out."""
    try:
        yield
    except OSError as error:
        line = f"{what}: {error.strerror}"
        if error.errno not in GONE and line not in seen.unseen:
            seen.unseen.append(line)


def _number(thread: Path) -> int:
    """Identifies a thread's namespace; one that we may not look at counts as one of its own."""
    try:
        return (thread / "ns/mnt").stat().st_ino
    except PermissionError:  # the process has a capability that we do not have
        return -int(thread.name)


def _bound(there: list[Mount]) -> Iterator[tuple[int, Path]]:
    """The namespaces that mounts hold, each with the mount's point, relative to the root."""
    for mount in there:
        if found := NAMED.fullmatch(mount.shows.path.name):
            yield int(found[1]), mount.point.relative_to("/")


def _listed() -> list[int]:
    """Descriptors of all namespaces but our own, as the kernel lists them. OSError where it cannot."""
    found: list[int] = []
    own = os.open("/proc/self/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
    with closed(own):
        for way in (NEXT, PREVIOUS):
            last = own
            with suppress(FileNotFoundError):  # there is none beyond the last one
                while True:
                    last = fcntl.ioctl(last, way, bytearray(INFO.pack(INFO.size, 0, 0)))
                    found.append(last)
    return found


def _held(holders: dict[int, Path], seen: Seen) -> Iterator[int]:
    """Descriptors of the namespaces that mounts or open descriptors hold, where the kernel has no list.

    Whatever holds one is tried in turn: an open descriptor may be that of another file by now, such as one of a command
    that looks at the host like this one.
    """
    places = {number: [path] for number, path in holders.items()}
    for process in _processes():
        what = f"open files of process {process.name}, which may hold mounts"
        with _told(what, seen):
            for entry in (process / "fd").iterdir():
                with _told(what, seen):
                    if found := NAMED.fullmatch(os.readlink(entry)):  # noqa: PTH115 - its text is the answer
                        places.setdefault(int(found[1]), []).append(entry)
    for number, paths in places.items():
        covered = ""
        for path in paths:
            with _told(f"mount namespace {number}, held by {path}", seen):
                handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
                if os.fstat(handle).st_ino == number:
                    yield handle
                    break
                os.close(handle)
                if path == holders.get(number):
                    covered = f"mount namespace {number}: something is mounted over {path}, which holds it"
        else:
            seen.unseen += [covered] if covered else []


def _mounts_inside(handle: int) -> list[Mount]:
    """The mounts of a namespace that we enter for it."""
    ours = os.open("/proc", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)  # there, /proc may be something else

    def read() -> list[Mount]:
        with os.fdopen(os.open("thread-self/mountinfo", os.O_RDONLY | os.O_CLOEXEC, dir_fd=ours), "rb") as file:
            return mounts.parse(os.fsdecode(file.read()))

    with closed(ours):
        return namespaces.inside(handle, namespaces.CLONE_NEWNS, read)
