"""How a cluster would be made again: the request that it was planned from, as options and as commands."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from coreos_lab import hints, stack_plans
from coreos_lab.hints import DEFAULT_PROVIDER
from coreos_lab.model import ETCD_MEMBERS_MAX, Cluster, Disk, latest
from coreos_lab.node_plans import make_disks, make_nodes, node_name
from coreos_lab.plan import (
    AGENT_TTL,
    DISK_SIZE,
    NODES,
    Request,
    network_for,
)


def request_of(cluster: Cluster) -> Request:
    """The request that a cluster was planned from; None for each option that has its default."""

    def unless(default: object, value: Any) -> Any:
        return None if value == default else value

    disks, box, stack = cluster.nodes[0].disks, cluster.box, cluster.stack
    named_cloud = hints.current().cloud_is_set  # without an option, LAB_CLOUD would say which cloud is meant
    named = box is not None and not box.url and not box.name.startswith("coreos-lab-")  # ours is the default
    return Request(
        cluster.name,
        provider=unless(DEFAULT_PROVIDER, cluster.provider),
        nodes=unless(NODES, len(cluster.staying)),
        members=unless(ETCD_MEMBERS_MAX, cluster.members_max),
        disks=len(disks) or None,
        disk_size=unless(DISK_SIZE, disks[0].size) if disks else None,
        memory=cluster.limits.memory,
        cpus=cluster.limits.cpus,
        agent_ttl=unless(AGENT_TTL.get(cluster.provider, Cluster.agent_ttl), cluster.agent_ttl),
        flannel_backend=unless(Cluster.flannel_backend, cluster.flannel_backend),
        subnet=None if stack else unless(network_for(None, cluster.network.index).subnet, cluster.network.subnet),
        channel=box.name.removeprefix("flatcar-") if box and box.url else None,
        box=box.name if box and named else None,
        box_version=(box and box.version) or None,
        no_userns=None if cluster.userns else True,
        cloud=(stack.cloud or None) if stack and (named_cloud or stack.cloud != hints.DEFAULT_CLOUD) else None,
        endpoint=unless(stack_plans.HERE, stack_plans.endpoint(stack)) if stack else None,
        instance_type=unless(stack_plans.SIZE, stack.size) if stack else None,
        allow_from=(stack.allowed or None) if stack else None,
        cloud_configs=cluster.cloud_configs or None,
        metadata=cluster.metadata or None,
    )


def request_again(request: Request, cluster: Cluster) -> Request:
    """A request after one of which no more than a plan was made: an option that is not given is as it was before."""
    before = request_of(cluster)
    if request.provider not in (None, cluster.provider):
        before = replace(before, channel=None, box=None, box_version=None)
        before = replace(before, cloud=None, endpoint=None, instance_type=None, allow_from=None)
    if request.endpoint == stack_plans.AWS:
        before = replace(before, cloud=None)
    names = {node_name(number + 1) for number in range(request.nodes or before.nodes or NODES)} | {""}
    request = replace(
        request,
        cloud_configs=latest(tuple(c for c in cluster.cloud_configs if c.node in names), request.cloud_configs) or None,
        metadata=latest(tuple(m for m in cluster.metadata if m.node in names), request.metadata) or None,
    )
    before = replace(before, cloud_configs=None, metadata=None)
    return replace(before, **{name: value for name, value in vars(request).items() if value is not None})


def made_with(cluster: Cluster) -> list[str]:
    """The options of `lab up` that a cluster was made with."""
    given = {name: value for name, value in vars(request_of(cluster)).items() if value is not None and name != "name"}
    scoped = [("--cloud-config", each.node, each.path) for each in given.pop("cloud_configs", ())]
    scoped += [("--metadata", each.node, each.text) for each in given.pop("metadata", ())]
    options = {f"--{name.replace('_', '-')}": value for name, value in given.items()}
    words = [
        word for option, value in options.items() for word in ((option,) if value is True else (option, str(value)))
    ]
    return [*words, *(word for option, node, text in scoped for word in (option, f"{node}:{text}" if node else text))]


def with_disks(cluster: Cluster, disks: int, nodes: int = 0) -> str:
    """The commands that give each node of a cluster so many extra disks, and the cluster at least so many nodes.

    Vagrant gives a machine its disks when it makes it. Machines on AWS have none, which is said instead.
    """
    if cluster.replaced:
        return "use a cluster of the provider nspawn: machines on AWS have no extra disks"
    if cluster.provider != DEFAULT_PROVIDER:
        return made_anew(cluster, nodes=nodes, disks=disks)
    more = ["--nodes", nodes] if nodes > len(cluster.staying) else []
    return hints.lab("up", *more, "--disks", disks)


def made_anew(cluster: Cluster, *, nodes: int = 0, disks: int = 0) -> str:
    """The commands that make a cluster anew, as it is but with at least so many nodes and extra disks a node."""
    first = cluster.nodes[0].disks or (Disk("", DISK_SIZE),)
    more = make_disks(max(disks, len(cluster.nodes[0].disks)), first[0].size)
    count = max(nodes, len(cluster.staying))
    target = replace(cluster, nodes=make_nodes(cluster.network, 1, count, more, cluster.members_max))
    return f"{hints.lab('destroy')} && {hints.lab('up', *made_with(target))}"
