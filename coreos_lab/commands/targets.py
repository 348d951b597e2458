"""The targets of `lab break`: a node's name, or unit:NAME for the node that runs that unit."""

from __future__ import annotations

from coreos_lab import hints
from coreos_lab.errors import LabError, UnknownError, UsageError
from coreos_lab.model import Cluster, Node
from coreos_lab.observed import node_states, unit_places
from coreos_lab.providers.base import Provider
from coreos_lab.records import store
from coreos_lab.units import unit_names


def target_node(cluster: Cluster, provider: Provider, target: str) -> Node:
    """The node that a target names.

    The unit of unit:NAME is looked up on the nodes. Raises LabError if it runs on none, UsageError if on several, and
    UnknownError if a node that may run it does not answer.
    """
    prefix, colon, unit = target.partition(":")
    if not colon:
        return store.require_node(cluster, target)
    if prefix != "unit" or not unit:
        raise UsageError(f"{target}: no such target", "name a node, or unit:NAME")
    full = unit_names.full(unit)
    places = unit_places.of(cluster, node_states.running(cluster, provider), full)
    running = [node for node, on in places if on is not None and on.up]
    silent = [node.name for node, on in places if on is None]
    if silent and len(running) <= 1:
        raise UnknownError(
            f"{full}: {', '.join(silent)} does not answer, so where it runs is unknown",
            f"see '{hints.lab('status')}', or name the node that you want to break",
        )
    if not running:
        raise LabError(f"{full}: no machine runs that unit", f"see '{hints.lab('status')}' for the units that run")
    if len(running) > 1:
        raise UsageError(
            f"{full}: runs on {', '.join(node.name for node in running)}", "name the node that you want to break"
        )
    return running[0]
