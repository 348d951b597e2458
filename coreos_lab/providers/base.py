"""What a provider is: it makes machines, and does to them what only hardware can do.

One long module because these protocols are a provider's whole contract, which is read together.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

from coreos_lab.model import Cloud, Cluster, Disk, Finding, Leftovers, Limits, Node, NodeState, Seat, Volume


class Provider(Protocol):
    """Makes, starts, stops, breaks and removes the nodes of one cluster.

    Every method may be repeated: it changes nothing that is as wanted already. None of them waits for what runs inside
    a node (etcd, fleet); `halt` and `reboot` return before the machine is off.
    """

    name: str
    boot_deadline: float  # seconds until a node must serve: enough for a busy laptop, and the wait for a broken node
    own_clocks: bool  # whether each node has a clock of its own
    boots_at_once: int | None  # nodes: more than that would hold each other up while they boot; None for any number

    def doctor(self) -> list[Finding]:
        """Whether this machine can run the provider: one finding for each condition, with its remedy."""
        ...

    def prepare(self, cluster: Cluster) -> str:
        """Makes what all nodes boot from (the machine image, a box) and returns its content hash, "" if not ours."""
        ...

    def create_network(self, cluster: Cluster) -> None:
        """Makes the cluster's network. Raises LabError when its subnet is in use already."""
        ...

    def start(self, cluster: Cluster, nodes: Sequence[Node], user_data: Callable[[Node], Path]) -> None:
        """Powers nodes on, several at a time where that is possible; makes those that do not exist yet.

        Each boots from its cloud-config, the file that `user_data` returns.
        """
        ...

    def kill(self, cluster: Cluster, node: Node) -> None:
        """Cuts a node's power."""
        ...

    def halt(self, cluster: Cluster, node: Node) -> None:
        """Asks a node to shut down cleanly."""
        ...

    def reboot(self, cluster: Cluster, node: Node) -> None:
        """Asks a node to shut down cleanly and to boot again."""
        ...

    def state(self, cluster: Cluster, node: Node) -> NodeState:
        """What the node's machine is doing now."""
        ...

    def stuck(self, cluster: Cluster, node: Node) -> bool:
        """Whether a node's machine runs but its boot has failed: it serves only after a power cycle."""
        ...

    def boot_id(self, cluster: Cluster, node: Node) -> str:
        """A text that differs after every boot of the node, "" while it is off: it shows a reboot from outside.

        UnknownError where the node does not answer.
        """
        ...

    def memory(self, cluster: Cluster, node: Node) -> int | None:
        """Memory that a running node's processes hold, in bytes; None where that is not known."""
        ...

    def console(self, cluster: Cluster, node: Node) -> Path:
        """The file with the node's console output."""
        ...

    def journal_folders(self, cluster: Cluster, node: Node) -> Sequence[Path]:
        """Folders on the host with the node's journal, readable also when the node is off; may be none."""
        ...

    def docker_data(self, cluster: Cluster, node: Node) -> Path | None:
        """The folder on the host with the data of a node's Docker; None where the host cannot reach it."""
        ...

    def destroy(self, cluster: Cluster, nodes: Sequence[Node]) -> None:
        """Removes nodes with their disks."""
        ...

    def destroy_network(self, cluster: Cluster) -> None:
        """Removes the cluster's network and restores the host's settings that were changed for it."""
        ...

    def leftovers(self, cluster: Cluster) -> Leftovers:
        """What is still on the host of the cluster, by the state of the host, not by our records."""
        ...


@runtime_checkable
class PausingProvider(Provider, Protocol):
    """A provider that can freeze its nodes."""

    def pause(self, cluster: Cluster, node: Node) -> None:
        """Freezes a node: nothing in it runs, everything in it stays."""
        ...

    def resume(self, cluster: Cluster, node: Node) -> None:
        """Lets a paused node go on."""
        ...


