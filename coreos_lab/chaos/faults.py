"""The faults: what each does, how its effect is seen from outside, and how it is undone."""

from __future__ import annotations

import http.client
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from coreos_lab import events, mirror, ready, wait
from coreos_lab.chaos import journal
from coreos_lab.clients import ssh
from coreos_lab.clients.etcd import CLIENT_PORT
from coreos_lab.clients.http import request
from coreos_lab.errors import LabError, UsageError
from coreos_lab.model import Cluster, FaultKind, Node, NodeState
from coreos_lab.providers.base import Provider
from coreos_lab.store import ClusterFolder

EFFECT_DEADLINE = 60.0  # seconds: a clean shutdown stops containers, each with ten seconds of patience
SILENCE = 0.5  # seconds without an answer on a network where answers take less than one millisecond
Act = Callable[[Provider, Cluster, Node], None]


@dataclass(frozen=True)
class Fault:
    """`inject` does it; `returns` is the state that it leaves the machine in; `comes_back` without our help."""

    summary: str
    inject: Act
    returns: NodeState
    comes_back: bool = False


FAULTS = {
    FaultKind.KILL: Fault("power cut", lambda p, c, n: p.kill(c, n), NodeState.STOPPED),
    FaultKind.HALT: Fault("clean shutdown", lambda p, c, n: p.halt(c, n), NodeState.STOPPED),
    FaultKind.REBOOT: Fault("clean reboot", lambda p, c, n: p.reboot(c, n), NodeState.RUNNING, comes_back=True),
    FaultKind.PAUSE: Fault("frozen", lambda p, c, n: p.pause(c, n), NodeState.PAUSED),
}


def kind_of(text: str) -> FaultKind:
    """The fault of that name; UsageError lists the names that there are."""
    try:
        return FaultKind(text)
    except ValueError:
        known = ", ".join(f"{kind.value} ({fault.summary})" for kind, fault in FAULTS.items())
        raise UsageError(f"--fault {text}: no such fault (there is: {known})") from None


def answers(node: Node) -> bool:
    """Whether anything on a node answers: its etcd, member or client, is asked for its version."""
    try:
        request(f"http://{node.address}:{CLIENT_PORT}", "GET", "/version", timeout=SILENCE)
    except (OSError, http.client.HTTPException):
        return False
    return True


def inject(provider: Provider, cluster: Cluster, node: Node, kind: FaultKind) -> journal.OpenFault:
    """Writes the fault down, breaks the node, and returns when the effect was seen.

    Raises LabError when a fault is open on the node already, or when no effect is seen in time (then it is healed by
    `lab heal`, as any other).
    """
    known = [fault for fault in journal.open_faults(cluster) if fault.node == node.name]
    if known:
        raise LabError(f"{node.name}: is broken already ({known[0].kind.value})", "run 'lab heal' first")
    if provider.state(cluster, node) is not NodeState.RUNNING:
        raise LabError(f"{node.name}: is not running, so it cannot be broken", "start it with 'lab up'")
    before = provider.boot_id(cluster, node)
    fault = journal.record(cluster, kind, node.name)
    with events.step("fault", node.name, f"{kind.value}: {FAULTS[kind].summary}"):
        FAULTS[kind].inject(provider, cluster, node)
        ssh.forget(cluster, node)
        wait.until(
            lambda: _effect(provider, cluster, node, kind, before),
            deadline=EFFECT_DEADLINE,
            interval=0.02,
            missing=f"{node.name}: no effect of {kind.value} is seen",
        )
    return fault


def _effect(provider: Provider, cluster: Cluster, node: Node, kind: FaultKind, before: str) -> bool:
    """From outside: the machine's state, and that it answers nothing; for a reboot, that it is another boot."""
    if FAULTS[kind].comes_back:
        return provider.boot_id(cluster, node) != before
    return provider.state(cluster, node) is FAULTS[kind].returns and not answers(node)


def heal(provider: Provider, cluster: Cluster, faults: Sequence[journal.OpenFault]) -> None:
    """Undoes faults, checks that their effect is gone, and only then strikes them off the journal. May be repeated.

    All machines are started before any is waited for: etcd may need several of them for a quorum.
    """
    names = {fault.node for fault in faults}
    nodes = [
        node for node in cluster.nodes if node.name in names
    ]  # one that is no longer of the cluster needs no repair
    with events.step("heal", message=", ".join(f"{fault.node} ({fault.kind.value})" for fault in faults)):
        provider.create_network(cluster)  # a restart of the host takes it along
        off = [node for node in nodes if provider.state(cluster, node) is not NodeState.RUNNING]
        for node in off:
            ssh.forget(cluster, node)
        provider.start(cluster, off, ClusterFolder(cluster.name).user_data)
        mirror.run_mirror(cluster)  # units pull when they start
        if nodes:
            ready.wait_for_nodes(cluster, nodes, provider, deadline=provider.boot_deadline)
    for fault in faults:
        journal.healed(cluster, fault)
