"""fleet's HTTP API, version 1 (fleet's Documentation/api-v1.md): machines, units and what has become of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from coreos_lab.clients.http import Endpoints

API_PORT = 49153


@dataclass(frozen=True)
class Machine:
    """A machine that fleet knows of; it leaves the list when it has been silent for the agent's TTL."""

    id: str
    address: str
    metadata: dict[str, str]


@dataclass(frozen=True)
class Unit:
    """A unit that was submitted. `desired` and `current` are inactive, loaded or launched.

    `options` are its file's lines as (section, name, value).
    """

    name: str
    desired: str
    current: str
    machine_id: str
    options: tuple[tuple[str, str, str], ...]

    def fleet_options(self, name: str) -> tuple[str, ...]:
        """The values of an option in its [X-Fleet] section."""
        return tuple(value for section, option, value in self.options if (section, option) == ("X-Fleet", name))


@dataclass(frozen=True)
class UnitState:
    """What a unit's systemd says, as fleet reports it."""

    name: str
    machine_id: str
    load: str
    active: str
    sub: str


def parse_machine(raw: dict[str, Any]) -> Machine:
    """A machine of the API."""
    return Machine(raw["id"], raw.get("primaryIP", ""), dict(raw.get("metadata") or {}))


def parse_unit(raw: dict[str, Any]) -> Unit:
    """A unit of the API."""
    options = tuple((o.get("section", ""), o.get("name", ""), o.get("value", "")) for o in raw.get("options") or ())
    desired, current = raw.get("desiredState", ""), raw.get("currentState", "")
    return Unit(raw["name"], desired, current, raw.get("machineID", ""), options)


def parse_state(raw: dict[str, Any]) -> UnitState:
    """A unit's state of the API."""
    states = (raw.get("systemdLoadState", ""), raw.get("systemdActiveState", ""), raw.get("systemdSubState", ""))
    return UnitState(raw["name"], raw.get("machineID", ""), *states)


class Fleet:
    """fleet behind any of several nodes. Every method raises CannotCheckError when none of them answers."""

    def __init__(self, addresses: Sequence[str], *, timeout: float = 3.0) -> None:
        self._http = Endpoints("fleet", [f"http://{a}:{API_PORT}" for a in addresses], timeout=timeout)

    def machines(self) -> list[Machine]:
        """The machines that are alive, by address."""
        return sorted((parse_machine(raw) for raw in self._all("machines")), key=lambda machine: machine.address)

    def units(self) -> list[Unit]:
        """Every unit that was submitted, templates too."""
        return [parse_unit(raw) for raw in self._all("units")]

    def states(self) -> list[UnitState]:
        """The state of every unit that a machine has loaded."""
        return [parse_state(raw) for raw in self._all("state", "states")]

    def where(self, unit: str) -> str | None:
        """The address of the machine on which a unit is active, None while there is none."""
        active = {state.machine_id for state in self.states() if state.name == unit and state.active == "active"}
        return next((machine.address for machine in self.machines() if machine.id in active), None)

    def destroy(self, unit: str) -> None:
        """Stops a unit and forgets it. One that is not there is fine."""
        self._http.request("DELETE", f"/fleet/v1/units/{quote(unit)}")

    def _all(self, resource: str, field: str = "") -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        token = ""
        while True:
            query = f"?{urlencode({'nextPageToken': token})}" if token else ""
            _status, page = self._http.json("GET", f"/fleet/v1/{resource}{query}")
            found += (page or {}).get(field or resource) or []
            token = (page or {}).get("nextPageToken") or ""
            if not token:
                return found