@runtime_checkable
class ReplacingProvider(Provider, Protocol):
    """A provider that gives a node another machine in place of one that is lost. Addresses are known when it runs.

    Its `kill` takes the machine and its disks away for good; `start` gives the node another one.
    """

    def placed(self, cluster: Cluster) -> Cluster:
        """The cluster with the addresses that its machines have now. A node without a machine keeps those it had."""
        ...


@runtime_checkable
class ZonedProvider(Provider, Protocol):
    """A provider whose nodes are in zones, which fail as a whole."""

    def zone(self, cluster: Cluster, node: Node) -> str:
        """The zone that a node's machine is in. LabError where it has none."""
        ...

    def close_zone(self, cluster: Cluster, zone: str) -> None:
        """Lets no machine be made in a zone. Those that are there stay."""
        ...

    def open_zone(self, cluster: Cluster, zone: str) -> None:
        """Undoes `close_zone`."""
        ...

    def is_open(self, cluster: Cluster, zone: str) -> bool:
        """Whether machines can be made in a zone."""
        ...


@runtime_checkable
class IsolatingProvider(Provider, Protocol):
    """A provider whose nodes share the host's kernel, so that they may or may not be isolated from the host."""

    def isolated(self, cluster: Cluster, node: Node) -> bool | None:
        """Whether a node is in a user namespace of its own; None while it is off."""
        ...


@runtime_checkable
class CableProvider(Provider, Protocol):
    """A provider whose nodes' cables end on this host, where they can be cut."""

    def cable(self, cluster: Cluster, node: Node) -> str:
        """The interface on the host that is the other end of the node's `eth1`."""
        ...


@runtime_checkable
class LimitProvider(Provider, Protocol):
    """A provider that can change a running node's limits."""

    def require_limit(self, cluster: Cluster, node: Node, resource: str) -> None:
        """LabError where a running node's resource (a field of Limits) cannot be limited."""
        ...

    def limit(self, cluster: Cluster, node: Node, allowed: Limits) -> None:
        """Sets a node's limits; a field that is None is without limit."""
        ...

    def limits(self, cluster: Cluster, node: Node) -> Limits:
        """A node's limits now."""
        ...

    def usage(self, cluster: Cluster, node: Node) -> Limits:
        """What a node uses now: memory without caches that the kernel can drop at once; no `cpus`."""
        ...

    def held_back(self, cluster: Cluster, node: Node, resource: str) -> int:
        """How often a node was refused more of a resource (a field of Limits) since it was made."""
        ...


@runtime_checkable
class DiskProvider(Provider, Protocol):
    """A provider that can remove a running node's extra disks, or slow them down, from outside.

    A node that is started gets the extra disks that its plan has by then.
    """

    def has_disks(self, cluster: Cluster, node: Node) -> bool:
        """Whether a running node has all the extra disks of its plan."""
        ...

    def lose_disk(self, cluster: Cluster, node: Node, disk: Disk) -> None:
        """Makes every access to a disk fail. Its data stays."""
        ...

    def find_disk(self, cluster: Cluster, node: Node, disk: Disk) -> None:
        """Undoes `lose_disk`."""
        ...

    def disk_is_lost(self, cluster: Cluster, node: Node, disk: Disk) -> bool:
        """Whether `lose_disk` is in effect."""
        ...

    def require_slow_disk(self, cluster: Cluster, node: Node) -> None:
        """LabError where a running node's disks cannot be slowed down."""
        ...

    def slow_disk(self, cluster: Cluster, node: Node, disk: Disk, rate: int | None) -> None:
        """Limits reads and writes of a disk to `rate` bytes a second each; None removes the limit."""
        ...

    def disk_rate(self, cluster: Cluster, node: Node, disk: Disk) -> int | None:
        """The limit that `slow_disk` has set."""
        ...


@runtime_checkable
class SlotProvider(Provider, Protocol):
    """A provider whose nodes have two slots for machine images, between which their update engines choose."""

    def booted_image(self, cluster: Cluster, node: Node) -> str:
        """The machine image that a node has booted last, also while it is off; "" for a node without slots."""
        ...

    def machine_id(self, cluster: Cluster, node: Node) -> str:
        """A node's /etc/machine-id, also while it is off; "" where that is not known."""
        ...


