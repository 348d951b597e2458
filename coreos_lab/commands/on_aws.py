"""What a cluster of the provider aws needs before its machines: its cloud, and a token for etcd's first members."""

from __future__ import annotations

import sys
from dataclasses import replace

from coreos_lab import hints, stack_plans
from coreos_lab.cluster import discovery
from coreos_lab.commands.confirm import confirmed
from coreos_lab.errors import UsageError
from coreos_lab.model import Cluster, Stack
from coreos_lab.plan import Request
from coreos_lab.providers.aws import price
from coreos_lab.providers.aws.api import Api
from coreos_lab.records import clouds, store
from coreos_lab.records.clouds import CloudFolder


def wake(name: str) -> None:
    """Starts the process of a cluster's cloud, if it has ended: the cluster's machines are asked for there."""
    cluster = store.load(name)
    stack = cluster.stack if cluster is not None else None
    if stack is not None and not stack.at_aws and clouds.load(stack.cloud) is not None:
        _bring_up(stack)


def costs(request: Request) -> bool:
    """Whether a request is about machines of AWS itself."""
    cluster = store.load(request.name)
    stack = cluster.stack if cluster is not None else None
    return stack.at_aws if stack is not None else request.endpoint == stack_plans.AWS


def accept_costs(cluster: Cluster, more: int, *, yes: bool) -> None:
    """Says what `more` machines at AWS itself cost. UsageError where that is not confirmed. Nothing is made yet."""
    if cluster.stack is None or not cluster.stack.at_aws or not more:
        return
    print(price.estimate(Api(cluster.stack), more), file=sys.stderr)
    if not yes and not confirmed("Make them?"):
        raise UsageError(f"{cluster.name}: not confirmed, so nothing was made at AWS", "say --yes, or answer y")


def prepared(cluster: Cluster) -> Cluster:
    """The plan, with the token by which etcd's first members find each other; the cloud runs when this returns.

    Makes the cloud if there is none of that name. Machines of AWS itself have the discovery service of this cluster.
    """
    stack = cluster.stack
    if stack is None:
        return cluster
    if not stack.at_aws:
        _bring_up(stack)
    if not stack.discovery:
        founders = sum(node.member and not node.joins for node in cluster.nodes)
        if stack.at_aws:
            token = discovery.new(cluster, founders)
        else:
            from coreos_lab.cloud import lifecycle  # slow to import, and no other provider needs it

            token = lifecycle.new_token(clouds.require(stack.cloud), founders)
        cluster = replace(cluster, stack=replace(stack, discovery=token))
        store.save(cluster)
    return cluster


def _bring_up(stack: Stack) -> None:
    from coreos_lab.cloud import lifecycle

    with CloudFolder(stack.cloud).lock(hints.lab("up")):
        lifecycle.bring_up(stack.cloud, stack.region, None)
