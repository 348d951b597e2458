"""A cluster's etcd from a backup: one member starts from the copy as a cluster of its own, and the others join it.

May be repeated at any point: it begins anew, and needs no etcd for that. Everything that would watch etcd meanwhile is
stopped before, since a restored etcd counts its changes from another number on.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

from coreos_lab import events, run, wait
from coreos_lab.backup import manifest
from coreos_lab.backup.etcd_copy import DATA, TREES
from coreos_lab.clients import ssh
from coreos_lab.clients.etcd import Etcd
from coreos_lab.clients.http import CannotCheckError
from coreos_lab.cluster import joining, members
from coreos_lab.errors import FailedError, LabError
from coreos_lab.model import Cluster, Node, NodeState
from coreos_lab.observed import ready
from coreos_lab.providers.base import Provider
from coreos_lab.records.store import ClusterFolder

ENGINE = "/_coreos.com/fleet/lease/engine-leader"
ENGINE_WAITS = 30  # seconds at most, also if this process is killed
DEADLINE = 120.0  # seconds for one step on one node
AGREED = 10.0  # seconds for all members to have the same keys: flannel and locksmith may be writing
# A clean stop of fleetd unloads its units, and then they stop as fleet stops them: sidekicks remove their keys.
STOP_UNITS = """
units=$(ls /run/fleet/units 2>/dev/null)
systemctl stop fleet.socket fleet.service || exit 1
[ -z "$units" ] || timeout 60 systemctl stop $units 2>/dev/null || true
"""
# etcd forgets where the others are, and who it was itself: a new cluster of one. It must not do that at its next start.
FOUND = f"""
set -e
drop=/run/systemd/system/etcd2.service.d
{joining.DIE}
find {joining.DATA} -mindepth 1 -delete
tar -C {joining.DATA} --strip-components=1 -xz {DATA}
chown -R --reference={joining.DATA} {joining.DATA}
mkdir -p $drop
printf '[Service]\\nUnsetEnvironment=ETCD_DISCOVERY\\nEnvironment=ETCD_NAME=%s\\n' "$1" >$drop/90-rejoin.conf
printf '[Service]\\nEnvironment=ETCD_FORCE_NEW_CLUSTER=true\\n' >$drop/95-found.conf
systemctl daemon-reload
systemctl reset-failed etcd2 2>/dev/null || true
systemctl start etcd2
rm $drop/95-found.conf
systemctl daemon-reload
"""
# flannel takes its network from the keys that are there now. Docker follows where that is another one.
NETWORK = """
systemctl restart flanneld || exit 1
. /run/flannel/subnet.env
ip -4 -o address show dev docker0 2>/dev/null | grep -qF " $FLANNEL_SUBNET " || systemctl try-restart docker
systemctl start fleet.socket fleet.service
"""


def restore(cluster: Cluster, provider: Provider, folder: Path) -> None:
    """Gives all members of a cluster the keys of a backup; returns when all nodes serve.

    FailedError where a key that does not expire is another one than in the backup.
    """
    nodes, voters = list(cluster.staying), [node for node in cluster.staying if node.member]
    _start(cluster, provider, nodes)
    with events.step("units", message="stop on all nodes"):
        _on_all(cluster, nodes, STOP_UNITS)
    with events.step("etcd", message="stops on all nodes"):
        _on_all(cluster, nodes, joining.DIE)
    first = voters[0]
    with events.step("etcd", first.name, "starts from the backup"):
        _found(cluster, first, folder / manifest.ETCD)
        _move(first)
    for number, node in enumerate(voters[1:], start=1):
        _join(cluster, node, voters[:number], deadline=provider.boot_deadline)
        ready.wait_for_etcd(cluster, node, provider, deadline=provider.boot_deadline)
    proxies = [node for node in nodes if not node.member]
    _on_all(cluster, proxies, "systemctl start etcd2")
    _compare(voters, manifest.keys_of(folder))
    with _engine_waiting(voters):
        with events.step("flannel", message="takes its networks from etcd"):
            _on_all(cluster, nodes, NETWORK)
        ready.wait_for_nodes(cluster, nodes, provider, deadline=provider.boot_deadline)


def _start(cluster: Cluster, provider: Provider, nodes: Sequence[Node]) -> None:
    """Powers on what is off, and returns when SSH reaches all nodes: after an interruption there may be no etcd."""
    idle = [node for node in nodes if provider.state(cluster, node) is not NodeState.RUNNING]
    if idle:
        provider.start(cluster, idle, ClusterFolder(cluster.name).user_data)
    end = time.monotonic() + provider.boot_deadline
    for node in nodes:
        wait.until(
            lambda node=node: ssh.ask(cluster, node, ["true"]),  # type: ignore[misc]
            deadline=max(0.0, end - time.monotonic()),
            interval=0.5,
            missing=f"{node.name}: does not answer over SSH",
        )


def _on_all(cluster: Cluster, nodes: Sequence[Node], script: str) -> None:
    """Runs a script as root on nodes, on all at once. LabError names the node where it fails."""

    def on(node: Node) -> None:
        done = ssh.answer(cluster, node, ["sudo", "sh", "-c", script], timeout=wait.patiently(DEADLINE))
        if done.returncode != 0:
            raise LabError(f"{node.name}: exit code {done.returncode}", details=(done.stderr or done.stdout).strip())

    if nodes:
        with ThreadPoolExecutor(max_workers=len(nodes)) as pool:
            list(pool.map(on, nodes))


def _found(cluster: Cluster, node: Node, archive: Path) -> None:
    call = ssh.command(cluster, node, ["sudo", "sh", "-c", FOUND, "sh", node.name])
    try:
        run.transfer(call, source=archive, timeout=wait.patiently(DEADLINE))
    except run.CommandError as failed:
        raise LabError(f"{node.name}: its etcd does not start from the backup", details=failed.details) from None


def _move(node: Node) -> None:
    """Tells a member that is alone where it is: a cluster that was forced says `localhost`."""
    client = Etcd([node.address])

    def moved() -> bool:
        try:
            (alone,) = client.members()
            client.move_member(alone.id, node.peer_url)
        except CannotCheckError:  # no leader yet
            return False
        return True

    wait.until(moved, deadline=wait.patiently(DEADLINE), interval=0.2, missing=f"{node.name}: etcd has no leader")


def _join(cluster: Cluster, node: Node, there: Sequence[Node], *, deadline: float) -> None:
    """Has a node join the members that are there, without a vote until it has their data.

    A single member that is told of a second vote decides nothing before that one runs; and the second one asks it
    for a decision before it runs. They would wait for each other for six seconds.
    """
    client = Etcd([each.address for each in there])
    learner = ""

    def announced() -> str:
        nonlocal learner
        learner = client.add_learner(node.peer_url)
        return ""

    def promoted() -> str:
        return "" if client.promote(learner) else "it has not what the leader has"

    with events.step("etcd member", node.name):
        members.change(announced, deadline=deadline, missing=f"{node.name}: etcd does not take it as a member")
        initial = ",".join(f"{each.name}={each.peer_url}" for each in [*there, node])
        ssh.node_run(cluster, node, ["sudo", "sh", "-c", joining.REJOIN, "sh", initial, node.name])
        members.change(promoted, deadline=deadline, missing=f"{node.name}: etcd does not give it a vote")


@contextmanager
def _engine_waiting(voters: Sequence[Node]) -> Iterator[None]:
    """Keeps fleet from scheduling in the block, in which its machines appear one after the other.

    The first would get the units of all the others, and start them where they are not to stay. fleet schedules where it
    has a lease: a key with a machine and the version of its engine (fleet's pkg/lease/etcd.go). Each machine starts by
    itself what the backup's schedule gives it.
    """
    client = Etcd([node.address for node in voters])
    client.set(ENGINE, json.dumps({"MachineID": "restore", "Version": 1}), ttl=ENGINE_WAITS)
    try:
        yield
    finally:
        with suppress(LabError):  # it expires
            client.remove(ENGINE)


def _compare(voters: Sequence[Node], wanted: dict[str, str]) -> None:
    """FailedError unless each member has just the keys of the backup."""
    for node in voters:
        client = Etcd([node.address], timeout=10.0)
        keys: dict[str, str] = {}

        def equal(client: Etcd = client) -> bool:
            nonlocal keys
            try:
                keys = {key: value for tree in TREES.values() for key, value in client.lasting(tree).items()}
            except CannotCheckError:
                return False
            return keys == wanted

        try:
            wait.until(equal, deadline=wait.patiently(AGREED), interval=0.3, missing="")
        except wait.DeadlineError:
            other = sorted(key for key in {*keys, *wanted} if keys.get(key) != wanted.get(key))
            raise FailedError(
                f"{node.name}: etcd has {len(keys)} keys of {len(wanted)}, and not the backup's: {', '.join(other[:5])}"
            ) from None
    total = f"{len(wanted)} keys, {manifest.checksum(wanted)[:16]}"
    events.note("etcd", f"all {len(voters)} members have the backup's keys: {total}")
