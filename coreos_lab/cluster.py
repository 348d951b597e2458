"""Bringing a planned cluster to life, node by node, and giving it back."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from coreos_lab import disk, events, mirror, ready, render, run, store
from coreos_lab.clients import ssh
from coreos_lab.clients.etcd import Etcd
from coreos_lab.errors import LabError
from coreos_lab.machine_image.userland import ensure_userland
from coreos_lab.model import Cluster, Node, NodeState
from coreos_lab.providers.base import Provider
from coreos_lab.store import ClusterFolder


def states(cluster: Cluster, provider: Provider) -> dict[str, NodeState]:
    """What each node's machine does now, by name."""
    return {node.name: provider.state(cluster, node) for node in cluster.nodes}


def bring_up(cluster: Cluster, provider: Provider) -> list[Node]:
    """Converges to the plan: makes missing nodes, starts stopped ones; returns those that were touched."""
    folder = ClusterFolder(cluster.name)
    before = states(cluster, provider)
    idle = [node for node in cluster.nodes if before[node.name] is not NodeState.RUNNING]
    if not idle:
        return []
    key, token = store.ensure_key(folder), store.ensure_token(folder)
    joins = _announce(cluster, before)
    provider.create_network(cluster)
    ssh.write_config(cluster, before)

    for node in idle:
        if before[node.name] is NodeState.ABSENT:
            text = render.cloud_config(
                cluster, node, key, token, mirror.address(cluster), joins=joins.get(node.name, "")
            )
            disk.write_atomic(folder.user_data(node), text, 0o600)
            validate(folder.user_data(node))
        ssh.forget(cluster, node)
    provider.start(cluster, idle, folder.user_data)
    ready.wait_for_nodes(cluster, cluster.nodes, provider, deadline=provider.boot_deadline)
    mirror.run_mirror(cluster)
    ssh.write_config(cluster, states(cluster, provider))
    return idle


def _announce(cluster: Cluster, before: dict[str, NodeState]) -> dict[str, str]:
    """Tells an etcd that runs already of the members that will join it; returns each one's initial cluster.

    A new cluster's members find each other by the list in their cloud-config, so there is nothing to tell.
    """
    running = [node for node in cluster.members if before[node.name] is NodeState.RUNNING]
    absent = [node for node in cluster.members if before[node.name] is NodeState.ABSENT]
    if not running or not absent:
        return {}
    etcd = Etcd([node.address for node in running])
    known = etcd.members()
    joins = {}
    for node in absent:
        url = f"http://{node.address}:2380"
        for member in known:
            if url in member.peer_urls and member.name:  # it was one before its disk was lost
                etcd.remove_member(member.id)
        with events.step("etcd member", node.name):
            etcd.add_member(url)
        members = [n for n in cluster.members if n in running or n.name in joins or n == node]
        joins[node.name] = ",".join(f"{n.name}=http://{n.address}:2380" for n in members)
    return joins


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


def running(cluster: Cluster, provider: Provider) -> list[Node]:
    """The nodes that run now."""
    return [node for node in cluster.nodes if provider.state(cluster, node) is NodeState.RUNNING]


def addresses(nodes: Iterable[Node]) -> list[str]:
    """Their addresses."""
    return [node.address for node in nodes]
