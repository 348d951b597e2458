"""The targets of `lab break`: a node's name, unit:NAME for the node that runs that unit, az:ZONE for a zone's nodes."""

from __future__ import annotations

from collections.abc import Sequence

from coreos_lab import hints
from coreos_lab.chaos.schedule import Step
from coreos_lab.errors import LabError, UnknownError, UsageError
from coreos_lab.model import Cluster, FaultKind, Node
from coreos_lab.observed import node_states, unit_places
from coreos_lab.providers.base import Provider, ZonedProvider
from coreos_lab.records import store
from coreos_lab.units import unit_names

ZONE = "az:"  # what a zone's name follows: az:us-west-2a


def target_nodes(cluster: Cluster, provider: Provider, target: str) -> list[Node]:
    """The nodes that a target names: one, or all that run in a zone. UsageError lists the zones."""
    if not target.startswith(ZONE):
        return [target_node(cluster, provider, target)]
    if not isinstance(provider, ZonedProvider):
        raise UsageError(f"{target}: the provider {provider.name} has no zones", "name a node, or unit:NAME")
    zones = {node: provider.zone(cluster, node) for node in node_states.running(cluster, provider)}
    found = [node for node, zone in zones.items() if zone == target.removeprefix(ZONE)]
    if not found:
        there = ", ".join(f"{ZONE}{zone}" for zone in sorted(set(zones.values()))) or "none"
        raise UsageError(f"{target}: no node of cluster {cluster.name} runs in that zone (there is: {there})")
    return found


def usual_fault(targets: Sequence[str]) -> str:
    """What targets are broken by, where nothing is said: a zone by its end, nodes by a power cut."""
    zones = targets and all(target.startswith(ZONE) for target in targets)
    return (FaultKind.ZONE if zones else FaultKind.KILL).value


def require_whole_zones(step: Step) -> None:
    """UsageError where only a part of a zone would be gone."""
    others = [target for target in step.targets if not target.startswith(ZONE)]
    if step.kind is FaultKind.ZONE and others:
        raise UsageError(f"{others[0]}: a zone fails as a whole", f"name a zone, such as {ZONE}us-west-2a")


def target_node(cluster: Cluster, provider: Provider, target: str, *, up: bool = True) -> Node:
    """The node that a target names.

    The unit of unit:NAME is looked up on the nodes. Where it need not be `up`, the one node that fleet has chosen for
    it will do: a unit that fails or waits is what somebody wants to look at. Raises LabError if it runs on none,
    UsageError if on several, and UnknownError if a node that may run it does not answer.
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
    if not running and not up and len(places) == 1:
        return places[0][0]
    if not running:
        raise LabError(f"{full}: no machine runs that unit", f"see '{hints.lab('status')}' for the units that run")
    if len(running) > 1:
        raise UsageError(
            f"{full}: runs on {', '.join(node.name for node in running)}", "name the node that you want to break"
        )
    return running[0]
