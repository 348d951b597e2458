"""Conditions that more than one provider looks at."""

from __future__ import annotations

import shutil

from coreos_lab import run, settings
from coreos_lab.model import Finding


def program(name: str, package: str) -> Finding:
    """Is a program installed? `package` is Debian's that brings it."""
    found = run.which(name)
    return Finding(name, found is not None, str(found or "not found"), f"apt-get install {package}")


def space(gib: int) -> Finding:
    """Is there room for the state: machine image, container images and nodes?"""
    folder = settings.state_dir()
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free / 2**30
    message = f"{free:.1f} GiB free for {settings.state_dir()}"
    return Finding("disk space", free >= gib, message, f"{gib} GiB are needed: make room, or set LAB_STATE_DIR")
