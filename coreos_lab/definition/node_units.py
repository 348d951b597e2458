"""The units of the machine image, which every node has."""

from __future__ import annotations

from pathlib import Path

from coreos_lab.machine_image.folders import image_folder
from coreos_lab.machine_image.image import image_hash
from coreos_lab.units import unit_names

# Where systemd finds units, below a machine's root.
_FOLDERS = ("etc/systemd/system", "usr/lib/systemd/system", "usr/local/lib/systemd/system")
# Types whose units systemd makes by itself: from the kernel's devices, /etc/fstab or a path.
_MADE = ("device", "mount", "swap", "slice", "scope")


def known() -> frozenset[str] | None:
    """The names of the machine image's units, templates as name@.type; None where there is no readable image."""
    root = image_folder(image_hash()) / "rootfs"
    names: set[str] = set()
    try:
        for folder in _FOLDERS:
            path = Path(root, folder)
            if path.is_dir():
                names |= {unit.name for unit in path.iterdir()}
    except PermissionError:
        return None
    return frozenset(names) or None


def has(units: frozenset[str], name: str) -> bool:
    """Whether a node with these units has one of this name, or systemd makes it by itself."""
    return name in units or unit_names.file_of(name) in units or name.rpartition(".")[2] in _MADE
