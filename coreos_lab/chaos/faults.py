"""Every fault there is, and the order of things: on record, done, seen; undone, seen to be gone, struck off."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from coreos_lab import events, mirror, ready, wait
from coreos_lab.chaos import journal, quorum
from coreos_lab.chaos.clock import ClockSkew
from coreos_lab.chaos.extra_disk import LoseDisk, SlowDisk
from coreos_lab.chaos.fault import Break, Fault, Scene, values_for
from coreos_lab.chaos.file_system import Fill, ReadOnly
from coreos_lab.chaos.keys import OverwriteKeys, RemoveKeys
from coreos_lab.chaos.machine import CrashLoop, Halt, Kill, Pause, Reboot
from coreos_lab.chaos.member import CorruptData, LoseData, RemoveMember
from coreos_lab.chaos.network import Bandwidth, Delay, Duplicate, Isolate, Loss, Partition
from coreos_lab.chaos.resource import CpuQuota, MemoryLimit, TaskLimit
from coreos_lab.chaos.service import Crash, Freeze, KeepCrashing, Stop
from coreos_lab.clients import ssh
from coreos_lab.errors import LabError, UsageError
from coreos_lab.model import Cluster, FaultKind, Node, NodeState
from coreos_lab.providers.base import Provider
from coreos_lab.store import ClusterFolder

EFFECT_DEADLINE = 60.0  # seconds: a clean shutdown stops containers, each with ten seconds of patience
GONE_DEADLINE = 60.0  # seconds for what was undone to show
FAULTS: dict[FaultKind, Fault] = {
    fault.kind: fault
    for fault in (
        Kill(),
        Halt(),
        Reboot(),
        Pause(),
        CrashLoop(),
        Isolate(),
        Partition(),
        Bandwidth(),
        Loss(),
        Delay(),
        Duplicate(),
        Fill(),
        ReadOnly(),
        LoseDisk(),
        SlowDisk(),
        CpuQuota(),
        MemoryLimit(),
        TaskLimit(),
        ClockSkew(),
        Stop(),
        Crash(),
        KeepCrashing(),
        Freeze(),
        LoseData(),
        CorruptData(),
        RemoveMember(),
        RemoveKeys(),
        OverwriteKeys(),
    )
}


def kind_of(text: str) -> FaultKind:
    """The fault of that name; UsageError lists the names that there are."""
    try:
        return FaultKind(text)
    except ValueError:
        known = ", ".join(kind.value for kind in FAULTS)
        raise UsageError(f"--fault {text}: no such fault (there is: {known})", "lab faults") from None


def plan(nodes: Sequence[Node], kind: FaultKind, told: Mapping[str, str]) -> Break:
    """The break that was asked for; UsageError for a parameter that the fault has not, or a value of a wrong form."""
    return Break(tuple(dict.fromkeys(nodes)), kind, values_for(FAULTS[kind], told))


def inject(provider: Provider, cluster: Cluster, planned: Break) -> list[journal.OpenFault]:
    """Breaks one node after the other: writes the fault down, does it, and goes on when the effect was seen.

    Raises LabError before anything is done when one of the nodes is broken already or cannot be broken in this way; and
    when no effect is seen in time: then it is healed by `lab heal`, as any other.
    """
    fault = FAULTS[planned.kind]
    return [_inject(scene, fault) for scene in require_able(provider, cluster, planned)]


def require_able(provider: Provider, cluster: Cluster, planned: Break) -> list[Scene]:
    """Where the fault is to act. Touches nothing; LabError when one of the nodes cannot be broken in this way."""
    fault = FAULTS[planned.kind]
    scenes = [_able(Scene(provider, cluster, node, planned.values), fault) for node in planned.nodes]
    off = {node.name for node in cluster.nodes if provider.state(cluster, node) is not NodeState.RUNNING}
    lost = quorum.lost_by(cluster, off | silenced(planned))
    if fault.needs_quorum and lost:
        raise LabError(f"{planned.names}: {planned.kind.value} could not be undone: {lost}", "break fewer at a time")
    return scenes


def _able(scene: Scene, fault: Fault) -> Scene:
    cluster, node = scene.cluster, scene.node
    known = [each for each in journal.open_faults(cluster) if each.node == node.name]
    if known:
        raise LabError(f"{node.name}: is broken already ({known[0].kind.value})", "run 'lab heal' first")
    if scene.provider.state(cluster, node) is not NodeState.RUNNING:
        raise LabError(f"{node.name}: is not running, so it cannot be broken", "start it with 'lab up'")
    fault.require_able(scene)
    return scene


def _inject(scene: Scene, fault: Fault) -> journal.OpenFault:
    node = scene.node
    before = fault.before(scene)
    entry = journal.record(scene.cluster, fault.kind, node.name, scene.values, before)
    scene = replace(scene, id=entry.id, before=before)
    with events.step("fault", node.name, described(entry)):
        fault.inject(scene)
        ssh.forget(scene.cluster, node)
        wait.until(
            lambda: fault.seen(scene),
            deadline=wait.patiently(EFFECT_DEADLINE),
            interval=0.02,
            missing=f"{node.name}: no effect of {fault.kind.value} is seen",
        )
    return entry


def silenced(planned: Break) -> set[str]:
    """The names of the nodes that will be lost to the other members of etcd."""
    return {node.name for node in planned.nodes} if FAULTS[planned.kind].silences(planned.values) else set()


def described(entry: journal.OpenFault) -> str:
    """A fault in words: what it is, and what was chosen of it."""
    chosen = ", ".join(f"{name} {value}" for name, value in entry.values.items())
    return f"{entry.kind.value}: {FAULTS[entry.kind].summary}" + (f" ({chosen})" if chosen else "")


def heal(provider: Provider, cluster: Cluster, faults: Sequence[journal.OpenFault]) -> None:
    """Undoes faults, checks that their effect is gone, and only then strikes them off the journal. May be repeated.

    What acts from outside is undone first, and all machines are started before any is waited for: etcd may need several
    of them for a quorum. What is broken inside a machine comes last, since it has to run for that.
    """
    scenes = [
        (FAULTS[entry.kind], Scene(provider, cluster, node, entry.values, entry.id, entry.before))
        for entry in faults
        if (node := cluster.node(entry.node)) is not None  # one that is no longer of the cluster needs no repair
    ]
    nodes = [node for node in cluster.nodes if any(scene.node == node for _fault, scene in scenes)]
    with events.step("heal", message=", ".join(f"{entry.node} ({entry.kind.value})" for entry in faults)):
        provider.create_network(cluster)  # a restart of the host takes it along
        for fault, scene in scenes:
            if fault.outside:
                fault.undo(scene)
        off = [node for node in cluster.nodes if provider.state(cluster, node) is not NodeState.RUNNING]
        started = [node for node in off if node in nodes]
        if quorum.lost_by(cluster, {node.name for node in off if node not in started}):
            # All are off after a restart of the host, and none is in order without etcd's majority.
            started += [node for node in off if node.member and node not in started]
        for node in started:
            ssh.forget(cluster, node)
        provider.start(cluster, started, ClusterFolder(cluster.name).user_data)
        mirror.run_mirror(cluster)  # units pull when they start
        for fault, scene in scenes:
            if not fault.outside and fault.family != "machine":
                _reach(scene)
                fault.undo(scene)
        waited = [node for node in nodes if any(fault.waits and scene.node == node for fault, scene in scenes)]
        if waited:
            ready.wait_for_nodes(cluster, waited, provider, deadline=provider.boot_deadline)
        for fault, scene in scenes:
            _see_gone(fault, scene)
    for entry in faults:
        journal.healed(cluster, entry)


def _reach(scene: Scene) -> None:
    """A machine that was just started is not asked for more: what it lacks may be what is to be undone."""
    wait.until(
        lambda: ssh.node_run(scene.cluster, scene.node, ["true"], check=False).returncode == 0,
        deadline=scene.provider.boot_deadline,
        interval=0.2,
        missing=f"{scene.node.name}: does not answer over SSH",
    )


def _see_gone(fault: Fault, scene: Scene) -> None:
    wait.until(
        lambda: fault.gone(scene),
        deadline=wait.patiently(GONE_DEADLINE),
        interval=0.1,
        missing=f"{scene.node.name}: {fault.kind.value} is undone, and its effect is still seen",
    )
