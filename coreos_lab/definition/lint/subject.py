"""What a rule gets to see of a lab, and what it says."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from coreos_lab.definition.lab_map import Part
from coreos_lab.model import Lab
from coreos_lab.units import docker_line
from coreos_lab.units.docker_line import Command, Container
from coreos_lab.units.option import Option


class Remark(NamedTuple):
    """What a rule finds on a line (from 1) of the file that it reads."""

    line: int
    why: str
    remedy: str


@dataclass(frozen=True)
class Subject:
    """One unit of a lab, with the lab and all its parts."""

    lab: Lab
    part: Part
    parts: Sequence[Part]

    @property
    def unit(self) -> str:
        """The unit's name, for a template that of its first instance."""
        started = self.part.unit.started
        return started[0] if started else self.part.unit.name

    def options(self, section: str, *names: str) -> list[Option]:
        """The options of a section that have one of these names."""
        return [option for option in self.part.options if option.section == section and option.name in names]

    def commands(self) -> list[Option]:
        """The options that run something: ExecStart, ExecStop ..."""
        return [o for o in self.part.options if o.section == "Service" and o.name.startswith("Exec")]

    def docker(self, *names: str) -> list[Command]:
        """The docker commands of the unit; with `names`, only those of these options."""
        return docker_line.commands(self.part.options, self.unit, *names)

    def containers(self) -> list[Container]:
        """The containers that ExecStart= runs: those that the unit is there for."""
        return [container for container in self.part.containers if container.command.option.name == "ExecStart"]


Rule = Callable[[Subject], Iterator[Remark]]
TextRule = Callable[[Lab, str], Iterator[Remark]]  # the text is that of a Dockerfile, or of a shell script
