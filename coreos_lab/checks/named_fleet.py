"""fleet as checks ask it: where units are active, by the names of nodes."""

from __future__ import annotations

import shlex
from fnmatch import fnmatchcase

from coreos_lab import run, wait
from coreos_lab.checks.inventory import Inventory
from coreos_lab.clients.fleet import Fleet
from coreos_lab.clients.http import CannotCheckError
from coreos_lab.units import unit_names


class NamedFleet(Fleet):
    """fleet, with nodes by their names, and with the states that fleet reports late.

    fleet's states are up to a second old, and missing for a moment when a busy node renews them late. So where fleet
    has launched a unit on a node and does not report it as active there, the node's systemd is asked. Where that does
    not answer, whether the unit is active is unknown: CannotCheckError.
    """

    def __init__(self, inventory: Inventory) -> None:
        super().__init__([node.address for node in inventory.reliable])
        self._inventory = inventory
        self._names = {node.address: node.name for node in inventory.nodes}

    def where(self, unit: str) -> str | None:
        """The name of a node on which a unit is active, None where there is none."""
        return next(iter(self.nodes_of(unit)), None)

    def nodes_of(self, unit: str) -> list[str]:
        """The names of all nodes on which a unit is active: several for a Global unit."""
        return [node for _unit, node in self._places(unit_names.full(unit))]

    def active(self, pattern: str) -> dict[str, str]:
        """Every active unit whose name matches a pattern such as `web@*.service`, with the name of its node.

        A Global unit has one node here; `nodes_of` has them all.
        """
        return dict(self._places(pattern))

    def _places(self, pattern: str) -> list[tuple[str, str]]:
        """The (unit, node) pairs where units whose names match a pattern are active, sorted."""
        nodes = {machine.id: self._names.get(machine.address, machine.address) for machine in self.machines()}
        active = {
            (state.name, nodes[state.machine_id])
            for state in self.states()
            if state.active == "active" and state.machine_id in nodes and fnmatchcase(state.name, pattern)
        }
        launched = {
            (unit.name, nodes[machine])
            for unit in self.units()
            if unit.desired == "launched" and fnmatchcase(unit.name, pattern)
            for machine in (nodes if unit.is_global else [unit.machine_id])
            if machine in nodes
        }
        answering = {node.name for node in self._inventory.running if not node.broken}
        unreported: dict[str, list[str]] = {}
        for unit, node in sorted(launched - active):
            if node in answering:
                unreported.setdefault(node, []).append(unit)
        return sorted(active | {(unit, node) for node in unreported for unit in self._up(node, unreported[node])})

    def _up(self, node: str, units: list[str]) -> list[str]:
        """Those of the units that are active by the node's systemd. CannotCheckError where it does not say."""
        call = ["ssh", "-F", self._inventory.ssh_config, node, shlex.join(["systemctl", "is-active", "--", *units])]
        try:
            done = run.run(call, check=False, timeout=wait.patiently(10))
        except run.CommandError as error:  # no end within that time
            raise CannotCheckError(f"{node}: its systemd does not answer", details=error.message) from None
        states = done.stdout.split()
        if len(states) != len(units):
            asked = f"{node}: its systemd could not be asked for {', '.join(units)}"
            raise CannotCheckError(asked, details=done.stderr.strip())
        return [unit for unit, state in zip(units, states, strict=True) if state == "active"]
