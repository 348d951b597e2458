"""From a request to a planned cluster: pure values, printed by --dry-run and tested without a machine."""

from __future__ import annotations

import math
import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from ipaddress import AddressValueError, IPv4Network, NetmaskValueError

from coreos_lab.errors import UsageError
from coreos_lab.model import ETCD_MEMBERS_MAX, FLANNEL_BACKENDS, NODES_MAX, Cluster, Disk, Limits, Network, Node
from coreos_lab.units_of_measure import duration

DEFAULT_NAME = "core"
FIRST_HOST = 100  # node N has the address .100+N
FIRST_SUBNET = 8  # 172.17.8.0/24 is Container Linux's own; further clusters take the next ones
DISKS_MAX = 8
REGISTRY_PORT = 5808  # not a registry's usual 5000: Debian's package starts one there on all addresses
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


def check_name(name: str) -> str:
    """A cluster's name, or UsageError: it becomes part of file, unit and interface names."""
    if not re.fullmatch(r"[a-z][a-z0-9-]{0,23}", name):
        raise UsageError(
            f"--name {name}: not a cluster name",
            "use lower-case letters, digits and hyphens, 24 at most, a letter first",
        )
    return name


def node_name(cluster: str, number: int) -> str:
    """`core-01`: nodes are called after Container Linux in every cluster, as in the chapters."""
    del cluster  # names are a cluster's own: two clusters may each have a core-01
    return f"core-{number:02d}"


def network_for(subnet: str | None, index: int) -> Network:
    """The network of that index, or of a subnet that the user chose."""
    text = subnet or f"172.17.{FIRST_SUBNET + index}.0/24"
    try:
        network = IPv4Network(text)
    except (AddressValueError, NetmaskValueError, ValueError) as error:
        raise UsageError(f"--subnet {text}: {error}", "write it as 10.88.8.0/24") from None
    if network.prefixlen > 24:  # noqa: PLR2004 - .101 to .199 must fit
        raise UsageError(f"--subnet {text}: too small for addresses up to .199", "use a /24 or a wider one")
    return Network(str(network), str(network.network_address + 1), index)


def free_index(name: str, taken: Collection[int]) -> int:
    """The default cluster has index 0 and so the well-known addresses; others take the next free one."""
    if name == DEFAULT_NAME:
        return 0
    return next(i for i in range(1, 200) if i not in taken)


def make_nodes(network: Network, first: int, last: int, disks: tuple[Disk, ...], members: int) -> tuple[Node, ...]:
    """Nodes number `first` to `last`; those up to number `members` are etcd members."""
    base = IPv4Network(network.subnet).network_address + FIRST_HOST
    return tuple(
        Node(node_name("", number), str(base + number), member=number <= members, disks=disks)
        for number in range(first, last + 1)
    )


