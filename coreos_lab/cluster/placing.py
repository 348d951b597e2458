"""Nodes whose machines are replaced: their new addresses into the plan, and the lost machines out of etcd."""

from __future__ import annotations

from collections.abc import Sequence

from coreos_lab import events, hints, wait
from coreos_lab.clients import host_keys, ssh
from coreos_lab.clients.etcd import Etcd
from coreos_lab.cluster import members
from coreos_lab.errors import LabError
from coreos_lab.model import Cluster, Node, NodeState
from coreos_lab.observed import inventory, membership, node_states
from coreos_lab.observed.observation import observe
from coreos_lab.providers.base import Provider, ReplacingProvider
from coreos_lab.records import store

DEADLINE = 30.0  # seconds for etcd to let a lost member go


def place(cluster: Cluster, provider: Provider) -> Cluster:
    """The cluster with its machines' present addresses, which are in the plan and in ssh_config from now on.

    A machine that is another one now is no member of etcd: the one before it leaves. LabError where etcd has lost its
    majority; then the plan is as it was, and the next command tries again.
    """
    if not cluster.replaced or not isinstance(provider, ReplacingProvider):
        return cluster
    now = provider.placed(cluster)
    known = store.load(cluster.name)  # what is on record may be newer than `cluster`
    if now != known:
        before = [(known and known.node(new.name)) or new for new in now.nodes]
        pairs = [(old, new) for old, new in zip(before, now.nodes, strict=True) if old != new]
        _forget([old for old, new in pairs if old.instance not in ("", new.instance)], now, provider)
        for old, new in pairs:
            ssh.forget(cluster, old)
            host_keys.forget(cluster, [old, new])  # another machine may have had the address before
        store.save(now)
        inventory.write(observe(now, provider))
    return now


def _forget(lost: Sequence[Node], cluster: Cluster, provider: Provider) -> None:
    """Removes lost machines from etcd's members, also where their successors have got the same addresses.

    They would count against its majority for good, and etcd lets nobody join who says to be one of them.
    """
    names, urls = {node.name for node in lost}, {node.peer_url for node in lost}
    others = [node for node in cluster.members if node.name not in names and node.address]
    others = [node for node in others if provider.state(cluster, node) is NodeState.RUNNING]
    client = Etcd(node_states.addresses(others))
    # Where no other member answers there is no etcd left that a member could be removed from.
    there = membership.listed(others) if lost else None
    if any(urls & set(member.peer_urls) for member in there or ()):
        with events.step("etcd", message=f"lets the lost machine of {', '.join(sorted(names))} go"):
            try:
                members.remove(client, urls, deadline=DEADLINE, missing="etcd does not let lost machines go")
            except wait.DeadlineError as late:
                again = f"{hints.lab('destroy')} && {hints.lab('up')}"
                raise LabError(
                    f"{cluster.name}: {late.message}",
                    f"where more than half of etcd's members are lost, so is the cluster: {again}",
                ) from None


def as_in(cluster: Cluster, nodes: Sequence[Node]) -> tuple[Node, ...]:
    """These nodes as the cluster has them, with their present addresses."""
    return tuple(found for node in nodes if (found := cluster.node(node.name)) is not None)
