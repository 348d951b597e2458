"""Is a node, is a cluster there? Looked at from outside, until it is so or the deadline names what is not."""

from __future__ import annotations

import socket
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from coreos_lab import disk, events, run, wait
from coreos_lab.clients import etcd, ssh
from coreos_lab.clients.fleet import Fleet
from coreos_lab.clients.http import CannotCheckError
from coreos_lab.errors import LabError
from coreos_lab.model import Cluster, Node, NodeState
from coreos_lab.providers.base import Provider

JOURNAL_LINES = 12
PATIENCE = 15.0  # seconds for one try over SSH: a connection that a dying machine accepted never answers
# Seconds: fleetd asks an etcd that does not answer again after 1, 2, 4 ... 60 s (its server/server.go), and finds one
# that is back after a long outage that much later.
FLEET_ASKS_AGAIN = 60.0
FLEET_IS_LATE = 5.0  # seconds after which somebody who watches wants to know what is waited for
# One connection asks both: does Docker answer, and has systemd finished booting? Docker's socket starts it, which takes
# longest; every question to systemd before that would take time from all nodes' cores.
PROBE = """
docker version --format 'docker={{.Server.Version}}' || exit
while state=$(systemctl is-system-running); [ "$state" = starting ] || [ "$state" = initializing ]; do sleep 0.1; done
echo "state=$state"
"""


class NodeNotReadyError(LabError):
    """A node did not come up; the details are the lines of its journal or console that may say why."""


def port_open(address: str, port: int) -> bool:
    """Whether something accepts TCP connections there."""
    try:
        with socket.create_connection((address, port), timeout=0.5):
            return True
    except OSError:
        return False


def wait_for_nodes(cluster: Cluster, nodes: Sequence[Node], provider: Provider, *, deadline: float) -> None:
    """Returns when every node has booted, its Docker answers, its etcd is healthy and fleet lists them all.

    Raises NodeNotReadyError for the first node that is not there after `deadline` seconds, and DeadlineError when
    fleet still does not list one FLEET_ASKS_AGAIN later.
    """
    end = time.monotonic() + deadline
    with ThreadPoolExecutor(max_workers=2 * len(nodes) + 1) as pool:
        jobs = [pool.submit(_boot, cluster, node, provider, end) for node in nodes]
        members = [pool.submit(_etcd, cluster, node, provider, end) for node in nodes]
        jobs += [*members, pool.submit(_fleet, nodes, end, members)]
        try:
            for job in jobs:
                job.result()
        except BaseException:
            wait.interrupted.set()  # the others have nothing left to wait for
            pool.shutdown(wait=True)
            wait.interrupted.clear()
            raise


def wait_for_etcd(cluster: Cluster, node: Node, provider: Provider, *, deadline: float) -> None:
    """Returns when a node's etcd is healthy, whatever else of the node is still booting."""
    _etcd(cluster, node, provider, time.monotonic() + deadline)


def _left(end: float) -> float:
    return max(0.0, end - time.monotonic())


def _boot(cluster: Cluster, node: Node, provider: Provider, end: float) -> None:
    with events.step("boot", node.name):
        try:
            # coreos-cloudinit writes the keys before it starts a unit, so SSH before etcd would be refused: each try
            # is a process on either side, on cores that have to boot the nodes.
            wait.until(
                lambda: port_open(node.address, etcd.CLIENT_PORT) or _dead(cluster, node, provider),
                deadline=_left(end),
                interval=0.1,
                missing="its cloud-config was not applied: etcd is not there",
            )
            wait.until(
                lambda: _answers(cluster, node, end) or _dead(cluster, node, provider),
                deadline=_left(end),
                interval=0.1,
                missing="SSH lets nobody in",
            )
        except wait.DeadlineError as late:
            raise not_ready(cluster, node, provider, late.message) from None


