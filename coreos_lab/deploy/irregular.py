"""The units of a lab that need not run all the time."""

from __future__ import annotations

from dataclasses import dataclass

from coreos_lab.model import Lab
from coreos_lab.units import unit_file
from coreos_lab.units.fleet_rules import resolve

TRIGGERS = {"timer": "Unit", "path": "Unit", "socket": "Service"}  # type -> the option that names what it starts


@dataclass(frozen=True)
class Irregular:
    """Names of units: `intermittent` ones end and are started again; `triggered` ones are started by another unit."""

    intermittent: frozenset[str]
    triggered: frozenset[str]

    def __contains__(self, name: str) -> bool:
        return name in self.intermittent or name in self.triggered


def irregular(lab: Lab) -> Irregular:
    """The lab's irregular units, by lab.yaml and by its timers, sockets and paths."""
    intermittent = frozenset(name for unit in lab.units if unit.intermittent for name in unit.started)
    return Irregular(intermittent, frozenset(triggered(lab)))


def triggered(lab: Lab) -> set[str]:
    """The lab's units that another unit of it starts at any time: a timer, a socket or a path."""
    names = set()
    for unit in lab.units:
        kind = unit.name.rpartition(".")[2]
        if kind in TRIGGERS:
            options = unit_file.parse(unit_file.read(unit.path))
            named = unit_file.values(options, kind.capitalize(), TRIGGERS[kind])
            for name in unit.started:
                default = f"{name.rpartition('.')[0]}.service"
                names.add(resolve(named[-1], name) if named and named[-1] else default)
    return names
