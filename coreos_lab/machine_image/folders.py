"""Where machine images lie. Apart from image.py, which imports much to build one: most calls only look."""

from __future__ import annotations

from pathlib import Path

from coreos_lab import settings


def images() -> Path:
    """The folder of all machine images."""
    return settings.state_dir() / "image"


def image_folder(key: str) -> Path:
    """Where the machine image of that hash lies, or would lie."""
    return images() / key
