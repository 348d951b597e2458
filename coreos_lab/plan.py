"""From a request to a planned cluster: pure values, printed by --dry-run and tested without a machine."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from ipaddress import AddressValueError, IPv4Network, NetmaskValueError
from typing import Any

from coreos_lab import hints, stack_plans
from coreos_lab.errors import UsageError
from coreos_lab.hints import DEFAULT_NAME, DEFAULT_PROVIDER
from coreos_lab.model import (
    ETCD_MEMBERS_MAX,
    FLANNEL_BACKENDS,
    NODES_MAX,
    CloudConfig,
    Cluster,
    Limits,
    MachineMetadata,
    Network,
    latest,
)
from coreos_lab.node_plans import grown, make_disks, make_nodes, with_disks
from coreos_lab.units_of_measure import as_size, duration

FIRST_SUBNET = 8  # 172.17.8.0/24 is Container Linux's own; further clusters take the next ones
INDICES = 200  # of the lab's networks
DISKS_MAX, DISK_SIZE = 8, 2**30  # a node's extra disks; each in bytes
NODES = 3
DOCKER_BIP = "10.254.0.1/24"  # Docker's own default is 172.17.0.0/16, in which the nodes' network lies
OVERLAY = "10.1.0.0/16"  # flannel's: each machine gets a /24 of it
UNUSABLE = {
    OVERLAY: "the nodes' overlay network",
    DOCKER_BIP: "the nodes' Docker bridge where flannel is off",
    "127.0.0.0/8": "for loopback",
    "0.0.0.0/8": "not for machines",
    "224.0.0.0/3": "for multicast, or reserved",
}
# The same on the nodes of every cluster.
REGISTRY_NAME, UPDATES_NAME, OBJECTS_NAME = "registry.lab", "update.lab", "s3.lab"
# The cluster's services on its bridge. Not a registry's usual 5000: Debian's package starts one there on all addresses.
REGISTRY_PORT, DISCOVERY_PORT, UPDATES_PORT, OBJECTS_PORT = 5808, 5809, 5810, 5811
WEBHOOKS_PORT = 5812  # on loopback alone: the registry tells of pushes there
AGENT_TTL = {"vagrant": "30s"}  # fleet's own default: virtual machines may pause for seconds on a busy host


@dataclass(frozen=True)
class Request:
    """What the user asked `lab up` for; None is "as it is, or the default"."""

    name: str = DEFAULT_NAME
    provider: str | None = None
    nodes: int | None = None
    members: int | None = None
    disks: int | None = None
    disk_size: int | None = None
    memory: int | None = None
    cpus: float | None = None
    agent_ttl: str | None = None
    flannel_backend: str | None = None
    subnet: str | None = None
    channel: str | None = None
    box: str | None = None
    box_version: str | None = None
    no_userns: bool | None = None
    cloud: str | None = None
    endpoint: str | None = None
    instance_type: str | None = None
    allow_from: str | None = None
    cloud_configs: tuple[CloudConfig, ...] | None = None
    metadata: tuple[MachineMetadata, ...] | None = None


def check_name(name: str, of: str = "cluster") -> str:
    """The name of a cluster or a cloud, or UsageError: it becomes part of file, unit and interface names."""
    if not re.fullmatch(r"[a-z][a-z0-9-]{0,23}", name):
        raise UsageError(
            f"--name {name}: not a {of}'s name",
            "use lower-case letters, digits and hyphens, 24 at most, a letter first",
        )
    return name


def network_for(subnet: str | None, index: int) -> Network:
    """The network of that index, or of a subnet that the user chose."""
    text = subnet or f"172.17.{FIRST_SUBNET + index}.0/24"
    try:
        network = IPv4Network(text)
    except (AddressValueError, NetmaskValueError, ValueError) as error:
        raise UsageError(f"--subnet {text}: {error}", "write it as 10.88.8.0/24") from None
    if network.prefixlen > 24:  # noqa: PLR2004 - .101 to .199 must fit
        raise UsageError(f"--subnet {text}: too small for addresses up to .199", "use a /24 or a wider one")
    for other, what in UNUSABLE.items():
        if network.overlaps(IPv4Network(other, strict=False)):
            raise UsageError(f"--subnet {text}: {other} is {what}", "use another, such as 10.88.8.0/24")
    return Network(str(network), str(network.network_address + 1), index)


def free_index(name: str, taken: Collection[int], promised: int | None = None) -> int:
    """The index that was promised, where it is free still; else the next free one.

    The default cluster takes index 0, and so the well-known addresses, where it is free.
    """
    if promised is not None and promised not in taken:
        return promised
    if name == DEFAULT_NAME and 0 not in taken:
        return 0
    index = next((i for i in range(1, INDICES) if i not in taken), None)
    if index is None:
        last = network_for(None, INDICES - 1).subnet
        raise UsageError(f"{name}: every network up to {last} is in use on this machine", "choose one with --subnet")
    return index


def plan(request: Request, existing: Cluster | None, taken: Collection[int], *, promised: int | None = None) -> Cluster:
    """The cluster that was asked for.

    An existing cluster keeps its network and limits; here it can only get more nodes and more disks. UsageError names
    the option that contradicts it. `taken` are indices of networks in use, `promised` is the one that users of a
    cluster know already, before it exists.
    """
    check_name(request.name)
    if request.nodes is not None and not 1 <= request.nodes <= NODES_MAX:
        raise UsageError(f"--nodes {request.nodes}: must be from 1 to {NODES_MAX}")
    if request.disks is not None and not 0 <= request.disks <= DISKS_MAX:
        raise UsageError(f"--disks {request.disks}: must be from 0 to {DISKS_MAX}")
    if request.members is not None and not 1 <= request.members <= ETCD_MEMBERS_MAX:
        raise UsageError(f"--members {request.members}: must be from 1 to {ETCD_MEMBERS_MAX}")
    for option, value in (("--disk-size", request.disk_size), ("--memory", request.memory), ("--cpus", request.cpus)):
        if value is not None and not 0 < value < math.inf:
            raise UsageError(f"{option} {value:g}: must be more than 0")
    if request.agent_ttl is not None and not duration(request.agent_ttl, "--agent-ttl"):
        raise UsageError(f"--agent-ttl {request.agent_ttl}: must be more than 0")
    if request.flannel_backend not in (None, *FLANNEL_BACKENDS):
        raise UsageError(f"--flannel-backend {request.flannel_backend}: must be {' or '.join(FLANNEL_BACKENDS)}")
    _check_box(request, existing)
    if request.no_userns and "vagrant" in (request.provider, existing and existing.provider):
        raise UsageError("--no-userns: virtual machines have a kernel of their own", "leave it out")
    provider = existing.provider if existing and request.provider is None else request.provider or DEFAULT_PROVIDER
    stack_plans.check(vars(request), provider)
    if existing is not None:
        return _with_user_data(request, _grown(request, existing))
    count = request.nodes or NODES
    disks = make_disks(request.disks or 0, request.disk_size or DISK_SIZE)
    network = network_for(request.subnet, free_index(request.name, taken, promised))
    on_aws = provider == stack_plans.PROVIDER
    if on_aws:
        network = stack_plans.network(network)
    members = request.members or ETCD_MEMBERS_MAX
    cluster = Cluster(
        name=request.name,
        provider=provider,
        network=network,
        nodes=make_nodes(network, 1, count, disks, members, addressed=not on_aws),
        limits=Limits(request.memory, request.cpus),
        agent_ttl=request.agent_ttl or AGENT_TTL.get(provider, Cluster.agent_ttl),
        flannel_backend=request.flannel_backend or Cluster.flannel_backend,
        members_max=members,
        userns=not request.no_userns,
    )
    return _with_user_data(request, cluster)


def _check_box(request: Request, existing: Cluster | None) -> None:
    if request.provider not in (None, "vagrant") or (existing is None and request.provider is None):
        for option, given in (
            ("--channel", request.channel),
            ("--box", request.box),
            ("--box-version", request.box_version),
        ):
            if given is not None:
                raise UsageError(f"{option} {given}: boxes are Vagrant's", "add --provider vagrant")


def _with_user_data(request: Request, cluster: Cluster) -> Cluster:
    """The cluster with the reader's cloud-configs and metadata, where the request has some."""
    names = [node.name for node in cluster.staying]
    for option, given in (("--cloud-config", request.cloud_configs), ("--metadata", request.metadata)):
        for name in [each.node for each in given or () if each.node and each.node not in names]:
            remedy = f"there is: {', '.join(names)}"
            raise UsageError(f"{option} {name}: no such node in cluster {cluster.name}", remedy)
    configs, metadata = latest(cluster.cloud_configs, request.cloud_configs), latest(cluster.metadata, request.metadata)
    return replace(cluster, cloud_configs=configs, metadata=metadata)


