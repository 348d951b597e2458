"""How one node leaves a running cluster in good order: its units first, then its vote in etcd.

Each step looks at the cluster before it acts, so that it may be repeated after an interruption.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor

from coreos_lab import events, hints, run, wait
from coreos_lab.clients import etcd, ssh
from coreos_lab.clients.etcd import Etcd, Member
from coreos_lab.cluster import members
from coreos_lab.errors import LabError
from coreos_lab.model import Cluster, Node, NodeState
from coreos_lab.providers.base import Provider

ETCD_DEADLINE = 30.0  # seconds for etcd to agree to a removal, and for the election that may follow it
SETTLE = 10.0  # seconds: an election is over by then, so what is not healthy is not going to be
# A clean stop of fleetd unloads its units and gives up its place among the machines, so that others take over at once.
# Its socket would start it again at the first question, and so would a boot that has not finished: hence the mask. It
# does not wait for the units: sidekicks that take their keys out of etcd need the etcd beside them to last.
LEAVE = """
units=$(ls /run/fleet/units 2>/dev/null)
systemctl stop fleet.socket fleet.service || exit 1
systemctl mask --runtime --quiet fleet.socket fleet.service
systemctl stop fleet.socket fleet.service
[ -z "$units" ] || timeout 45 systemctl stop $units 2>/dev/null || true
"""
LEAVE_DEADLINE = 120.0


def leave_fleet(cluster: Cluster, node: Node, provider: Provider) -> bool:
    """Has fleet give up a node in good order; false for a node that runs and does not respond."""
    if provider.state(cluster, node) is not NodeState.RUNNING:
        return True  # fleet forgets it when its time to live has passed
    with events.step("leave fleet", node.name):
        try:
            done = ssh.node_run(cluster, node, ["sudo", "sh", "-c", LEAVE], check=False, timeout=LEAVE_DEADLINE)
        except run.CommandError:  # no end within that time
            ssh.forget(cluster, node)
            return False
    return done.returncode == 0


def leave_etcd(cluster: Cluster, node: Node) -> None:
    """Removes a node from etcd's members; returns when those that stay are healthy without it."""
    if not node.member:
        return
    with events.step("leave etcd", node.name):
        missing = f"{node.name}: etcd does not let it go"
        members.remove(_etcd(cluster), [node.peer_url], deadline=wait.patiently(ETCD_DEADLINE), missing=missing)
        _wait_healthy(cluster, deadline=wait.patiently(ETCD_DEADLINE))


def refuse_unsafe(cluster: Cluster) -> None:
    """LabError when etcd could lose its majority by losing the members that leave."""
    if not any(node.member for node in cluster.leaving):
        return
    try:
        _wait_healthy(cluster, deadline=wait.patiently(SETTLE))
    except wait.DeadlineError:
        why = unsafe(_etcd(cluster).members(), _healthy(cluster.members))
        if why:
            hint = f"run '{hints.lab('heal')}' or '{hints.lab('up')}' first: then they can be taken away one by one"
            raise LabError(f"{cluster.name}: {why}", hint) from None
        raise


def unsafe(there: Sequence[Member], healthy: Collection[str]) -> str:
    """Why etcd cannot agree on a change of its members, "" when it can; `healthy` are peer URLs."""
    voters = sum(any(url in healthy for url in member.peer_urls) for member in there)
    if voters > len(there) // 2:
        return ""
    return f"etcd has no majority: {voters} of its {len(there)} members are healthy"


def _etcd(cluster: Cluster) -> Etcd:
    return Etcd([node.address for node in cluster.staying if node.member])


def _healthy(nodes: Sequence[Node]) -> set[str]:
    with ThreadPoolExecutor(max_workers=len(nodes)) as pool:
        answers = list(pool.map(lambda node: etcd.is_healthy(node.address), nodes))
    return {node.peer_url for node, well in zip(nodes, answers, strict=True) if well}


def _wait_healthy(cluster: Cluster, *, deadline: float) -> None:
    """Returns when every member that stays says that etcd is healthy."""
    voters = [node for node in cluster.staying if node.member]
    bad: list[str] = []

    def all_healthy() -> bool:
        nonlocal bad
        healthy = _healthy(voters)
        bad = [node.name for node in voters if node.peer_url not in healthy]
        return not bad

    wait.until(
        all_healthy,
        deadline=deadline,
        interval=0.1,
        missing=lambda: f"etcd is not healthy on {', '.join(bad)}, so no member can be taken away",
    )
