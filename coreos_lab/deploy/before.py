"""What runs of a lab before its units are submitted, so that it is not taken for what was submitted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from coreos_lab import events, wait
from coreos_lab.clients.fleet import Fleet
from coreos_lab.clients.http import CannotCheckError
from coreos_lab.deploy.submit import SUBMIT_DEADLINE
from coreos_lab.model import Cluster, Lab, Node
from coreos_lab.observed import unit_states
from coreos_lab.observed.unit_states import Look
from coreos_lab.records import deployed

INTERVAL = 0.4  # seconds between two looks at the nodes


def runs_before(cluster: Cluster, fleet: Fleet, nodes: Sequence[Node], lab: Lab) -> Look:
    """The lab's units on every node that has some, each with the hash of the file that its run was started from.

    The record of the lab gets these runs and hashes: after a command that was killed while it submitted, the files are
    others, and the next command must still see that the runs are of the earlier ones. DeadlineError when a node does
    not answer.
    """
    record = deployed.load(cluster, lab.name)
    with events.step("units", message="which run already"):
        look = from_their_files(_look(cluster, fleet, nodes, lab), record.runs if record else {})
    runs = {unit.invocation: unit.hash for units in look.values() for unit in units.values()}
    deployed.note_runs(cluster, lab.name, {run: digest for run, digest in runs.items() if run})
    return look


def _look(cluster: Cluster, fleet: Fleet, nodes: Sequence[Node], lab: Lab) -> Look:
    """The units on all nodes that have some: a run that is missed here would later pass for a new one."""
    look: Look = {}
    silent: list[str] = []

    def complete() -> bool:
        nonlocal look, silent
        try:
            states = fleet.states()
            having = _on(fleet, nodes, {state.machine_id for state in states if state.name in lab.unit_names})
        except CannotCheckError:
            silent = ["fleet"]
            return False
        look = unit_states.look(cluster, having, lab.unit_names)
        silent = [node.name for node in having if node.name not in look]
        return not silent

    wait.until(
        complete,
        deadline=wait.patiently(SUBMIT_DEADLINE),
        interval=INTERVAL,
        missing=lambda: f"{lab.name}: which of its units run already is unknown: no answer from {silent[0]}",
    )
    return look


def _on(fleet: Fleet, nodes: Sequence[Node], machines: Iterable[str]) -> list[Node]:
    """The nodes that are these machines of fleet's, by their IDs."""
    addresses = {machine.id: machine.address for machine in fleet.machines()}
    wanted = {addresses.get(machine) for machine in machines}
    return [node for node in nodes if node.address in wanted]


def from_their_files(look: Look, recorded: Mapping[str, str]) -> Look:
    """A look in which each run has the hash of the file that it was started from, where the record has that."""
    return {
        node: {name: replace(unit, hash=recorded.get(unit.invocation, unit.hash)) for name, unit in units.items()}
        for node, units in look.items()
    }
