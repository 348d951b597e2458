"""Undoing faults in an order that can work, and removing each from the journal once its effect is gone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from coreos_lab import events, hints, interrupts, wait
from coreos_lab.chaos import effect, quorum
from coreos_lab.chaos.fault import Fault, Scene
from coreos_lab.chaos.faults import FAULTS
from coreos_lab.clients import ssh
from coreos_lab.cluster import joining, mirror, placing, preloading
from coreos_lab.errors import LabError
from coreos_lab.model import Cluster, FaultKind, Node, NodeState
from coreos_lab.observed import membership, node_states, ready
from coreos_lab.providers.base import Provider
from coreos_lab.records import fault_journal
from coreos_lab.records.store import ClusterFolder

ENDING = (FaultKind.KILL, FaultKind.HALT, FaultKind.ZONE)  # what ends a machine for good, where it is replaced


def heal(provider: Provider, cluster: Cluster, faults: Sequence[fault_journal.OpenFault]) -> Cluster:
    """Undoes faults, checks that their effect is gone, and only then strikes them off the journal. May be repeated.

    Returns the cluster with its machines' present addresses: those that were lost may have been replaced.

    Acts that were interrupted come to their end first: a machine that is still on its way down passes for one that
    runs. What acts from outside is undone next. All machines are started before any is waited for: etcd may need
    several of them for a quorum. What is broken inside a machine comes last, because the machine has to run for that.
    A fault that cannot be undone stays on record and keeps no other from being healed; its LabError is raised at the
    end. So is ExpelledError for a node that is no member of etcd any more, once its faults are struck off: `lab up`
    leaves alone what is on record as broken, and could not make it a member again.
    """
    repair = _Repair()
    scenes = [
        (FAULTS[entry.kind], Scene(provider, cluster, node, entry.values, entry.id, entry.before))
        for entry in faults
        if (node := cluster.node(entry.node)) is not None  # a node that has left the cluster needs no repair
    ]
    nodes = [node for node in cluster.nodes if any(scene.node == node for _fault, scene in scenes)]
    names = ", ".join(f"{entry.node} ({entry.kind.value})" for entry in faults)
    with interrupts.undoing(f"healing {names}"), events.step("heal", message=names):
        provider.create_network(cluster)  # a restart of the host removes it
        for fault, scene in scenes:
            repair.attempt(partial(_finish, fault), scene)
        for fault, scene in scenes:
            if fault.outside:
                repair.attempt(fault.undo, scene)
        started = _to_start(provider, cluster, nodes)
        for node in started:
            ssh.forget(cluster, node)
        user_data = ClusterFolder(cluster.name).user_data
        repair.share(
            partial(provider.start, cluster, started, user_data),
            lambda: [each for _, each in scenes if provider.state(cluster, each.node) is not NodeState.RUNNING],
        )
        if cluster.replaced:
            cluster = placing.place(cluster, provider)
            nodes = list(placing.as_in(cluster, nodes))
            now = {node.name: node for node in nodes}
            scenes = [(fault, replace(each, cluster=cluster, node=now[each.node.name])) for fault, each in scenes]
        repair.share(partial(mirror.run_mirror, cluster), list)  # units pull when they start
        for fault, scene in scenes:
            if not fault.outside and fault.family != "machine":
                repair.attempt(_wait_for_ssh, scene)
                repair.attempt(fault.undo, scene)
        waiting = [scene for fault, scene in scenes if fault.waits and scene.id not in repair.failed]
        waited = [node for node in nodes if any(scene.node == node for scene in waiting)]
        # Docker that an interrupted deployment left stopped: a node without it does not serve.
        states = node_states.of(cluster, provider)
        repair.share(partial(preloading.start_stopped, cluster, states), list)
        repair.share(partial(_wait_until_serving, cluster, waited, provider, repair.errors), lambda: waiting)
        for fault, scene in scenes:
            repair.attempt(partial(effect.wait_until_gone, fault), scene)
        _strike_off(cluster, faults, repair)
        if repair.errors:
            raise repair.errors[0]
    return cluster


def _strike_off(cluster: Cluster, faults: Sequence[fault_journal.OpenFault], repair: _Repair) -> None:
    """Strikes off what is healed, and says of the rest why it is not: an interrupted call shows no other error."""
    for entry in faults:
        if why := repair.failed.get(entry.id):
            said = f"{entry.node} ({entry.kind.value}) is still broken: {why.message}"
            events.note("heal", f"{said}; '{hints.lab('heal')}' tries again", entry.node)
        else:
            fault_journal.healed(cluster, entry)


def fates(before: Cluster, now: Cluster, faults: Sequence[fault_journal.OpenFault]) -> list[str]:
    """For each broken node, in words, whether its machine is another one now; nothing where none ever is.

    `before` is the cluster before it was healed. A fault that ends a machine has recorded which one that was.
    """
    if not now.replaced:
        return []
    told = []
    for fault in faults:
        old, new = before.node(fault.node), now.node(fault.node)
        if old is None or new is None:
            continue
        was = fault.before.partition(" ")[0] if fault.kind in ENDING else old.instance
        if was == new.instance:
            told.append(f"{new.name} came back, as {new.instance}")
        else:
            told.append(f"{new.name} was replaced: {new.instance} is in place of {was}")
    return told


def _to_start(provider: Provider, cluster: Cluster, nodes: Sequence[Node]) -> list[Node]:
    """The nodes to start so that `nodes` can serve again."""
    off = [node for node in cluster.nodes if provider.state(cluster, node) is not NodeState.RUNNING]
    started = [node for node in off if node in nodes]
    voters = membership.voters(cluster, [node for node in cluster.nodes if node not in off])
    if quorum.lost_by(voters, {node.name for node in off if node not in started}):
        # All nodes are off after a restart of the host, and none can serve without etcd's majority.
        started += [node for node in off if node.member and node not in started]
    return started


def _wait_until_serving(cluster: Cluster, nodes: Sequence[Node], provider: Provider, errors: list[LabError]) -> None:
    """Waits until all nodes serve, except those that are no members of etcd any more: their errors go to `errors`.

    A machine that is there in place of a lost one never was a member: it is made one.
    """
    left = list(nodes)
    rejoin = partial(joining.rejoin, cluster, provider) if cluster.replaced else None
    while left:
        try:
            ready.wait_for_nodes(cluster, left, provider, deadline=provider.boot_deadline, rejoin=rejoin)
        except ready.ExpelledError as error:
            errors.append(error)
            left.remove(error.node)
        else:
            return


class _Repair:
    """Goes on after an error. `failed` has the error of each fault that stays on record, `errors` has all."""

    def __init__(self) -> None:
        self.failed: dict[str, LabError] = {}  # by the ids of the faults
        self.errors: list[LabError] = []

    def attempt(self, act: Callable[[Scene], None], scene: Scene) -> None:
        """A part of one fault's repair, left out once another part of it has failed."""
        if scene.id not in self.failed:
            self.share(partial(act, scene), lambda: [scene])

    def share(self, act: Callable[[], object], concerned: Callable[[], list[Scene]]) -> None:
        """A part of several faults' repair; `concerned` returns, after an error, those that have failed with it."""
        try:
            act()
        except LabError as error:
            self.errors.append(error)
            self.failed |= {scene.id: error for scene in concerned() if scene.id not in self.failed}


def _finish(fault: Fault, scene: Scene) -> None:
    """Carries an act to its end whose effect may yet come.

    It may come to its end by itself between the look and the act, which then fails: the effect tells.
    """
    if not fault.is_half_done(scene):
        return
    refused: LabError | None = None
    try:
        fault.finish(scene)
    except LabError as error:
        refused = error
    ssh.forget(scene.cluster, scene.node)
    try:
        effect.wait_until_seen(fault, scene)
    except LabError:
        if refused is not None:
            raise refused from None
        raise


def _wait_for_ssh(scene: Scene) -> None:
    """Waits for nothing else of a machine that was just started: what it lacks may be what is to be undone."""
    wait.until(
        lambda: ssh.ask(scene.cluster, scene.node, ["true"]),
        deadline=scene.provider.boot_deadline,
        interval=0.2,
        missing=f"{scene.node.name}: does not answer over SSH",
    )
