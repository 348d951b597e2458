"""What the answers are made from: a lab's files as they were read, and places in them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from coreos_lab.definition import catalog, lab_file, lab_map
from coreos_lab.definition.lab_file import Document
from coreos_lab.definition.lab_map import Need, Part
from coreos_lab.model import Lab
from coreos_lab.units import docker_line, fleet_rules
from coreos_lab.units.docker_line import Command, Container
from coreos_lab.units.option import Option


def _pulled(part: Part) -> list[str]:
    return [docker_line.image_name(word) for command in pulls(part) for word in command.words]


class Place(NamedTuple):
    """A line of a file, from 1; 0 for the whole file or folder."""

    path: Path
    line: int


@dataclass(frozen=True)
class Answer:
    """A part of an answer: about what, the answer, where that is written. `seen` is false where no file shows it."""

    subject: str
    text: str
    places: tuple[Place, ...] = ()
    seen: bool = True


@dataclass(frozen=True)
class Paper:
    """A lab on paper."""

    lab: Lab
    document: Document
    parts: tuple[Part, ...]
    needs: tuple[Need, ...]

    def listed(self, *keys: str | int) -> tuple[Place, ...]:
        """The place in lab.yaml that the keys lead to."""
        return (Place(self.document.path, self.document.line(*keys)),)

    def entry(self, part: Part, *keys: str) -> tuple[Place, ...]:
        """The place of a unit in lab.yaml."""
        return self.listed("units", self.lab.units.index(part.unit), *keys)

    def users(self, image: str) -> list[Part]:
        """The units that run or pull a container image."""
        return [part for part in self.parts if part.image == image or image in _pulled(part)]


def read(lab: Lab) -> Paper:
    """Reads a lab's files for the checklist. The lab was loaded, so they are valid."""
    parts = lab_map.parts(lab)
    return Paper(lab, lab_file.read(lab.folder / catalog.FILE), tuple(parts), tuple(lab_map.needs(parts)))


def options(part: Part, section: str, *names: str) -> list[Option]:
    """The options of a unit that have one of these names."""
    return [option for option in part.options if option.section == section and option.name in names]


def at(part: Part, found: Iterable[Option]) -> tuple[Place, ...]:
    """The places of a unit's options."""
    return tuple(Place(part.unit.path, line) for line in dict.fromkeys(option.line for option in found))


def first_line(part: Part) -> tuple[Place, ...]:
    """The place of what the unit runs, or of the file."""
    return at(part, options(part, "Service", "ExecStart")[:1]) or (Place(part.unit.path, 0),)


def containers(part: Part) -> list[Container]:
    """The containers that the unit is there for, without those that help it to start."""
    return [container for container in part.containers if container.command.option.name == "ExecStart"]


def unit(part: Part) -> str:
    """The unit's name, for a template that of its first instance."""
    return part.unit.started[0]


def pulls(part: Part) -> list[Command]:
    """The unit's `docker pull` commands."""
    return [command for command in docker_line.commands(part.options, unit(part)) if command.verb == "pull"]


def is_global(part: Part) -> bool:
    """Whether the unit runs on each machine."""
    return fleet_rules.is_global(part.options, unit(part))


def excludes_itself(part: Part) -> bool:
    """Whether fleet keeps the instances of a template off each other's machines."""
    started = part.unit.started
    return len(started) > 1 and fleet_rules.keeps_apart(part.options, started[0], started[1])


def grouped(answers: Iterable[Answer]) -> Iterator[Answer]:
    """Answers with the same text as one: their subjects side by side."""
    groups: dict[tuple[str, bool], list[Answer]] = {}
    for answer in answers:
        groups.setdefault((answer.text, answer.seen), []).append(answer)
    for (text, seen), same in groups.items():
        places = tuple(dict.fromkeys(place for answer in same for place in answer.places))
        yield Answer(listing(answer.subject for answer in same), text, places, seen)


def listing(names: Iterable[str]) -> str:
    """Names with commas between them, each once."""
    return ", ".join(dict.fromkeys(names))


def seconds(value: float) -> str:
    """A time as text: `5 s`."""
    return f"{value:g} s"