def _grown(request: Request, existing: Cluster) -> Cluster:
    def fixed(option: str, given: object, has: object, text: Callable[[Any], object] = str) -> None:
        if given is not None and given != has:
            had = "none" if has is None else text(has)
            raise UsageError(
                f"{option}: cluster {existing.name} was made with {had}, not {text(given)}",
                f"destroy it first ({hints.lab('destroy')}), or make another with --name",
            )

    fixed("--provider", request.provider, existing.provider)
    fixed("--members", request.members, existing.members_max)
    disks = existing.nodes[0].disks
    more_disks = request.disks is not None and request.disks > len(disks) and existing.provider == DEFAULT_PROVIDER
    if not more_disks:
        fixed("--disks", request.disks, len(disks))
    if request.disk_size is not None and disks:
        fixed("--disk-size", request.disk_size, disks[0].size, as_size)
    fixed("--memory", request.memory, existing.limits.memory, as_size)
    fixed("--cpus", request.cpus, existing.limits.cpus)
    fixed("--agent-ttl", request.agent_ttl, existing.agent_ttl)
    fixed("--flannel-backend", request.flannel_backend, existing.flannel_backend)
    fixed("--subnet", request.subnet, existing.network.subnet)
    stack = existing.stack
    fixed("--endpoint", request.endpoint, stack and stack_plans.endpoint(stack))
    fixed("--cloud", request.cloud, stack and stack.cloud)
    fixed("--instance-type", request.instance_type, stack and stack.size)
    fixed("--allow-from", request.allow_from, stack and stack.allowed)
    fixed("--no-userns", request.no_userns and "none", "user namespaces" if existing.userns else "none")
    has = existing.box
    fixed("--channel", request.channel and f"flatcar-{request.channel}", has and has.name)
    fixed("--box", request.box, has and has.name)
    fixed("--box-version", request.box_version, has and has.version)
    count = len(existing.nodes)
    if request.nodes is not None and request.nodes < count:
        raise UsageError(
            f"--nodes {request.nodes}: cluster {existing.name} has {count} nodes already",
            f"take nodes away with '{hints.lab('scale', request.nodes)}', or all of them with '{hints.lab('destroy')}'",
        )
    if more_disks:
        size = disks[0].size if disks else request.disk_size or DISK_SIZE
        existing = with_disks(existing, make_disks(request.disks or 0, size))
    return grown(existing, request.nodes or count)
