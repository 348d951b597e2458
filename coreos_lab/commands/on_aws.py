"""What a cluster of the provider aws needs before its machines: its cloud, and a token for etcd's first members."""

from __future__ import annotations

from dataclasses import replace

from coreos_lab import hints
from coreos_lab.cloud import lifecycle
from coreos_lab.model import Cluster, Stack
from coreos_lab.records import clouds, store
from coreos_lab.records.clouds import CloudFolder


def wake(name: str) -> None:
    """Starts the process of a cluster's cloud, if it has ended: the cluster's machines are asked for there."""
    cluster = store.load(name)
    if cluster is not None and cluster.stack is not None and clouds.load(cluster.stack.cloud) is not None:
        _bring_up(cluster.stack)


def prepared(cluster: Cluster) -> Cluster:
    """The plan, with the token by which etcd's first members find each other; the cloud runs when this returns.

    Makes the cloud if there is none of that name.
    """
    stack = cluster.stack
    if stack is None:
        return cluster
    _bring_up(stack)
    if not stack.discovery:
        founders = sum(node.member and not node.joins for node in cluster.nodes)
        token = lifecycle.new_token(clouds.require(stack.cloud), founders)
        cluster = replace(cluster, stack=replace(stack, discovery=token))
        store.save(cluster)
    return cluster


def _bring_up(stack: Stack) -> None:
    with CloudFolder(stack.cloud).lock(hints.lab("up")):
        lifecycle.bring_up(stack.cloud, stack.region, None)