@runtime_checkable
class SnapshotProvider(PausingProvider, Protocol):
    """A provider that can copy the disks of a cluster's nodes. Only snapshots need it.

    Nodes are paused or off while their disks are copied, and off while they are restored.
    """

    def snapshot_size(self, cluster: Cluster) -> int:
        """The bytes that a copy of the nodes' disks takes now."""
        ...

    def save_snapshot(self, cluster: Cluster, folder: Path) -> None:
        """Copies the disks of all nodes into a folder, which must be empty."""
        ...

    def restore_snapshot(self, cluster: Cluster, folder: Path) -> None:
        """Restores the disks of all nodes from a copy. May be repeated after an interruption."""
        ...


class InstanceProvider(Protocol):
    """Makes the machines of a cloud's instances. Instances are named by their ids; every method may be repeated."""

    def doctor(self) -> list[Finding]:
        """Whether this machine can run instances: one finding for each condition, with its remedy."""
        ...

    def prepare(self) -> str:
        """Makes what instances boot from and returns its content hash."""
        ...

    def reserve(self, cloud: Cloud) -> None:
        """Chooses and records what of the host's the cloud's instances will have."""
        ...

    def raise_settings(self) -> None:
        """Sets what instances need of the host's settings; what they were is recorded before."""
        ...

    def give_settings_back(self) -> None:
        """Restores them, if nothing else of the lab needs them."""
        ...

    def start(self, seat: Seat) -> None:
        """Powers an instance's machine on; makes it if it does not exist yet."""
        ...

    def give_disks(self, cloud: str, instance: str, number: int, own: Sequence[Volume]) -> Collection[str]:
        """Gives a machine these disks and takes all others from it, on or off. Returns the devices that it has then.

        A disk in use stays, and one that another machine has does not come: both may be asked for again. A machine that
        asks for one of its disks to be mounted is answered, also one that another process has started.
        """
        ...

    def keep_volumes(self, cloud: str, kept: Collection[str]) -> None:
        """Removes the volumes that are not among these ids, with what is on them."""
        ...

    def kill(self, cloud: str, instance: str) -> None:
        """Cuts a machine's power."""
        ...

    def halt(self, cloud: str, instance: str) -> None:
        """Asks a machine to shut down cleanly."""
        ...

    def reboot(self, cloud: str, instance: str) -> None:
        """Asks a machine to shut down cleanly and to boot again."""
        ...

    def state(self, cloud: str, instance: str) -> NodeState:
        """What a machine is doing now."""
        ...

    def console(self, cloud: str, instance: str) -> Path:
        """The file with a machine's console output."""
        ...

    def cpu_time(self, cloud: str, instance: str) -> float | None:
        """Seconds of a processor that a machine has used since it was powered on; None while it is off."""
        ...

    def remove(self, cloud: str, instance: str) -> None:
        """Removes a machine with its disks."""
        ...

    def there(self, cloud: str) -> Sequence[str]:
        """The instances that have a machine, by what is on the host."""
        ...

    def sweep(self, cloud: str) -> None:
        """Removes what is left of machines that are gone."""
        ...

    def user(self, cloud: str, number: int) -> int:
        """A user id of the host's that only the cloud's process of that number has."""
        ...

    def confine(self, cloud: str, name: str, limits: Limits) -> Sequence[Path]:
        """Makes cgroups with limits; returns the files that a process writes its id to, to be in them."""
        ...

    def peak(self, cloud: str, name: str) -> int:
        """The most memory that the processes of a name have had, in bytes; 0 if the kernel does not count it."""
        ...

    def end_confined(self, cloud: str, name: str) -> None:
        """Ends the processes of a name at once, and removes their cgroups."""
        ...

    def confined(self, cloud: str) -> Sequence[str]:
        """The names that have cgroups, but for instances."""
        ...

    def cgroups(self, cloud: str) -> Sequence[Path]:
        """The cloud's cgroups that are there."""
        ...
