"""fleet's HTTP API, version 1 (fleet's Documentation/api-v1.md): machines, units and their states."""

from __future__ import annotations

import hashlib
import http.client
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from coreos_lab.clients.http import CannotCheckError, Endpoints
from coreos_lab.errors import LabError
from coreos_lab.units import fleet_rules
from coreos_lab.units.option import Option

API_PORT = 49153


@dataclass(frozen=True)
class Machine:
    """A machine that fleet lists; it leaves the list when it has been silent for the agent's TTL."""

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

    @property
    def file(self) -> list[Option]:
        """Its file's lines, in the form that `fleet_rules` takes."""
        return [Option(*option, 0) for option in self.options]

    @property
    def is_global(self) -> bool:
        """Whether fleet runs it on every machine that fits."""
        return fleet_rules.is_global(self.file, self.name)

    @property
    def launched(self) -> bool:
        """Whether fleet holds it as started; a Global unit, which every machine starts by itself, always is."""
        return self.current == "launched" or self.is_global

    @property
    def hash(self) -> str:
        """The SHA-1 of its file as fleet writes it onto a machine; fleet identifies units and states by it."""
        sections: dict[str, str] = {}
        for section, name, value in self.options:
            sections[section] = sections.get(section, f"[{section}]\n") + f"{name}={value}\n"
        return hashlib.sha1("\n".join(sections.values()).encode(), usedforsecurity=False).hexdigest()


@dataclass(frozen=True)
class UnitState:
    """A unit's state in systemd as fleet reports it, up to a second late. `hash` is the hash of its file there."""

    name: str
    machine_id: str
    load: str
    active: str
    sub: str
    hash: str = ""


def parse_machine(raw: dict[str, Any]) -> Machine:
    """A machine from the API's JSON."""
    return Machine(raw["id"], raw.get("primaryIP", ""), dict(raw.get("metadata") or {}))


def parse_unit(raw: dict[str, Any]) -> Unit:
    """A unit from the API's JSON."""
    options = tuple((o.get("section", ""), o.get("name", ""), o.get("value", "")) for o in raw.get("options") or ())
    desired, current = raw.get("desiredState", ""), raw.get("currentState", "")
    return Unit(raw["name"], desired, current, raw.get("machineID", ""), options)


def parse_state(raw: dict[str, Any]) -> UnitState:
    """A unit's state from the API's JSON."""
    states = (raw.get("systemdLoadState", ""), raw.get("systemdActiveState", ""), raw.get("systemdSubState", ""))
    return UnitState(raw["name"], raw.get("machineID", ""), *states, raw.get("hash", ""))


class Fleet:
    """fleet through any of several nodes. Every method raises CannotCheckError when none of them answers."""

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

    def want(self, unit: str, state: str) -> None:
        """Tells fleet to have a unit that it holds inactive, loaded or launched; one that it does not hold is left so.

        Every fleetd looks at its units a second later, also where nothing has changed. By itself it does that every
        five seconds, and after a change, of which it may miss those that come while it looks (registry/event.go).
        """
        body = json.dumps({"name": unit, "desiredState": state})
        status, said = self._http.request("PUT", f"/fleet/v1/units/{quote(unit)}", body=body)
        if status not in (http.client.NO_CONTENT, http.client.CONFLICT):
            raise LabError(f"fleet: {unit} cannot be made {state}: HTTP {status}", details=said.strip()[:200])

    def destroy(self, unit: str) -> None:
        """Stops a unit and removes it from fleet, if it is there."""
        status, body = self._http.request("DELETE", f"/fleet/v1/units/{quote(unit)}")
        if status not in (http.client.NO_CONTENT, http.client.NOT_FOUND):
            raise LabError(f"fleet: cannot destroy {unit}: HTTP {status}", details=body.strip()[:200])

    def _all(self, resource: str, field: str = "") -> list[dict[str, Any]]:
        entries: list[dict[str, Any]] = []
        token = ""
        while True:
            query = f"?{urlencode({'nextPageToken': token})}" if token else ""
            status, page = self._http.json("GET", f"/fleet/v1/{resource}{query}")
            page = {} if page is None else page
            if status != http.client.OK or not isinstance(page, dict):
                raise CannotCheckError(f"fleet: no list of {resource}: HTTP {status}", details=str(page)[:200])
            entries += page.get(field or resource) or []
            token = page.get("nextPageToken") or ""
            if not token:
                return entries
