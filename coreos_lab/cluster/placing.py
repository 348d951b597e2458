"""Nodes whose machines are replaced: their new addresses into the plan, and the lost machines out of etcd."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from coreos_lab import events
from coreos_lab.clients import host_keys, ssh
from coreos_lab.clients.etcd import Etcd, Member
from coreos_lab.cluster import members
from coreos_lab.model import Cluster, Node, NodeState
from coreos_lab.observed import inventory, membership, node_states
from coreos_lab.observed.observation import observe
from coreos_lab.providers.base import Provider, ReplacingProvider
from coreos_lab.records import store

DEADLINE = 30.0  # seconds for etcd to let a lost member go


def place(cluster: Cluster, provider: Provider) -> Cluster:
    """The cluster with its machines' present addresses, which are in the plan and in ssh_config from now on."""
    if not cluster.replaced or not isinstance(provider, ReplacingProvider):
        return cluster
    now = provider.placed(cluster)
    if now != cluster:
        pairs = [(old, new) for old, new in zip(cluster.nodes, now.nodes, strict=True) if old != new]
        for old, new in pairs:
            ssh.forget(cluster, old)
            host_keys.forget(cluster, [old, new])  # another machine may have had the address before
        store.save(now)
        inventory.write(observe(now, provider))
    return now


def forget_lost(cluster: Cluster, provider: Provider) -> None:
    """Removes from etcd the members that are no node's: their machines are gone, and count against its majority.

    Nothing happens where no member answers: a new cluster has none yet. DeadlineError where etcd has no majority left.
    """
    running = [node for node in cluster.members if provider.state(cluster, node) is NodeState.RUNNING]
    known = {node.peer_url for node in cluster.nodes}
    client = Etcd(node_states.addresses(running))

    def lost(there: list[Member]) -> list[Member]:
        return [member for member in there if not known & set(member.peer_urls)]

    def removed() -> str:
        for member in lost(client.members()):
            client.remove_member(member.id)
        return ""

    if lost(membership.listed(running) or []):
        with events.step("etcd", message="lets lost machines go"):
            members.change(removed, deadline=DEADLINE, missing="etcd does not let the lost machines go")


def as_in(cluster: Cluster, nodes: Sequence[Node]) -> tuple[Node, ...]:
    """These nodes as the cluster has them, with their present addresses."""
    return tuple(found for node in nodes if (found := cluster.node(node.name)) is not None)


def replaced(before: Cluster, now: Cluster, names: Collection[str]) -> list[str]:
    """For each of these nodes, in words, whether its machine is another one now; nothing where none ever is."""
    if not now.replaced:
        return []
    pairs = [(old, node) for node in now.nodes if node.name in names and (old := before.node(node.name)) is not None]
    return [
        f"{new.name} came back, as {new.instance}"
        if new.instance == old.instance
        else f"{new.name} was replaced: {new.instance} is in place of {old.instance}"
        for old, new in pairs
    ]
