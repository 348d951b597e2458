"""Mounts as the kernel lists them (/proc/PID/mountinfo, see proc_pid_mountinfo(5)).

The same folder has many paths: through symbolic links, bind mounts, in other mount namespaces, after it was renamed.
Its place is unique: the file system's device number, and the path within that file system.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

_OCTAL = re.compile(r"\\([0-7]{3})")
_DELETED = "//deleted"  # what the kernel appends to the name of a folder that was removed while it was mounted


@dataclass(frozen=True)
class Place:
    """A file or folder: its file system's device number (as 8:1) and its path in there."""

    device: str
    path: Path

    def holds(self, other: Place | None) -> bool:
        """Whether the other place is this one, or in it."""
        return other is not None and self.device == other.device and other.path.is_relative_to(self.path)


@dataclass(frozen=True)
class Mount:
    """One mount: the place that it shows, its mount point as its namespace sees it, and its file system type."""

    number: int
    parent: int
    shows: Place
    point: Path
    kind: str


def parse(text: str) -> list[Mount]:
    """Reads a mountinfo file."""
    mounts = []
    for line in text.splitlines():
        words = line.split(" ")
        root = _plain(words[3]).removesuffix(_DELETED)
        kind = words[words.index("-", 6) + 1]
        mounts.append(Mount(int(words[0]), int(words[1]), Place(words[2], Path(root)), Path(_plain(words[4])), kind))
    return mounts


def _plain(word: str) -> str:
    """A path without the octal numbers that the kernel writes for blanks and backslashes."""
    return _OCTAL.sub(lambda octal: chr(int(octal[1], 8)), word)


def read(process: str = "self") -> list[Mount]:
    """The mounts that a process sees. OSError when the process is gone or may not be looked at."""
    return parse(os.fsdecode(Path(f"/proc/{process}/mountinfo").read_bytes()))


def place(path: Path) -> Place | None:
    """The place of a file or folder; None where the path does not exist."""
    try:
        handle = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        real = Path(os.readlink(f"/proc/self/fd/{handle}"))  # noqa: PTH115 - its text is the answer
        lines = Path(f"/proc/self/fdinfo/{handle}").read_text(encoding="ascii").splitlines()
        number = next(int(line.split()[1]) for line in lines if line.startswith("mnt_id:"))
        mount = next((each for each in read() if each.number == number), None)
    finally:
        os.close(handle)
    return _in(mount, real)


def on(folder: Path) -> list[Mount]:
    """The mounts that this process sees on a folder or below it, in the order of mounting."""
    parent = place(folder.parent)  # the folder's own place would be that of a mount on it
    return covering(Place(parent.device, parent.path / folder.name), read()) if parent else []


def covering(folder: Place, among: Sequence[Mount]) -> list[Mount]:
    """The mounts that sit on a folder or below it, in the order of mounting."""
    by_number = {mount.number: mount for mount in among}
    return [mount for mount in among if folder.holds(_in(by_number.get(mount.parent), mount.point))]


def showing(folder: Place, among: Iterable[Mount]) -> list[Mount]:
    """The mounts that show a folder or something in it, wherever they are mounted."""
    return [mount for mount in among if folder.holds(mount.shows)]


def _in(mount: Mount | None, path: Path) -> Place | None:
    if mount is None or not path.is_relative_to(mount.point):
        return None
    return Place(mount.shows.device, mount.shows.path / path.relative_to(mount.point))
