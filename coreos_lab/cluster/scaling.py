"""Changing the number of a running cluster's nodes.

The plan is written before anything is done, and each step looks at the cluster before it acts: after an interruption
the next command continues.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from coreos_lab import events, hints
from coreos_lab.clients import etcd, host_keys, ssh
from coreos_lab.cluster import leaving, lifecycle, placing, running_units
from coreos_lab.errors import LabError
from coreos_lab.model import Cluster, FaultKind, Node, NodeState
from coreos_lab.node_plans import grown, shrunk
from coreos_lab.observed import inventory, membership
from coreos_lab.observed.observation import Observation, observe
from coreos_lab.providers import cables
from coreos_lab.providers.base import Provider, ZonedProvider
from coreos_lab.records import fault_journal, store

Stranded = dict[str, str]  # units that no node can run -> why


def converge(cluster: Cluster, provider: Provider, count: int) -> tuple[Cluster, Stranded, tuple[str, ...]]:
    """Gives the cluster `count` nodes.

    Returns the new plan, the units that none of its nodes can run, and, in words, what was put right. The highest
    numbers leave, and new nodes take the next ones. May be repeated. Where there is nothing to do, what is broken on
    purpose stays so; it is refused (LabError) while a member must be mended.
    """
    if len(cluster.nodes) == count and not cluster.leaving and fault_journal.open_faults(cluster):
        now = observe(cluster, provider)
        if any(node.name not in now.broken for node in membership.removed(cluster, now.members)):
            refuse_broken(now)
        return cluster, {}, ()
    cluster, stranded = shrink(shrunk(cluster, count), provider)
    bigger = grown(cluster, count)
    if bigger != cluster:
        refuse_broken(observe(cluster, provider))
        store.save(bigger)
    if brought := lifecycle.bring_up(bigger, provider):
        bigger = placing.place(bigger, provider)
        stranded = running_units.wait_for(bigger, running_units.wanted(bigger))
    return bigger, stranded, brought.mended


def shrink(cluster: Cluster, provider: Provider) -> tuple[Cluster, Stranded]:
    """Takes the leaving nodes away; returns what is left, and the units that no other node can run, with the reasons.

    Raises LabError when it is not safe now; then nothing was done, and the plan on disk is as it was. May be repeated.
    """
    if not cluster.leaving:
        return cluster, {}
    refuse_broken(observe(cluster, provider))
    leaving.refuse_unsafe(cluster)
    store.save(cluster)
    wanted = running_units.wanted(cluster)
    with ThreadPoolExecutor(max_workers=len(cluster.leaving)) as pool:
        drained = list(pool.map(lambda node: leaving.leave_fleet(cluster, node, provider), cluster.leaving))
    stranded: Stranded = {}
    if all(drained):  # the units of a node that does not respond can only move when it is gone
        stranded = running_units.wait_for(cluster, wanted)
    left = cluster
    for node in _the_dead_first(cluster):
        leaving.leave_etcd(left, node)
        left = _remove(left, node, provider)
    if not all(drained):
        stranded = running_units.wait_for(left, wanted)
    return left, stranded


def finish(cluster: Cluster, provider: Provider) -> Cluster:
    """Continues an interrupted `lab scale` that takes nodes away; returns the plan without them."""
    if not cluster.leaving:
        return cluster
    lifecycle.bring_up(cluster, provider)
    left, _stranded = shrink(cluster, provider)
    return left


def refuse_broken(now: Observation) -> None:
    """LabError while a node that stays is broken or off: it would be unknown what else may be taken away."""
    staying = now.cluster.staying
    for fault in now.faults:
        if fault.node in {node.name for node in staying}:
            raise LabError(f"{fault.node}: is broken ({fault.kind.value})", f"run '{hints.lab('heal')}' first")
    for node in staying:
        if now.state(node) is not NodeState.RUNNING:
            raise LabError(
                f"{node.name}: is {now.state(node).value}, and it is to stay",
                f"run '{hints.lab('up')}' first: it is started",
            )


def _the_dead_first(cluster: Cluster) -> list[Node]:
    """The leaving nodes in the order of their removal: dead ones already count against etcd's majority."""
    alive = {node.name for node in cluster.leaving if etcd.is_healthy(node.address)}
    return sorted(cluster.leaving, key=lambda node: (node.name in alive, -cluster.nodes.index(node)))


def _undo_outside(cluster: Cluster, fault: fault_journal.OpenFault, provider: Provider) -> None:
    """Undoes what a fault has done beside its machine: that would meet the next machine in its place.

    The cable of a node that joins later has the same name, and a zone that is closed has no machines.
    """
    table = cables.table(cluster.network, fault.id)
    if table in cables.cuts(cluster.network):
        cables.mend(table)
    if fault.kind is FaultKind.ZONE and isinstance(provider, ZonedProvider):
        provider.open_zone(cluster, fault.before.rpartition(" ")[2])


def _remove(cluster: Cluster, node: Node, provider: Provider) -> Cluster:
    """Removes a machine, and then its node from the plan."""
    with events.step("remove", node.name):
        ssh.forget(cluster, node)
        host_keys.forget(cluster, [node])
        provider.destroy(cluster, [node])
    left = replace(cluster, nodes=tuple(each for each in cluster.nodes if each != node))
    for fault in fault_journal.open_faults(left):
        if fault.node == node.name:
            _undo_outside(left, fault, provider)
            fault_journal.healed(left, fault)
    store.save(left)
    inventory.write(observe(left, provider))
    return left
