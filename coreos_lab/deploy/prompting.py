"""Has fleetd look at its units again where a machine has not loaded what fleet has given it."""

from __future__ import annotations

from collections.abc import Iterable

from coreos_lab.clients.fleet import Fleet
from coreos_lab.observed.lasting import Lasting
from coreos_lab.observed.unit_places import Place

AFTER = 1.0  # seconds: fleetd itself lets one pass between a change and its look
NODES = 10  # with more of them it is that much longer: each look reads all units from etcd, on cores that all share


class Prompter:
    """Remembers which units machines have not loaded, and prompts fleetd when that lasts."""

    def __init__(self, fleet: Fleet, nodes: int) -> None:
        self._fleet = fleet
        self._late = Lasting(AFTER * max(1.0, nodes / NODES))

    def prompt(self, unloaded: Iterable[Place], now: float | None = None) -> None:
        """To be called at each look, with the places of launched units that have not been loaded there.

        CannotCheckError when no fleetd answers.
        """
        if late := self._late.of(unloaded, now):
            self._fleet.want(late[0][0], "launched")