def plan(request: Request, existing: Cluster | None, taken: Collection[int], *, default_nodes: int = 3) -> Cluster:
    """The cluster that was asked for.

    An existing cluster keeps its network, limits and disks; it may only grow here. UsageError says which option
    contradicts it.
    """
    check_name(request.name)
    if request.nodes is not None and not 1 <= request.nodes <= NODES_MAX:
        raise UsageError(f"--nodes {request.nodes}: must be from 1 to {NODES_MAX}")
    if request.members is not None and not 1 <= request.members <= ETCD_MEMBERS_MAX:
        raise UsageError(f"--members {request.members}: must be from 1 to {ETCD_MEMBERS_MAX}")
    for option, value in (("--disk-size", request.disk_size), ("--memory", request.memory), ("--cpus", request.cpus)):
        if value is not None and not 0 < value < math.inf:
            raise UsageError(f"{option} {value:g}: must be more than 0")
    if request.agent_ttl is not None and not duration(request.agent_ttl, "--agent-ttl"):
        raise UsageError(f"--agent-ttl {request.agent_ttl}: must be more than 0")
    if request.flannel_backend not in (None, *FLANNEL_BACKENDS):
        raise UsageError(f"--flannel-backend {request.flannel_backend}: must be {' or '.join(FLANNEL_BACKENDS)}")
    if request.provider not in (None, "vagrant") or (existing is None and request.provider is None):
        for option, told in (
            ("--channel", request.channel),
            ("--box", request.box),
            ("--box-version", request.box_version),
        ):
            if told is not None:
                raise UsageError(f"{option} {told}: boxes are Vagrant's", "add --provider vagrant")
    if existing is not None:
        return _grown(request, existing)
    count = request.nodes or default_nodes
    if request.disks is not None and not 0 <= request.disks <= DISKS_MAX:
        raise UsageError(f"--disks {request.disks}: must be from 0 to {DISKS_MAX}")
    size = request.disk_size or 2**30
    disks = tuple(Disk(f"/dev/sd{chr(ord('b') + i)}", size) for i in range(request.disks or 0))
    network = network_for(request.subnet, free_index(request.name, taken))
    provider = request.provider or "nspawn"
    return Cluster(
        name=request.name,
        provider=provider,
        network=network,
        nodes=make_nodes(network, 1, count, disks, request.members or ETCD_MEMBERS_MAX),
        limits=Limits(request.memory, request.cpus),
        agent_ttl=request.agent_ttl or AGENT_TTL.get(provider, Cluster.agent_ttl),
        flannel_backend=request.flannel_backend or Cluster.flannel_backend,
        members_max=request.members or ETCD_MEMBERS_MAX,
    )


def _grown(request: Request, existing: Cluster) -> Cluster:
    def fixed(option: str, asked: object, has: object) -> None:
        if asked is not None and asked != has:
            raise UsageError(
                f"{option}: cluster {existing.name} was made with {has}, not {asked}",
                f"destroy it first (lab destroy --name {existing.name}), or make another with --name",
            )

    fixed("--provider", request.provider, existing.provider)
    fixed("--members", request.members, existing.members_max)
    fixed("--disks", request.disks, len(existing.nodes[0].disks))
    if request.disk_size is not None and existing.nodes[0].disks:
        fixed("--disk-size", request.disk_size, existing.nodes[0].disks[0].size)
    fixed("--memory", request.memory, existing.limits.memory)
    fixed("--cpus", request.cpus, existing.limits.cpus)
    fixed("--agent-ttl", request.agent_ttl, existing.agent_ttl)
    fixed("--flannel-backend", request.flannel_backend, existing.flannel_backend)
    fixed("--subnet", request.subnet, existing.network.subnet)
    has = existing.box
    fixed("--channel", request.channel and f"flatcar-{request.channel}", has and has.name)
    fixed("--box", request.box, has and has.name)
    fixed("--box-version", request.box_version, has and has.version)
    count = len(existing.nodes)
    if request.nodes is not None and request.nodes < count:
        raise UsageError(
            f"--nodes {request.nodes}: cluster {existing.name} has {count} nodes already",
            f"take nodes away with 'lab scale {request.nodes}', or all of them (lab destroy --name {existing.name})",
        )
    return grown(existing, request.nodes or count)


def grown(existing: Cluster, count: int) -> Cluster:
    """The cluster with `count` nodes, if it has fewer. The new ones have the disks of the others."""
    has = len(existing.nodes)
    more = make_nodes(existing.network, has + 1, count, existing.nodes[0].disks, existing.members_max)
    return replace(existing, nodes=existing.nodes + tuple(replace(node, joins=True) for node in more))


def shrunk(existing: Cluster, count: int) -> Cluster:
    """The cluster with all but its first `count` nodes on their way out. One that is leaving already stays so."""
    nodes = (replace(node, leaving=node.leaving or i >= count) for i, node in enumerate(existing.nodes))
    return replace(existing, nodes=tuple(nodes))


def check_count(count: int) -> int:
    """A number of nodes that a cluster can have, or UsageError."""
    if not 1 <= count <= NODES_MAX:
        raise UsageError(f"scale {count}: must be from 1 to {NODES_MAX}")
    return count
