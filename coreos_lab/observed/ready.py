"""Waits until nodes serve, looking from outside; when the deadline passes, the error names what is missing.

One long module because a node is waited for in one order, boot, etcd, fleet, whose parts share one deadline.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, as_completed

from coreos_lab import events, hints, run, threads, wait
from coreos_lab.clients import etcd, ssh
from coreos_lab.clients.fleet import Fleet
from coreos_lab.clients.http import CannotCheckError
from coreos_lab.errors import LabError
from coreos_lab.model import Cluster, Node, NodeState
from coreos_lab.observed import membership
from coreos_lab.observed.last_words import last_words
from coreos_lab.providers.base import Provider

FAILED_AFTER = 8.0  # seconds without etcd after which, and between which, a node is asked whether its boot has failed
FEW, A_NODE = 10, 3.0  # each node beyond so many adds so many seconds: all share the host's cores
LOOKS_A_SECOND = 100  # at all nodes together, of each kind
PATIENCE = 15.0  # seconds for one try over SSH: a connection that a dying machine accepted never answers
# Seconds: fleetd asks an etcd that does not answer again after 1, 2, 4 ... 60 s (its server/server.go), and finds one
# that is back after a long outage that much later.
FLEET_ASKS_AGAIN = 60.0
FLEET_IS_LATE = 5.0  # seconds after which the terminal says what is waited for
# One connection asks both: does Docker answer, and has systemd finished booting? Docker's socket starts it, which takes
# longest; every question to systemd before that would take time from all nodes' cores.
PROBE = """
docker version --format 'docker={{.Server.Version}}' || exit
while state=$(systemctl is-system-running); [ "$state" = starting ] || [ "$state" = initializing ]; do sleep 0.1; done
echo "state=$state"
"""


# Makes a node that the other members have removed a member again. Returns what is to be done once its etcd is healthy;
# None where the node could not be reached, and nothing was done.
Rejoin = Callable[[Node], Callable[[], object] | None]


def _interval(cluster: Cluster) -> float:
    """Seconds between two looks at a node: looking at many nodes takes time from the cores that boot them."""
    return max(0.1, len(cluster.nodes) / LOOKS_A_SECOND)


class NodeNotReadyError(LabError):
    """A node does not serve; the details are the last lines of its journal or console."""


class ExpelledError(NodeNotReadyError):
    """The other members of etcd have removed a node: it cannot serve until it is made a member again."""

    def __init__(self, node: Node, why: str) -> None:
        super().__init__(f"{node.name}: {why}", f"'{hints.lab('up')}' makes it a member again")
        self.node = node


def port_open(address: str, port: int) -> bool:
    """Whether something accepts TCP connections there; an address that is not known ("") is nowhere."""
    if not address:
        return False
    try:
        with socket.create_connection((address, port), timeout=0.5):
            return True
    except OSError:
        return False


def patience_for(nodes: int, deadline: float) -> float:
    """Seconds for so many nodes that boot at the same time, where `deadline` is enough for a few."""
    return deadline + A_NODE * max(0, nodes - FEW)


def wait_for_nodes(
    cluster: Cluster,
    nodes: Sequence[Node],
    provider: Provider,
    *,
    deadline: float,
    rejoin: Rejoin | None = None,
    booted: Sequence[Node] = (),
) -> None:
    """Returns when every node has booted, its Docker answers, its etcd is healthy and fleet lists them all.

    Of the nodes of `booted`, `boot` has returned already. A node that was removed from etcd's members never gets
    healthy; `rejoin`, where given, makes it a member again. Raises NodeNotReadyError for the first node that cannot get
    there or is not there after `deadline` seconds (see `patience_for`), and DeadlineError when fleet still does not
    list one FLEET_ASKS_AGAIN later.
    """
    end = time.monotonic() + patience_for(len(nodes), deadline)
    with threads.pool(2 * len(nodes) + 1) as pool:
        jobs = [pool.submit(boot, cluster, node, provider, end) for node in nodes if node not in booted]
        members = [pool.submit(_etcd, cluster, node, provider, end, rejoin) for node in nodes]
        jobs += [*members, pool.submit(_fleet, nodes, end, members)]
        for job in as_completed(jobs):
            job.result()


def wait_for_etcd(cluster: Cluster, node: Node, provider: Provider, *, deadline: float) -> None:
    """Returns when a node's etcd is healthy, whatever else of the node is still booting."""
    _etcd(cluster, node, provider, time.monotonic() + deadline)


def _left(end: float) -> float:
    return max(0.0, end - time.monotonic())


def boot(cluster: Cluster, node: Node, provider: Provider, end: float) -> None:
    """Returns when a node has booted and its Docker answers.

    Raises NodeNotReadyError at `end` (monotonic seconds), or when it cannot get there.
    """
    with events.step("boot", node.name):
        try:
            # coreos-cloudinit writes the keys before it starts a unit, so SSH before etcd would be refused: each try
            # is a process on either side, on cores that have to boot the nodes.
            failed = _failing_boot(cluster, node, provider)
            wait.until(
                lambda: port_open(node.address, etcd.CLIENT_PORT) or _dead(cluster, node, provider) or failed(),
                deadline=_left(end),
                interval=_interval(cluster),
                missing="its cloud-config was not applied: etcd is not there",
            )
            wait.until(
                lambda: _answers(cluster, node, end) or _dead(cluster, node, provider),
                deadline=_left(end),
                interval=_interval(cluster),
                missing="it does not answer over SSH",
            )
        except wait.DeadlineError as late:
            raise not_ready(cluster, node, provider, late.message) from None


