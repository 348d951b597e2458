"""How a node joins an etcd that runs already: a new node, and one that the other members have removed."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial

from coreos_lab import events, wait
from coreos_lab.clients import ssh
from coreos_lab.clients.etcd import Etcd
from coreos_lab.clients.fleet import Fleet
from coreos_lab.clients.http import CannotCheckError
from coreos_lab.cluster import members
from coreos_lab.model import Cluster, Node, NodeState
from coreos_lab.providers.base import Provider

DATA = "/var/lib/etcd2"
# SIGKILL: a member that shuts down in good order first hands its leadership on, which takes seconds.
DIE = "systemctl kill --signal=SIGKILL etcd2; systemctl stop etcd2"
# The drop-in in /run is gone after the next boot; etcd reads these variables only while it has no data.
REJOIN = f"""
{DIE}
find {DATA} -mindepth 1 -delete
mkdir -p /run/systemd/system/etcd2.service.d
{{
    printf '[Service]\\nUnsetEnvironment=ETCD_DISCOVERY\\n'
    printf 'Environment=ETCD_INITIAL_CLUSTER_STATE=existing ETCD_INITIAL_CLUSTER=%s ETCD_NAME=%s\\n' "$1" "$2"
}} >/run/systemd/system/etcd2.service.d/90-rejoin.conf
systemctl daemon-reload
systemctl reset-failed etcd2 2>/dev/null
systemctl start --no-block etcd2
"""
RESTART_FLEET = ("sudo", "systemctl", "kill", "--signal=SIGKILL", "fleet.service")
FLEET_DEADLINE = 30.0  # seconds for fleetd to answer after that


def announce(cluster: Cluster, node: Node, provider: Provider) -> str:
    """Announces a member to the etcd that runs; returns the new member's initial cluster.

    etcd itself refuses for as long as its majority would be at risk: a member that has just joined has to hold its
    connections for some seconds first.
    """
    others = [each for each in cluster.members if each != node]
    client = Etcd([each.address for each in others if provider.state(cluster, each) is NodeState.RUNNING])

    def announced() -> str:
        there = client.members()
        for member in there:
            if not member.name and node.peer_url not in member.peer_urls:
                # Its list of members is the one of its own announcement: one more now, and it could not join.
                return f"the member before it has not started ({', '.join(member.peer_urls)})"
        for member in there:
            if node.peer_url in member.peer_urls:
                if not member.name:  # announced before an interruption; it never started
                    return ""
                client.remove_member(member.id)  # it was one before its disk was lost
        client.add_member(node.peer_url)
        return ""

    with events.step("etcd member", node.name):
        missing = f"{node.name}: etcd does not take it as a member"
        members.change(announced, deadline=provider.boot_deadline, missing=missing)
    names = {each.peer_url: each.name for each in cluster.members}
    return ",".join(f"{names.get(url, each.name)}={url}" for each in client.members() for url in each.peer_urls)


def rejoin(cluster: Cluster, provider: Provider, node: Node) -> Callable[[], object] | None:
    """Makes a running node a member anew: announced to the others, with an empty data folder, which etcd fills.

    Returns what is to be done once its etcd is healthy. None, with nothing done, where SSH does not reach the node.
    """
    if ssh.ask(cluster, node, ["true"]) is None:
        return None
    initial = announce(cluster, node, provider)
    ssh.node_run(cluster, node, ["sudo", "sh", "-c", REJOIN, "sh", initial, node.name])
    return partial(_restart_fleet, cluster, node)


def _restart_fleet(cluster: Cluster, node: Node) -> None:
    """fleetd asks an etcd that was away for long again after up to a minute; a new one asks at once. Units run on.

    Returns when it answers, and so is among fleet's machines anew: the others list the old one until its time to live
    has passed. One that does not answer is left to the wait for fleet, which names the node.
    """
    ssh.ask(cluster, node, RESTART_FLEET)
    fleet = Fleet([node.address], timeout=1.0)

    def answers() -> bool:
        try:
            return any(machine.address == node.address for machine in fleet.machines())
        except CannotCheckError:
            return False

    with suppress(wait.DeadlineError):
        wait.until(answers, deadline=wait.patiently(FLEET_DEADLINE), interval=0.2, missing="fleetd does not answer")
