"""Submits a lab's units to fleet, until fleet holds them."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from pathlib import Path

from coreos_lab import events, run, wait
from coreos_lab.clients.fleet import API_PORT, Fleet, Unit
from coreos_lab.clients.http import CannotCheckError
from coreos_lab.deploy import submitted
from coreos_lab.machine_image.userland import ensure_userland
from coreos_lab.model import Lab, Node
from coreos_lab.observed import node_states

SUBMIT_DEADLINE = 90.0  # seconds until some fleetd reaches its etcd: after an outage of etcd, each may pause for 60
# fleetctl's errors for a fleetd whose etcd is slow or away, which cannot be reached now, or is just starting.
AWAY = re.compile(r"Error 50[03]|response code 50[03]|connection refused|connection reset|EOF")


def submit(nodes: Sequence[Node], lab: Lab) -> None:
    """Submits the units to fleet, in order, and returns when it holds them as they are in the lab's files.

    Units that fleet holds with another text are replaced, templates included: fleetctl makes an instance from fleet's
    template where there is one, whatever the file says.
    """
    fleet = Fleet(node_states.addresses(nodes))
    # fleetctl finds a template by its instance's name, in the same folder.
    paths = [str(unit.path.with_name(name)) for unit in lab.units for name in unit.started]
    different: list[str] = []

    def held() -> bool:
        nonlocal different
        try:
            different = other_than(lab, fleet.units())
        except CannotCheckError:
            different = ["fleet does not answer"]
            return False
        if not different:
            return True
        if templates := [str(unit.path) for unit in lab.units if unit.instances and unit.name in different]:
            fleetctl(nodes, ["submit", "--replace", *templates])
        fleetctl(nodes, ["start", "--no-block", "--replace", *paths])
        return False

    with events.step("units", message=f"{len(paths)} to start"):
        wait.until(
            held,
            deadline=wait.patiently(SUBMIT_DEADLINE),
            interval=0.05,
            missing=lambda: f"{lab.name}: fleet does not hold what was submitted: {', '.join(different)}",
        )


def other_than(lab: Lab, units: Sequence[Unit]) -> list[str]:
    """The lab's units that fleet lacks, does not have to run, or holds with another text. A template may be missing."""
    others = {*replaced(lab, units), *stopped(lab, units)}
    return list(dict.fromkeys(name for unit in lab.units for name in (*unit.started, unit.name) if name in others))


def replaced(lab: Lab, units: Sequence[Unit]) -> list[str]:
    """The lab's units that fleet lacks, or holds with another text. A template may be missing."""
    held = {unit.name: unit for unit in units}
    others = []
    for unit in lab.units:
        digest = (submitted.SECTION, submitted.DIGEST, submitted.digest(unit.path))
        others += [name for name in unit.started if name not in held or digest not in held[name].options]
        if unit.instances and unit.name in held and digest not in held[unit.name].options:
            others.append(unit.name)
    return others


def stopped(lab: Lab, units: Sequence[Unit]) -> list[str]:
    """The lab's units that fleet holds and does not have to run."""
    names = set(lab.unit_names)
    return [unit.name for unit in units if unit.name in names and unit.desired != "launched"]


def fleetctl(nodes: Sequence[Node], words: Sequence[str]) -> None:
    """Runs fleetctl with these words, against the fleetd of any of the nodes.

    A fleetd that has just lost its etcd, during a leader election for example, refuses for a moment: then the next
    node's fleetd is tried. Raises the last refusal when none accepts within SUBMIT_DEADLINE.
    """
    program = ensure_userland() / "bin" / "fleetctl"
    addresses = itertools.cycle(node_states.addresses(nodes))
    refused: list[run.CommandError] = []

    def done() -> bool:
        call: list[str | Path] = [program, f"--endpoint=http://{next(addresses)}:{API_PORT}", *words]
        try:
            run.run(call, timeout=wait.patiently(60))
        except run.CommandError as error:
            if not AWAY.search(error.details):
                raise
            refused.append(error)
            return False
        return True

    try:
        wait.until(done, deadline=wait.patiently(SUBMIT_DEADLINE), interval=0.5, missing="no fleetd accepts units")
    except wait.DeadlineError:
        raise refused[-1] from None
