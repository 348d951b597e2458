"""A cluster as planned, and what is found out about its machines and their host."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from coreos_lab.model.user_data import CloudConfig, MachineMetadata

ETCD_MEMBERS_MAX = 5  # more members make writes slower and not safer; further nodes are clients
FLANNEL_BACKENDS = ("udp", "vxlan")  # how the overlay's packets travel; udp is what the chapters know
EMULATED = "qemu"  # libvirt's driver for machines that are emulated in software
NODES_MAX = 99  # addresses .101 to .199


class NodeState(StrEnum):
    """What a node's machine is doing, seen from outside."""

    ABSENT = "absent"
    STOPPED = "stopped"
    RUNNING = "running"
    PAUSED = "paused"


@dataclass(frozen=True)
class Disk:
    """An extra disk of a node: `device` as the node sees it, `size` in bytes."""

    device: str
    size: int


@dataclass(frozen=True)
class Node:
    """One machine. `member` says whether it is an etcd member or only a client of the members.

    `joins`: it was added to a cluster that ran already. `leaving`: `lab scale` is taking it away. Both are in the plan
    before anything is done, so that the next command can go on after an interruption.

    `address` is where everybody reaches it; `private`, where that is another one, is its address in the network of the
    nodes. `address` is "" as long as it is not known: a provider may tell it only once the machine runs. `instance` is
    the machine's id at AWS.
    """

    name: str
    address: str
    member: bool
    disks: tuple[Disk, ...] = ()
    joins: bool = False
    leaving: bool = False
    private: str = ""
    instance: str = ""

    @property
    def peer_url(self) -> str:
        """Where the other members reach its etcd."""
        return f"http://{self.private or self.address}:2380"

    @property
    def variable(self) -> str:
        """The shell variable that has its address where `lab` sets up a shell: CORE_01."""
        return self.name.upper().replace("-", "_")


@dataclass(frozen=True)
class Network:
    """The cluster's own network: `subnet` in CIDR, `gateway` is the host's address on it."""

    subnet: str
    gateway: str
    index: int  # which of the lab's networks this is; host interface names derive from it

    @property
    def loopback(self) -> str:
        """The cluster's own loopback address of the host: 127.17.8.1 where its network has 172.17.8.1."""
        return f"127.{self.gateway.partition('.')[2]}"


@dataclass(frozen=True)
class Limits:
    """What one node may use: `memory` in bytes, `cpus` as a number of cores, `tasks` as a number of threads.

    None is without limit.
    """

    memory: int | None = None
    cpus: float | None = None
    tasks: int | None = None


@dataclass(frozen=True)
class VagrantBox:
    """What Vagrant makes machines from: on which `hypervisor`, from which box.

    `driver` is how libvirt runs them: kvm, or qemu (in software). `url` is where Vagrant finds a box that it does not
    have; `version` is "" for the newest. `flatcar` says that the box is Flatcar Container Linux, which lacks etcd 2 and
    fleet.
    """

    hypervisor: str
    name: str
    version: str = ""
    url: str = ""
    driver: str = ""
    flatcar: bool = False


@dataclass(frozen=True)
class Stack:
    """The CloudFormation stack that has the machines of a cluster of the provider `aws`, in a `region`.

    `cloud` is the name of the `lab cloud` that it is in, "" for AWS itself. `size` is the type of its instances.
    `allowed` are the addresses (CIDR) that reach the nodes, "" for this host's alone. `discovery` is the URL of the
    token by which the first members of etcd find each other, "" before it is made.
    """

    cloud: str
    region: str
    size: str
    allowed: str = ""
    discovery: str = ""

    @property
    def at_aws(self) -> bool:
        """Whether it is at AWS itself: its machines are Flatcar's, and cost money."""
        return not self.cloud


@dataclass(frozen=True)
class Offer:
    """What the cluster's update server offers to the nodes of an update group, "" for all groups without an own offer.

    `image` is a machine image, `before` the one that the nodes had before it. `back`: they go back to it. `done`: a
    `lab update` has seen all of them have it.
    """

    group: str
    image: str
    before: str
    back: bool = False
    done: bool = False


@dataclass(frozen=True)
class Cluster:
    """A named set of nodes on one network, as planned. The provider says what really runs."""

    name: str
    provider: str
    network: Network
    nodes: tuple[Node, ...]
    limits: Limits = field(default_factory=Limits)
    agent_ttl: str = "10s"  # fleet's: how long a machine may be silent before its units move
    flannel_backend: str = FLANNEL_BACKENDS[0]
    image: str = ""  # the machine image that nodes are made with; updates change it, and then the nodes one by one
    offers: tuple[Offer, ...] = ()  # by group
    box: VagrantBox | None = None  # only with the vagrant provider
    stack: Stack | None = None  # only with the aws provider
    members_max: int = ETCD_MEMBERS_MAX  # further nodes are clients of the members
    userns: bool = True  # each nspawn node in a user namespace of its own: its root is nobody on the host
    cloud_configs: tuple[CloudConfig, ...] = ()  # the reader's own, merged under the lab's
    metadata: tuple[MachineMetadata, ...] = ()

    @property
    def emulated(self) -> bool:
        """Whether its machines are emulated in software, and take many times as long for everything."""
        return self.box is not None and self.box.driver == EMULATED

    @property
    def replaced(self) -> bool:
        """Whether a lost machine is replaced by another one, whose addresses are known only when it runs."""
        return self.stack is not None

    @property
    def members(self) -> tuple[Node, ...]:
        """The nodes that are etcd members."""
        return tuple(node for node in self.nodes if node.member)

    @property
    def staying(self) -> tuple[Node, ...]:
        """The nodes that are not being taken away."""
        return tuple(node for node in self.nodes if not node.leaving)

    @property
    def leaving(self) -> tuple[Node, ...]:
        """The nodes that are being taken away."""
        return tuple(node for node in self.nodes if node.leaving)

    def node(self, name: str) -> Node | None:
        """The node of that name, if there is one."""
        return next((node for node in self.nodes if node.name == name), None)


@dataclass(frozen=True)
class Finding:
    """One line of `lab doctor`: whether it is in order, and the remedy. `userns`: only user namespaces need it."""

    name: str
    ok: bool
    message: str
    remedy: str = ""
    userns: bool = False


@dataclass(frozen=True)
class Leftovers:
    """What was found on the host of a cluster, and what could not be looked at: a line for each."""

    found: list[str]
    unseen: list[str]
