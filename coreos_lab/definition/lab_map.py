"""The dependencies between a lab's services, read from its units and from the programs in its container images.

A service that is reached without etcd is not found.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from coreos_lab.definition import etcd_keys
from coreos_lab.definition.etcd_keys import Use
from coreos_lab.model import Lab, LabUnit
from coreos_lab.units import docker_line, fleet_rules, unit_file, unit_names
from coreos_lab.units.docker_line import Container
from coreos_lab.units.option import Option

BINDING = ("BindsTo", "Requires", "Requisite", "PartOf")


@dataclass(frozen=True)
class Part:
    """One unit of a lab, with what its files show of it."""

    unit: LabUnit
    options: tuple[Option, ...]
    containers: tuple[Container, ...]  # of its first instance
    bound_to: tuple[str, ...]  # file names of the lab's units that it is bound to
    ports: tuple[int, ...]
    keys: tuple[Use, ...]

    @property
    def name(self) -> str:
        """The unit's name without its ending: `web@`."""
        return self.unit.name.rpartition(".")[0]

    @property
    def image(self) -> str:
        """The name of the container image that it runs, "" where it runs none."""
        return docker_line.image_name(self.containers[0].image) if self.containers else ""

    @property
    def is_sidekick(self) -> bool:
        """Whether it is bound to another unit and runs no container of its own."""
        return bool(self.bound_to) and not self.image


@dataclass(frozen=True)
class Need:
    """One service needs another. `by` is the key in etcd through which it finds that, or "bound"."""

    service: str
    needed: str
    by: str


def parts(lab: Lab) -> list[Part]:
    """A lab's units in their order, each with what its files show of it; without templates that have no instances."""
    names = {unit.name for unit in lab.units if unit.started}
    return [_part(lab, unit, names) for unit in lab.units if unit.started]


def _part(lab: Lab, unit: LabUnit, names: set[str]) -> Part:
    text = unit_file.read(unit.path)
    options = unit_file.parse(text)
    first = unit.started[0] if unit.started else unit.name
    containers = docker_line.containers(options, first)
    binding = [option.value for option in options if option.section == "Unit" and option.name in BINDING]
    binding += fleet_rules.peers(options)
    bound = {unit_names.file_of(name) for value in binding for name in value.split()} & names - {unit.name}
    keys = [*etcd_keys.in_unit(unit.path, text, options)]
    image = docker_line.image_name(containers[0].image) if containers else ""
    if image in lab.containers:
        run = [
            word
            for each in containers
            if docker_line.image_name(each.image) == image
            for word in each.command.words[1:]
        ]
        keys += etcd_keys.in_programs(lab.containers[image], " ".join(run), lab.keys)
    ordered = tuple(each.name for each in lab.units if each.name in bound)
    ports = tuple(
        dict.fromkeys(
            port.number
            for name in unit.started
            for container in docker_line.containers(options, name)
            for port in container.ports
        )
    )
    return Part(unit, tuple(options), tuple(containers), ordered, ports, tuple(dict.fromkeys(keys)))


def needs(parts: Sequence[Part]) -> list[Need]:
    """The needs of all services, "etcd" itself included. A sidekick stands for the unit that it serves."""
    by_file = {part.unit.name: part for part in parts}

    def served(part: Part) -> Part:
        return served(by_file[part.bound_to[0]]) if part.is_sidekick else part

    writers: dict[str, list[str]] = {}
    for part in parts:
        for use in part.keys:
            if use.written:
                writers.setdefault(use.key, []).append(served(part).name)
    result: dict[tuple[str, str], Need] = {}

    def add(service: str, needed: str, by: str) -> None:
        if service != needed:
            result.setdefault((service, needed), Need(service, needed, by))

    for part in parts:
        for other in part.bound_to:
            add(part.name, by_file[other].name, "bound")
        for use in part.keys:
            owners = [] if use.written or part.is_sidekick else _owners(use.key, writers)
            for owner in owners:
                add(part.name, owner, use.key)
            add(part.name, "etcd", use.key)
    return list(result.values())


def _owners(key: str, writers: dict[str, list[str]]) -> list[str]:
    """The services that write what is read."""
    return [name for written, names in writers.items() if etcd_keys.covers(key, written) for name in names]
