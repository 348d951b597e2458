"""Breaking nodes: each fault is recorded before it is injected, and its effect is seen before the next one."""

from __future__ import annotations

from dataclasses import replace

from coreos_lab import events, hints
from coreos_lab.chaos import effect, quorum
from coreos_lab.chaos.fault import Break, Fault, Scene
from coreos_lab.chaos.faults import FAULTS, described, silenced
from coreos_lab.clients import ssh
from coreos_lab.errors import LabError
from coreos_lab.model import Cluster, NodeState
from coreos_lab.observed import membership, node_states
from coreos_lab.providers.base import Provider
from coreos_lab.records import fault_journal


def inject(provider: Provider, cluster: Cluster, planned: Break) -> list[fault_journal.OpenFault]:
    """Breaks one node after the other: records the fault, injects it, and goes on when its effect is seen.

    Raises LabError before anything is done when one of the nodes is broken already or cannot be broken in this way.
    Raises DeadlineError or UnknownError when no effect is seen in time: that fault stays on record for `lab heal`.
    """
    fault = FAULTS[planned.kind]
    return [_inject(scene, fault) for scene in require_able(provider, cluster, planned)]


def require_able(provider: Provider, cluster: Cluster, planned: Break) -> list[Scene]:
    """Where the fault is to act. Touches nothing; LabError when one of the nodes cannot be broken in this way."""
    fault = FAULTS[planned.kind]
    scenes = [_able(Scene(provider, cluster, node, planned.values), fault) for node in planned.nodes]
    running = node_states.running(cluster, provider)
    off = {node.name for node in cluster.nodes if node not in running}
    lost = quorum.lost_by(membership.voters(cluster, running), off | silenced(planned))
    if fault.needs_quorum and lost:
        raise LabError(f"{planned.names}: {planned.kind.value} could not be undone: {lost}", "break fewer at a time")
    return scenes


def _able(scene: Scene, fault: Fault) -> Scene:
    cluster, node = scene.cluster, scene.node
    on_record = [each for each in fault_journal.open_faults(cluster) if each.node == node.name]
    if on_record:
        kind = on_record[0].kind.value
        raise LabError(f"{node.name}: is broken already ({kind})", f"run '{hints.lab('heal')}' first")
    if scene.provider.state(cluster, node) is not NodeState.RUNNING:
        raise LabError(f"{node.name}: is not running, so it cannot be broken", f"start it with '{hints.lab('up')}'")
    fault.require_able(scene)
    return scene


def _inject(scene: Scene, fault: Fault) -> fault_journal.OpenFault:
    node = scene.node
    before = fault.before(scene)
    entry = fault_journal.record(scene.cluster, fault.kind, node.name, scene.values, before)
    scene = replace(scene, id=entry.id, before=before)
    with events.step("fault", node.name, described(entry, scene.cluster)):
        fault.inject(scene)
        ssh.forget(scene.cluster, node)
        effect.wait_until_seen(fault, scene)
    return entry
