"""Conditions that more than one provider checks."""

from __future__ import annotations

import shutil

from coreos_lab import run, settings
from coreos_lab.model import Finding


def program(name: str, package: str) -> Finding:
    """Whether a program is installed; `package` is the Debian package that has it."""
    path = run.which(name)
    return Finding(name, path is not None, str(path or "not found"), f"apt-get install {package}")


def space(gib: int) -> Finding:
    """Whether there is enough space for the state: machine image, container images and nodes."""
    folder = settings.state_dir()
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free / 2**30
    message = f"{free:.1f} GiB free for {settings.state_dir()}"
    return Finding("disk space", free >= gib, message, f"{gib} GiB are needed: make room, or set LAB_STATE_DIR")
