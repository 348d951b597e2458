"""Units as fleet gets them: a lab's own, with what was set, and with the container images that they were started with.

fleet replaces a unit when its text is another. A container image that was built anew changes no unit, and its
containers would go on with the old one; so its digest is part of the text, in a section that systemd passes over.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from coreos_lab import disk, lab_settings
from coreos_lab.model import Lab, LabUnit


def units(lab: Lab, told: Mapping[str, str], images: Mapping[str, str], folder: Path) -> Lab:
    """The lab with its units as they are submitted, written to `folder`. `images` are digests by name."""
    disk.remove_tree(folder)
    return replace(lab, units=tuple(_unit(unit, told, images, folder) for unit in lab.units))


def _unit(unit: LabUnit, told: Mapping[str, str], images: Mapping[str, str], folder: Path) -> LabUnit:
    text = lab_settings.applied(unit.path.read_text(encoding="utf-8"), told)
    path = folder / unit.name
    disk.write_atomic(path, text.rstrip("\n") + "\n" + _built_from(text, images))
    return replace(unit, path=path)


def _built_from(text: str, images: Mapping[str, str]) -> str:
    """A section that names the container images that a unit pulls, "" where it pulls none of the lab's own."""
    pulled = [name for name in images if re.search(rf"\bdocker pull {re.escape(name)}(?![\w./:-])", text)]
    if not pulled:
        return ""
    return "\n[X-Lab]\n" + "".join(f"ContainerImage={name}@{images[name]}\n" for name in pulled)
