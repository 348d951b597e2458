"""Rolls a lab's units out: submits them, and waits until they run on every machine where they must, and stay running.

fleet says where units are and which text of them (by its hash) each machine has, up to a second late. The nodes' own
systemd says what became of them, and which run of a unit (invocation) that is: a run from before the submission, or one
that has just begun for the third time, does not count.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from coreos_lab import events, hints, wait
from coreos_lab.clients.fleet import Fleet, Machine, Unit
from coreos_lab.clients.http import CannotCheckError
from coreos_lab.deploy import before, evidence, picture
from coreos_lab.deploy.irregular import irregular
from coreos_lab.deploy.picture import Picture
from coreos_lab.deploy.prompting import Prompter
from coreos_lab.deploy.refusals import refuse_unmet_needs
from coreos_lab.deploy.starter import Starter
from coreos_lab.deploy.submit import replaced, stopped, submit
from coreos_lab.deploy.unplaced import Unplaced
from coreos_lab.errors import LabError
from coreos_lab.model import Cluster, Lab
from coreos_lab.observed import node_states, unit_places, unit_states
from coreos_lab.observed.standing import Standing
from coreos_lab.observed.unit_places import Place, Wanted
from coreos_lab.observed.unit_states import Look
from coreos_lab.providers.base import Provider

STEADY = 1.5  # seconds that one run of each unit must last before the lab counts as running
RUNS = 4  # runs of one unit, none of which lasted while all others ran, after which the lab is given up
INTERVAL = 0.4  # seconds between two looks at the nodes
_ENDED = {
    Standing.FAILED: "failed on {node}",
    Standing.BROKEN: "systemd on {node} cannot read its file",
    Standing.ENDED: "has ended on {node}, without an error. A unit that does its work once needs Type=oneshot",
    Standing.SKIPPED: "was not started on {node}: a Condition...= of its file does not hold there",
}


def unloaded(picture: Picture, units: Sequence[Unit]) -> list[Place]:
    """Where fleet has a unit launched, and the machine has not loaded it, or has another file of it."""
    launched = {unit.name: unit.hash for unit in units if unit.desired == "launched"}
    return [
        place
        for place, unit in picture.units.items()
        if place[0] in launched and place in picture.standings and unit.hash != launched[place[0]]
    ]


class Rollout:
    """A lab on its way onto a cluster: `start` submits its units, `wait` until they run, `lasted` that they stay up."""

    def __init__(self, cluster: Cluster, provider: Provider, lab: Lab) -> None:
        self._cluster, self._lab = cluster, lab
        self._nodes = node_states.require_running(cluster, provider)
        self._fleet = Fleet(node_states.addresses(self._nodes))
        self._irregular = irregular(lab)
        self._starter = Starter(cluster, self._nodes)
        self._unplaced = Unplaced(self._nodes)
        self._prompter = Prompter(self._fleet, len(self._nodes))
        self._before: Look = {}
        self._picture = Picture()
        self._since: dict[tuple[Place, str], float] = {}  # monotonic seconds of the first look that saw a run
        self._runs: dict[Place, set[str]] = {}  # the runs of each unit since all units ran for the first time
        self._stopped: list[str] = []  # units that fleet no longer has to run
        self._noted: set[str] = set()  # units whose first run was reported
        self._ran: set[Place] = set()  # irregular units that were seen running

    def refuse(self) -> None:
        """UsageError for a unit that needs one which no machine has; nothing is touched yet."""
        held = {unit.name for unit in self._fleet.units()}
        refuse_unmet_needs(self._cluster, self._nodes, self._lab, held)

    def start(self, lab: Lab) -> None:
        """Submits the units to fleet, in order; `lab` is the rollout's, with its units as they are submitted.

        fleet replaces a unit that it holds with another text.
        """
        self._lab = lab
        self._before = before.runs_before(self._cluster, self._fleet, self._nodes, lab)
        submit(self._nodes, lab)
        self._starter.retry(self._before, self._irregular)

    def wait(self, deadline: float) -> None:
        """Returns when every unit runs on each machine where it must.

        Raises LabError at once for a unit that failed (with its journal) or that no machine can run (with the reason),
        and when `deadline` seconds have passed.
        """

        def running() -> bool:
            try:
                wanted, units, machines = self._look()
                self._prompter.prompt(unloaded(self._picture, units))
            except CannotCheckError:  # a machine that is busy starting containers may be slow to answer
                return False
            self._raise_ended()
            self._stopped = stopped(self._lab, units)
            if place := self._starter.start_idle(self._picture, units):
                raise self._failure(place, "systemd does not start it on {node}")
            self._unplaced.refuse(wanted, units, machines)
            return not self._picture.waiting and not self._stopped

        with events.step("units", message="all running"):
            try:
                wait.until(running, deadline=deadline, interval=INTERVAL, missing=self._missing)
            except wait.DeadlineError as late:
                if self._stopped:
                    message = f"{self._stopped[0]}: fleet was told not to run it any more"
                    raise LabError(message, "find out what else stops it, then deploy it again") from None
                # A unit that is restarted again and again never counts as failed: its journal has the reason. Of
                # several, the one that is started first is the cause: a sidekick only waits for its unit.
                first = next((place for place in self._in_order() if not self._picture.is_up(place)), None)
                if first is None:
                    raise LabError(late.message, hints.lab("status")) from None
                raise evidence.failure(late.message, first, self._picture, self._cluster, self._nodes) from None

    def lasted(self) -> bool:
        """Whether one run of each unit lasts STEADY seconds, and fleet still holds what was submitted.

        False when systemd has started one again meanwhile, or fleet was told to stop one: then `wait` again. A check
        may start a unit, too: that is allowed, and its new run must last. LabError for a unit that is started again and
        again.
        """
        for place, run in self._picture.runs.items():
            self._runs.setdefault(place, {run})
        seen: dict[Place, str] | None = None
        while True:
            try:
                _wanted, units, _machines = self._look()
            except CannotCheckError:
                return False
            if other := replaced(self._lab, units):
                raise LabError(
                    f"{other[0]}: fleet no longer holds what was submitted",
                    "find out what else changes it, then deploy it again",
                )
            # A sidekick may restart another unit through fleet: then that one is stopped for a moment.
            if stopped(self._lab, units):
                return False
            now = self._picture.runs
            changed = [place for place in now if now[place] != (seen or now).get(place) and not self._repeats(place)]
            again = [place for place in changed if self._picture.units[place].restarts]
            for name, node in again:
                events.note("unit", f"was started again on {node}", name)
            self._raise_fleeting()
            if again or self._picture.waiting:
                return False
            left = max((self._since[run] for run in now.items() if run in self._since), default=0.0) + STEADY
            left -= time.monotonic()
            if not changed and left <= 0:
                return True
            seen = now
            time.sleep(max(0.0, left))

    @property
    def late(self) -> list[str]:
        """The units that did not run, when last looked at, on each machine where they must."""
        return list(dict.fromkeys(place[0] for place in self._in_order() if not self._picture.is_up(place)))

    def _look(self) -> tuple[Wanted, list[Unit], list[Machine]]:
        """Asks fleet where units must run, looks there, and keeps the picture."""
        units, states, machines = self._fleet.units(), self._fleet.states(), self._fleet.machines()
        names = self._lab.unit_names
        wanted = unit_places.wanted_places(names, units, states, unit_places.names(self._nodes, machines), machines)
        on = {node for _unit, node in wanted.places} | set(self._before)
        began = time.monotonic()
        looks = unit_states.look(self._cluster, [node for node in self._nodes if node.name in on], names)
        hashes = {unit.name: unit.hash for unit in units}
        now = picture.draw(names, wanted, hashes, self._before, looks, self._irregular, self._ran)
        for place in now.are(Standing.UP):
            if place[0] in self._irregular:
                self._ran.add(place)
            if unit := now.units.get(place):
                self._since.setdefault((place, unit.invocation), began)
                if self._runs and unit.restarts:
                    self._runs.setdefault(place, set()).add(unit.invocation)
        for name in now.running:
            if name not in self._noted:
                self._noted.add(name)
                events.note("unit", "runs", name)
        self._picture = now
        return wanted, units, machines

    def _repeats(self, place: Place) -> bool:
        """Whether a unit may be started again at any time."""
        unit = self._picture.units.get(place)
        return place[0] in self._irregular or (unit is not None and unit.type == "oneshot")

    def _in_order(self) -> list[Place]:
        order = {name: number for number, name in enumerate(self._lab.unit_names)}
        return sorted(self._picture.standings, key=lambda place: (order[place[0]], place[1]))

    def _missing(self) -> str:
        return f"{self._lab.name}: not running: {', '.join(self._picture.waiting) or 'fleet does not answer'}"

    def _failure(self, place: Place, what: str) -> LabError:
        """The error for a unit on a node; `what` may name the {node}."""
        message = f"{place[0]}: {what.format(node=place[1])}"
        return evidence.failure(message, place, self._picture, self._cluster, self._nodes)

    def _raise_ended(self) -> None:
        for place in self._in_order():
            standing = self._picture.standings[place]
            if standing in _ENDED and not self._picture.is_up(place) and self._picture.is_settled(place):
                raise self._failure(place, _ENDED[standing])

    def _raise_fleeting(self) -> None:
        for place, runs in self._runs.items():
            if len(runs) >= RUNS and not self._repeats(place):
                what = f"does not stay up on {{node}}: it was started {len(runs)} times while all others ran"
                raise self._failure(place, what)
