"""Units as they are submitted: a lab's own, with its settings, the digests of its container images, and pulls.

fleet replaces a unit when its text has changed. A container image that was built again changes no unit, so the units
would keep running the old image; therefore its digest is part of the text, in a section that systemd ignores. A node
that has the old image would keep it, too, unless the unit pulls: so a unit that runs an image without pulling gets a
pull. The section also has a digest of the whole text, by which fleet's unit is recognized as the submitted one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from coreos_lab import disk
from coreos_lab.definition import lab_settings
from coreos_lab.model import Lab, LabUnit
from coreos_lab.units import docker_line, unit_file
from coreos_lab.units.docker_line import image_name, is_known
from coreos_lab.units.option import Option

SECTION, DIGEST = "X-Lab", "Digest"


def units(lab: Lab, chosen: Mapping[str, str], images: Mapping[str, str], folder: Path) -> Lab:
    """The lab with its units as they are submitted, written to `folder`.

    `chosen` are the values of settings, `images` the digests of the lab's container images, both by name.
    """
    disk.remove_tree(folder)
    return replace(lab, units=tuple(_unit(unit, chosen, images, folder) for unit in lab.units))


def _unit(unit: LabUnit, chosen: Mapping[str, str], images: Mapping[str, str], folder: Path) -> LabUnit:
    text = lab_settings.applied(unit_file.read(unit.path), chosen)
    options = unit_file.parse(text)
    names = list(unit.started or (unit.name,))
    path = folder / unit.name
    text = _pulling(text, options, names, images)
    section = f"\n[{SECTION}]\n" + _built_from(_used(options, names, images), images)
    disk.write_atomic(path, _with_digest(text.rstrip("\n") + "\n" + section))
    return replace(unit, path=path)


def _with_digest(text: str) -> str:
    return f"{text}{DIGEST}={hashlib.sha256(text.encode()).hexdigest()}\n"


def digest(path: Path) -> str:
    """The digest in the last line of a unit that was written for submission."""
    return path.read_text(encoding="utf-8").rstrip("\n").rpartition(f"\n{DIGEST}=")[2]


def _used(options: Sequence[Option], names: Sequence[str], images: Mapping[str, str]) -> list[str]:
    """The lab's own container images that a unit pulls or runs; all of them where its file does not show which.

    An image too many only means that the unit is restarted when that image changes.
    """
    pulled, run = set[str](), set[str]()
    for name in names:
        for command in docker_line.commands(options, name):
            if command.verb == "pull":
                pulled |= set(command.words)
            elif command.verb in ("run", "create"):
                run |= set(command.words[:1])
    used = {image_name(reference) for reference in pulled | run if is_known(reference)}
    # A script that runs an image by a variable runs one of those that the unit pulls.
    if not all(map(is_known, pulled)) or (not pulled and not all(map(is_known, run))):
        used = set(images)
    return [image for image in images if image in used]


def _pulling(text: str, options: Sequence[Option], names: Sequence[str], images: Mapping[str, str]) -> str:
    """The unit's text, with a pull before each of the lab's container images that it runs without pulling.

    A unit that pulls nothing and runs an image by a variable of a script may run any of them.
    """
    first: dict[str, int] = {}  # image -> the first line that runs it
    pulled = set[str]()
    unknown: list[int] = []  # lines that run an image by a variable
    for name in names:
        for command in docker_line.commands(options, name):
            if command.verb == "pull":
                pulled |= {image_name(word) for word in command.words}
            elif command.verb in ("run", "create") and command.value("pull") != "always":
                for reference in command.words[:1]:
                    if is_known(reference):
                        first.setdefault(image_name(reference), command.option.line)
                    else:
                        unknown.append(command.option.line)
    if unknown and not pulled:
        first = {image: min(first.get(image, unknown[0]), *unknown) for image in images}
    lines = text.split("\n")
    for image, line in sorted(first.items(), key=lambda item: item[1], reverse=True):
        if image in images and image not in pulled:
            # The minus: a unit whose image is on the node starts even while the mirror does not answer.
            lines.insert(line - 1, f"ExecStartPre=-/usr/bin/docker pull {image}")
    return "\n".join(lines)


def _built_from(used: Sequence[str], images: Mapping[str, str]) -> str:
    """Lines with the lab's container images that a unit uses, "" where it uses none."""
    return "".join(f"ContainerImage={name}@{images[name]}\n" for name in used)
