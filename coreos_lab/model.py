"""The words of the project as frozen values: no I/O, nothing that can fail but wrong input."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

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

    `joins` is so of one that came to a cluster which ran already, `leaving` of one that `lab scale` is taking away:
    both are planned before anything is done, so that whoever goes on after an interruption knows.
    """

    name: str
    address: str
    member: bool
    disks: tuple[Disk, ...] = ()
    joins: bool = False
    leaving: bool = False

    @property
    def peer_url(self) -> str:
        """Where the other members reach its etcd."""
        return f"http://{self.address}:2380"


@dataclass(frozen=True)
class Network:
    """The cluster's own network: `subnet` in CIDR, `gateway` is the host's address on it."""

    subnet: str
    gateway: str
    index: int  # which of the lab's networks this is; host interface names derive from it


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
class Cluster:
    """A named set of nodes on one network, as planned. What really runs is asked of the provider."""

    name: str
    provider: str
    network: Network
    nodes: tuple[Node, ...]
    limits: Limits = field(default_factory=Limits)
    agent_ttl: str = "10s"  # fleet's: how long a machine may be silent before its units move
    flannel_backend: str = FLANNEL_BACKENDS[0]
    image: str = ""  # content hash of the machine image that the nodes boot
    box: VagrantBox | None = None  # only with the vagrant provider
    members_max: int = ETCD_MEMBERS_MAX  # further nodes are clients of the members

    @property
    def emulated(self) -> bool:
        """Whether its machines have no hardware that helps, and take many times as long for everything."""
        return self.box is not None and self.box.driver == EMULATED

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
class LabUnit:
    """A unit of a lab: the file `path` is submitted as `name`; a template is started as `instances`.

    One that is `intermittent` ends by itself and is started again: having run is enough to count as running.
    """

    name: str
    path: Path
    instances: tuple[str, ...] = ()
    intermittent: bool = False

    @property
    def started(self) -> tuple[str, ...]:
        """The names that are started: the unit itself, or a template's instances."""
        if not self.instances:
            return (self.name,)
        return tuple(self.name.replace("@.", f"@{instance}.") for instance in self.instances)


ETCD_PROBE = "etcd"  # the probe that every verdict has: whether etcd takes writes


@dataclass(frozen=True)
class LabProbe:
    """Something to measure while the cluster is broken: HTTP at `port` and `path` of the node that runs `unit`.

    The probe succeeds on status 200 with `expect` in the body.
    """

    name: str
    unit: str
    port: int
    path: str = "/"
    expect: str = ""


@dataclass(frozen=True)
class Lab:
    """One chapter: what to deploy, and how to see that it works."""

    name: str
    title: str
    summary: str
    folder: Path
    units: tuple[LabUnit, ...]
    containers: dict[str, Path]  # container image name -> folder with its Dockerfile
    ports: tuple[int, ...] = ()  # ports that its units publish on the nodes
    nodes: int = 1  # the smallest cluster that it makes sense on
    disks: int = 0  # extra disks that each node must have
    keys: tuple[str, ...] = ()  # etcd folders and keys that belong to it and go with it
    folders: tuple[str, ...] = ()  # folders on the nodes that belong to it and go with it
    probes: tuple[LabProbe, ...] = ()
    objectives: dict[str, float] = field(default_factory=dict)  # probe -> seconds it may be down
    target: str = ""  # what `lab break` would break here: a node, or unit:NAME
    settings: dict[str, str] = field(default_factory=dict)  # what may be set when it is deployed, and what that is

    @property
    def unit_names(self) -> tuple[str, ...]:
        """Every unit that runs when the lab is deployed, in order of start."""
        return tuple(name for unit in self.units for name in unit.started)


class FaultKind(StrEnum):
    """What `lab break` can do to a node: its machine, network, disks, services, resources, clock, or data in etcd."""

    KILL = "kill"
    HALT = "halt"
    REBOOT = "reboot"
    PAUSE = "pause"
    ISOLATE = "isolate"
    PARTITION = "partition"
    STOP = "stop"
    CRASH = "crash"
    FREEZE = "freeze"
    CRASH_LOOP = "crash-loop"
    BANDWIDTH = "bandwidth"
    KEEP_CRASHING = "keep-crashing"
    DELAY = "delay"
    LOSS = "loss"
    DUPLICATE = "duplicate"
    FILL = "fill"
    LOSE_DISK = "lose-disk"
    SLOW_DISK = "slow-disk"
    CPU_QUOTA = "cpu-quota"
    MEMORY_LIMIT = "memory-limit"
    TASK_LIMIT = "task-limit"
    CLOCK_SKEW = "clock-skew"
    READ_ONLY = "read-only"
    LOSE_DATA = "lose-data"
    CORRUPT_DATA = "corrupt-data"
    REMOVE_MEMBER = "remove-member"
    REMOVE_KEYS = "remove-keys"
    OVERWRITE_KEYS = "overwrite-keys"


class Outcome(StrEnum):
    """A verdict or a check's result. What could not be checked is unknown, never pass."""

    PASS = "pass"  # noqa: S105 - no password
    FAIL = "fail"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class CheckResult:
    """One check: what it found, in words, and how long it took in seconds."""

    name: str
    outcome: Outcome
    message: str = ""
    seconds: float = 0.0


@dataclass(frozen=True)
class Finding:
    """One line of `lab doctor`: is it well, and if not, what to do."""

    name: str
    ok: bool
    message: str
    remedy: str = ""


def to_json(value: Any) -> Any:
    """A value of this module as plain JSON types."""
    from dataclasses import asdict, is_dataclass

    if is_dataclass(value) and not isinstance(value, type):
        return to_json(asdict(value))
    if isinstance(value, dict):
        return {str(k): to_json(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [to_json(v) for v in value]
    return str(value) if isinstance(value, Path) else value
