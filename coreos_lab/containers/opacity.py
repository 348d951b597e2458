"""Opaque folders of a layer, which hide lower layers, marked so that a Docker in a user namespace sees it too.

Overlay marks such a folder with `trusted.overlay.opaque`, which only the host's root can use. An overlay that is
mounted in a user namespace (option userxattr) reads `user.overlay.opaque`. A folder may have both.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from coreos_lab import hints
from coreos_lab.errors import LabError

OF_HOST, OF_ANYBODY = "trusted.overlay.opaque", "user.overlay.opaque"
VALUE = b"y"


def mark(folder: Path) -> None:
    """Adds the second mark to every folder that has the first. LabError where the file system cannot store it."""
    for parent, _folders, _files in os.walk(folder):
        with suppress(OSError):  # not marked
            if os.getxattr(parent, OF_HOST, follow_symlinks=False) == VALUE:
                _add(parent)


def _add(folder: str) -> None:
    try:
        os.setxattr(folder, OF_ANYBODY, VALUE, follow_symlinks=False)
    except OSError as error:
        raise LabError(
            f"{folder}: cannot be marked for nodes in user namespaces: {error.strerror}",
            f"give the state another file system with LAB_STATE_DIR, or '{hints.lab('up', '--no-userns')}'",
        ) from None


def mark_once(folder: Path, done: Path) -> None:
    """Marks a folder unless the file `done` exists, and makes that file."""
    if not done.exists():
        mark(folder)
        done.parent.mkdir(parents=True, exist_ok=True)
        done.touch()