def _dead(cluster: Cluster, node: Node, provider: Provider) -> bool:
    """Raises NodeNotReadyError when the machine is off: then there is nothing to wait for."""
    if provider.state(cluster, node) is not NodeState.RUNNING:
        raise not_ready(cluster, node, provider, "its machine stopped while it booted")
    return False


def _answers(cluster: Cluster, node: Node, end: float) -> bool:
    patience = min(wait.patiently(PATIENCE), _left(end) + 1)
    try:
        done = run.run(ssh.command(cluster, node, ["sh", "-c", PROBE]), check=False, timeout=patience)
    except run.CommandError:  # no end within that time
        ssh.forget(cluster, node)
        return False
    if done.returncode == ssh.NOT_REACHED:
        return False
    said = dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)
    if said.get("state") == "degraded":
        failed = ssh.node_run(cluster, node, ["systemctl", "--failed", "--plain", "--no-legend"], check=False).stdout
        units = ", ".join(line.split(maxsplit=1)[0] for line in failed.splitlines())
        events.note("boot", f"failed units: {units}", node.name)
    if done.returncode != 0 or not said.get("docker"):
        raise NodeNotReadyError(f"{node.name}: Docker does not answer", details=done.stderr.strip())
    return True


def _etcd(cluster: Cluster, node: Node, provider: Provider, end: float) -> None:
    with events.step("etcd", node.name):
        try:
            wait.until(
                lambda: etcd.is_healthy(node.address) if node.member else port_open(node.address, etcd.CLIENT_PORT),
                deadline=_left(end),
                interval=0.1,
                missing="etcd is not healthy",
            )
        except wait.DeadlineError as late:
            raise not_ready(cluster, node, provider, late.message) from None


def _fleet(nodes: Sequence[Node], end: float, members: Sequence[Future[None]]) -> None:
    wanted = {node.address for node in nodes}
    fleet = Fleet([node.address for node in nodes], timeout=1.0)
    listed: set[str] = set()
    say_why: float | None = None  # when: only once etcd is there is it fleet that is waited for
    said = False

    def all_listed() -> bool:
        nonlocal listed, say_why, said
        if say_why is None and all(member.done() for member in members):
            say_why = time.monotonic() + FLEET_IS_LATE
        if say_why is not None and time.monotonic() >= say_why and not said:
            said = True
            events.note("fleet", f"fleetd asks an etcd that was away for long every {FLEET_ASKS_AGAIN:g} s only")
        try:
            listed = {machine.address for machine in fleet.machines()}
        except CannotCheckError:
            return False
        return wanted <= listed

    def missing() -> str:
        absent = ", ".join(node.name for node in nodes if node.address not in listed)
        return f"fleet does not list {absent}"

    with events.step("fleet", message=f"lists {', '.join(node.name for node in nodes)}"):
        deadline = _left(end) + wait.patiently(FLEET_ASKS_AGAIN)
        wait.until(all_listed, deadline=deadline, interval=0.1, missing=missing)


def not_ready(cluster: Cluster, node: Node, provider: Provider, why: str) -> NodeNotReadyError:
    """The error for a node, with what its journal (or else its console) said last."""
    return NodeNotReadyError(
        f"{node.name}: {why}", f"look at it: lab ssh {node.name}", last_words(cluster, node, provider)
    )


def last_words(cluster: Cluster, node: Node, provider: Provider, lines: int = JOURNAL_LINES) -> str:
    """The last warnings of a node's journal, read from the host, also when the node is off; else of its console."""
    for folder in provider.journal_folders(cluster, node):
        if run.which("journalctl"):
            call = [
                "journalctl",
                "--directory",
                str(folder),
                "--priority=warning",
                f"--lines={lines}",
                "--no-pager",
                "--quiet",
            ]
            found = run.run([*call, "--output=short-iso"], check=False).stdout.strip()
            if found:
                return found
    return disk.last_lines(provider.console(cluster, node), lines)