def _dead(cluster: Cluster, node: Node, provider: Provider) -> bool:
    """Raises NodeNotReadyError when the machine is off: then there is nothing to wait for."""
    if provider.state(cluster, node) is not NodeState.RUNNING:
        raise not_ready(cluster, node, provider, "its machine stopped while it booted")
    return False


def _failing_boot(cluster: Cluster, node: Node, provider: Provider) -> Callable[[], bool]:
    """A look, now and then, whether a reader's cloud-config stopped the boot: raises NodeNotReadyError when it did."""
    due = time.monotonic() + wait.patiently(FAILED_AFTER)

    def look() -> bool:
        nonlocal due
        if cluster.cloud_configs and time.monotonic() >= due:
            if provider.stuck(cluster, node):
                raise not_ready(cluster, node, provider, "its boot has failed: its cloud-config was not applied")
            due = time.monotonic() + wait.patiently(FAILED_AFTER)
        return False

    return look


def _answers(cluster: Cluster, node: Node, end: float) -> bool:
    patience = min(wait.patiently(PATIENCE), _left(end) + 1)
    try:
        done = run.run(ssh.command(cluster, node, ["sh", "-c", PROBE]), check=False, timeout=patience)
    except run.CommandError:  # no end within that time
        ssh.forget(cluster, node)
        return False
    if done.returncode == ssh.NOT_REACHED:
        return False
    answers = dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)
    if answers.get("state") == "degraded":
        failed = ssh.ask(cluster, node, ["systemctl", "--failed", "--plain", "--no-legend"])
        units = [line.split(maxsplit=1)[0] for line in failed.stdout.splitlines() if line.strip()] if failed else []
        events.note("boot", f"failed units: {', '.join(units) or 'unknown'}", node.name)
    if done.returncode != 0 or not answers.get("docker"):
        raise NodeNotReadyError(f"{node.name}: Docker does not answer", details=done.stderr.strip())
    return True


def _etcd(cluster: Cluster, node: Node, provider: Provider, end: float, rejoin: Rejoin | None = None) -> None:
    expelled = membership.Expelled(cluster, node)
    when_healthy: Callable[[], object] | None = None

    def well() -> bool:
        nonlocal expelled, when_healthy
        if not node.member:
            return port_open(node.address, etcd.CLIENT_PORT)
        if etcd.is_healthy(node.address) and _votes(cluster, node):
            if when_healthy:
                when_healthy()
            return True
        if why := expelled.seen():
            if rejoin is None:
                raise ExpelledError(node, why)
            events.note("etcd", why, node.name)
            if (then := rejoin(node)) is not None:
                expelled, when_healthy = membership.Expelled(cluster, node), then
        return False

    with events.step("etcd", node.name):
        try:
            wait.until(
                well,
                deadline=_left(end),
                interval=_interval(cluster),
                missing="etcd is not healthy",
            )
        except wait.DeadlineError as late:
            raise not_ready(cluster, node, provider, late.message) from None


def _votes(cluster: Cluster, node: Node) -> bool:
    """Whether a node that is to be a member is one. A machine in place of a lost one begins as a proxy, and is healthy.

    Other clusters' nodes are never proxies by themselves, and need not be asked.
    """
    if not cluster.replaced:
        return True
    found = membership.entry(node, membership.listed([node], timeout=1.0) or [])
    return found is not None and found.name != ""


def _fleet(nodes: Sequence[Node], end: float, members: Sequence[Future[None]]) -> None:
    wanted = {node.address for node in nodes}
    fleet = Fleet([node.address for node in nodes], timeout=1.0)
    listed: set[str] = set()
    late_at: float | None = None  # monotonic seconds: fleet is waited for only once etcd is healthy
    noted = False

    def all_listed() -> bool:
        nonlocal listed, late_at, noted
        if late_at is None and all(member.done() for member in members):
            late_at = time.monotonic() + FLEET_IS_LATE
        if late_at is not None and time.monotonic() >= late_at and not noted:
            noted = True
            events.note("fleet", f"fleetd asks an etcd that was away for long only every {FLEET_ASKS_AGAIN:g} s")
        try:
            listed = {machine.address for machine in fleet.machines()}
        except CannotCheckError:
            return False
        # Before its etcd is healthy, a machine that fleet lists may be an old entry.
        return wanted <= listed and all(member.done() for member in members)

    def missing() -> str:
        absent = ", ".join(node.name for node in nodes if node.address not in listed)
        return f"fleet does not list {absent}"

    with events.step("fleet", message=f"lists {', '.join(node.name for node in nodes)}"):
        deadline = _left(end) + wait.patiently(FLEET_ASKS_AGAIN)
        wait.until(all_listed, deadline=deadline, interval=0.1, missing=missing)


def not_ready(cluster: Cluster, node: Node, provider: Provider, why: str) -> NodeNotReadyError:
    """The error for a node, with the last lines of its journal, or else of its console."""
    return NodeNotReadyError(
        f"{node.name}: {why}", f"look at it: {hints.lab('ssh', node.name)}", last_words(cluster, node, provider)
    )
