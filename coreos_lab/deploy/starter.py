"""Starts units that fleet does not start, though it holds them as started."""

from __future__ import annotations

from collections.abc import Sequence

from coreos_lab import events
from coreos_lab.clients import ssh
from coreos_lab.clients.fleet import Unit
from coreos_lab.deploy.irregular import Irregular
from coreos_lab.deploy.picture import Picture
from coreos_lab.model import Cluster, Node
from coreos_lab.observed.lasting import Lasting
from coreos_lab.observed.standing import Standing, judge
from coreos_lab.observed.unit_places import Place
from coreos_lab.observed.unit_states import Look, NodeUnit

TRIES = 3  # how often one run of a unit is started here before the lab is given up


class Starter:
    """Starts units on a cluster's nodes, by their systemd."""

    def __init__(self, cluster: Cluster, nodes: Sequence[Node]) -> None:
        self._cluster = cluster
        self._nodes = {node.name: node for node in nodes}
        self._tries: dict[tuple[Place, str], int] = {}  # by place and run
        self._idle, self._old = Lasting(), Lasting()

    def retry(self, before: Look, irregular: Irregular) -> None:
        """Starts the units that had failed or ended before they were submitted: fleet leaves them as they are.

        Their end says nothing about what was submitted. A container ends without an error when its Docker is restarted,
        for example. `irregular` units rest until their next start.
        """
        for node, units in before.items():
            for unit in units.values():
                standing = judge(unit, None, unit.hash)
                if standing is Standing.FAILED or (standing is Standing.ENDED and unit.name not in irregular):
                    events.note("unit", f"had {standing} on {node}, is started again", unit.name)
                    self._start(node, unit)

    def start_idle(self, picture: Picture, units: Sequence[Unit]) -> Place | None:
        """Starts what fleet has left idle for LASTING seconds; returns the first unit that TRIES starts did not help.

        A fleetd that was away while a unit was removed and submitted again believes that it still runs, for example.
        A unit that fleet is about to start is left to it: one that does its work once would do it twice.
        """
        launched = {unit.name for unit in units if unit.launched}
        idle = self._idle.of(place for place in picture.are(Standing.IDLE) if place[0] in launched)
        for place in [*idle, *self._old.of(picture.are(Standing.OLD))]:
            unit = picture.units[place]
            run = (place, unit.invocation)
            self._tries[run] = self._tries.get(run, 0) + 1
            if self._tries[run] > TRIES:
                return place
            name, node = place
            events.note("unit", f"is started on {node}, as fleet does not start it", name)
            self._start(node, unit)
        return None

    def _start(self, node: str, unit: NodeUnit) -> None:
        verb = "start" if unit.active == "inactive" else "restart"
        ssh.ask(self._cluster, self._nodes[node], ["sudo", "systemctl", verb, "--no-block", unit.name])
