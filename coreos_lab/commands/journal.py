"""lab journal: a unit's journal, from the node that runs it."""

from __future__ import annotations

from typing import NoReturn

from coreos_lab import store
from coreos_lab.clients import ssh
from coreos_lab.clients.fleet import Fleet
from coreos_lab.commands.passthrough import running_nodes
from coreos_lab.errors import LabError


def journal(name: str, unit: str, *, lines: int, follow: bool) -> NoReturn:
    """Becomes journalctl on the node that has the unit. LabError when no node has it."""
    cluster = store.require(name)
    nodes = running_nodes(cluster)
    full = unit if "." in unit else f"{unit}.service"
    fleet = Fleet([node.address for node in nodes])
    holders = {state.machine_id for state in fleet.states() if state.name == full}
    address = next((machine.address for machine in fleet.machines() if machine.id in holders), None)
    node = next((node for node in nodes if node.address == address), None)
    if node is None:
        raise LabError(f"{full}: no machine has that unit", "see 'lab status' for the units that are there")
    call = ["journalctl", "--no-pager", f"--unit={full}", f"--lines={lines}", *(["--follow"] if follow else [])]
    ssh.replace(cluster, node, call)
