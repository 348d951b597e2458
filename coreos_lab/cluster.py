"""Bringing a planned cluster to life, node by node, and giving it back."""

from __future__ import annotations

import shutil
from pathlib import Path

from coreos_lab import disk, events, mirror, node_states, ready, render, run, store, wait
from coreos_lab.chaos import journal
from coreos_lab.clients import ssh
from coreos_lab.clients.etcd import Etcd
from coreos_lab.clients.http import CannotCheckError
from coreos_lab.errors import LabError
from coreos_lab.machine_image.userland import ensure_userland
from coreos_lab.model import Cluster, Node, NodeState
from coreos_lab.providers.base import Provider
from coreos_lab.store import ClusterFolder


def bring_up(cluster: Cluster, provider: Provider) -> list[Node]:
    """Converges to the plan: makes missing nodes, starts stopped ones; returns those that were touched.

    All serve when this returns, but for nodes that run and are broken on purpose: to mend those is what heals.
    """
    before = node_states.of(cluster, provider)
    idle = _idle(cluster, before)
    if idle:
        _start(cluster, provider, before, idle)
    broken = {fault.node for fault in journal.open_faults(cluster)}
    served = [node for node in cluster.staying if node in idle or node.name not in broken]
    if served:
        ready.wait_for_nodes(cluster, served, provider, deadline=provider.boot_deadline)
    mirror.run_mirror(cluster)
    ssh.write_config(cluster, node_states.of(cluster, provider))
    return idle


def _start(cluster: Cluster, provider: Provider, before: dict[str, NodeState], idle: list[Node]) -> None:
    """Starts nodes, and makes those that are not there; the last of them are not waited for."""
    folder = ClusterFolder(cluster.name)
    if folder.restoring.exists():
        name = folder.restoring.read_text(encoding="utf-8").strip()
        raise LabError(
            f"{cluster.name}: its disks are being put back from snapshot {name}", "run 'lab up': it goes on with that"
        )
    key, token = store.ensure_key(folder), store.ensure_token(folder)
    late = _late(cluster, before)
    provider.create_network(cluster)
    ssh.write_config(cluster, before)

    def prepare(node: Node, joins: str = "") -> None:
        if before[node.name] is NodeState.ABSENT:
            text = render.cloud_config(cluster, node, key, token, mirror.address(cluster), joins=joins)
            disk.write_atomic(folder.user_data(node), text, 0o600)
            validate(folder.user_data(node))
        ssh.forget(cluster, node)

    at_once = [node for node in idle if node not in late]
    for node in at_once:
        prepare(node)
    provider.start(cluster, at_once, folder.user_data)
    for node in late:
        # One after the other: a member that is announced and does not run yet counts against the majority.
        prepare(node, announce(cluster, node, provider))
        provider.start(cluster, [node], folder.user_data)
        if node != late[-1]:  # the last is waited for with all the others
            ready.wait_for_etcd(cluster, node, provider, deadline=provider.boot_deadline)


def _idle(cluster: Cluster, before: dict[str, NodeState]) -> list[Node]:
    """The nodes to be started. One that is on its way out is only needed where etcd has no majority without it."""
    majority = len(cluster.members) // 2 + 1
    needed = sum(node.member for node in cluster.staying) < majority
    voters = [n for n in cluster.leaving if needed and n.member and before[n.name] is not NodeState.ABSENT]
    return [n for n in (*cluster.staying, *voters) if before[n.name] is not NodeState.RUNNING]


def _late(cluster: Cluster, before: dict[str, NodeState]) -> list[Node]:
    """The members that are still to be made and must be announced to an etcd that is there already.

    A new cluster's members find each other by the list in their cloud-config, so there is nobody to tell. Nor is there
    when making them was interrupted: an etcd that waits for its first majority answers nobody.
    """
    members = [node for node in cluster.members if not node.leaving]
    absent = [node for node in members if before[node.name] is NodeState.ABSENT]
    running = [node.address for node in members if before[node.name] is NodeState.RUNNING]
    founded = False
    if running and any(not node.joins for node in absent):
        try:
            founded = bool(Etcd(running).members())
        except CannotCheckError:
            founded = False
    return [node for node in absent if node.joins or founded]


def announce(cluster: Cluster, node: Node, provider: Provider) -> str:
    """Tells the etcd that runs of a member that will join it; returns the new one's initial cluster.

    etcd itself refuses for as long as its majority would be at risk: a member that has just joined has to hold its
    connections for some seconds first.
    """
    others = [each for each in cluster.members if each != node]
    etcd = Etcd([each.address for each in others if provider.state(cluster, each) is NodeState.RUNNING])
    refused = "nobody answers"

    def announced() -> bool:
        nonlocal refused
        try:
            listed = etcd.members()
            for member in listed:
                if not member.name and node.peer_url not in member.peer_urls:
                    # Its list of members is the one of its own announcement: one more now, and it could not join.
                    refused = f"the member before it has not started ({', '.join(member.peer_urls)})"
                    return False
            for member in listed:
                if node.peer_url in member.peer_urls:
                    if not member.name:  # told before we were interrupted; it never started
                        return True
                    etcd.remove_member(member.id)  # it was one before its disk was lost
            etcd.add_member(node.peer_url)
        except CannotCheckError as error:
            refused = error.details.splitlines()[0] if error.details else error.message
            return False
        return True

    with events.step("etcd member", node.name):
        wait.until(
            announced,
            deadline=provider.boot_deadline,
            interval=0.2,
            missing=lambda: f"{node.name}: etcd does not take it as a member: {refused}",
        )
    names = {each.peer_url: each.name for each in cluster.members}
    return ",".join(f"{names.get(url, each.name)}={url}" for each in etcd.members() for url in each.peer_urls)


def validate(path: Path) -> None:
    """Lets coreos-cloudinit judge a cloud-config before a machine boots from it.

    Version 1.14 warns of `etcd2` and `fleet`, which its makers had come to deprecate by then: that is no error.
    """
    program = ensure_userland() / "bin" / "coreos-cloudinit"
    done = run.run([program, "-validate", f"--from-file={path}"], check=False)
    said = [line.partition(" line ") for line in (done.stdout + done.stderr).splitlines()]
    wrong = [f"line {rest}" for _time, found, rest in said if found and "deprecated key" not in rest]
    if wrong:
        raise LabError(f"{path}: not a valid cloud-config: {wrong[0]}", details="\n".join(wrong[1:]))
    if done.returncode != 0 and not said:
        raise run.CommandError(done)


def take_down(cluster: Cluster, provider: Provider) -> None:
    """Removes everything of a cluster, however much of it there is, and last its folder."""
    folder = ClusterFolder(cluster.name)
    ssh.forget(cluster)
    shutil.rmtree(folder.control, ignore_errors=True)
    mirror.stop_mirror(cluster)
    provider.destroy(cluster, cluster.nodes)
    provider.destroy_network(cluster)
    left = provider.leftovers(cluster)
    if left:
        raise LabError(
            f"{cluster.name}: {len(left)} leftovers", "run 'lab destroy' again; its records are kept", "\n".join(left)
        )
    if folder.path.exists():
        disk.remove_tree(folder.path)
