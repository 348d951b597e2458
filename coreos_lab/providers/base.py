"""What a provider is: the thing that makes machines, and does to them what only hardware can."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

from coreos_lab.model import Cluster, Disk, Finding, Limits, Node, NodeState


class Provider(Protocol):
    """Makes, starts, stops, breaks and removes the nodes of one cluster.

    Every method may be repeated: what is so already is left alone. None of them waits for what runs inside a
    node (etcd, fleet); only `halt` and `reboot` end before the machine itself is there.
    """

    name: str
    boot_deadline: float  # seconds until a node must be there: a busy laptop needs some, a broken node costs them
    own_clocks: bool  # whether each node has a clock of its own

    def doctor(self) -> list[Finding]:
        """Can this machine run the provider? One finding a condition, each with its remedy."""
        ...

    def prepare(self, cluster: Cluster) -> str:
        """Makes what all nodes boot from (the machine image, a box) and returns its content hash, "" if not ours."""
        ...

    def create_network(self, cluster: Cluster) -> None:
        """Makes the cluster's network. Raises LabError when its subnet is somebody else's."""
        ...

    def start(self, cluster: Cluster, nodes: Sequence[Node], user_data: Callable[[Node], Path]) -> None:
        """Powers nodes on, several at a time where that is possible; made first if they are not there.

        Each boots from its cloud-config, a file that `user_data` names.
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

    def pause(self, cluster: Cluster, node: Node) -> None:
        """Stops a node's time: nothing in it runs, everything in it stays."""
        ...

    def resume(self, cluster: Cluster, node: Node) -> None:
        """Lets a paused node go on."""
        ...

    def state(self, cluster: Cluster, node: Node) -> NodeState:
        """What the node's machine is doing now."""
        ...

    def boot_id(self, cluster: Cluster, node: Node) -> str:
        """Another text after every boot of the node, "" while it is off: how a reboot is seen from outside."""
        ...

    def memory(self, cluster: Cluster, node: Node) -> int | None:
        """Memory that a running node's processes hold, in bytes; None where it cannot be told."""
        ...

    def console(self, cluster: Cluster, node: Node) -> Path:
        """The file with what the node printed on its console."""
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
        """Removes the cluster's network and gives the host back what was changed for it."""
        ...

    def leftovers(self, cluster: Cluster) -> list[str]:
        """What of the cluster is still on the host, a line each. Looks at the host, not at our records."""
        ...


@runtime_checkable
class CableProvider(Provider, Protocol):
    """A provider whose nodes' cables end on this host, where they can be cut."""

    def cable(self, cluster: Cluster, node: Node) -> str:
        """The host's interface that is the other end of the node's `eth1`."""
        ...


@runtime_checkable
class LimitProvider(Provider, Protocol):
    """A provider that can change what a running node may use."""

    def require_limit(self, cluster: Cluster, node: Node, resource: str) -> None:
        """LabError where a running node's resource (a field of Limits) cannot be limited."""
        ...

    def limit(self, cluster: Cluster, node: Node, allowed: Limits) -> None:
        """Lets a node use no more than that from now on; what is None is without limit."""
        ...

    def limits(self, cluster: Cluster, node: Node) -> Limits:
        """What a node may use now."""
        ...

    def usage(self, cluster: Cluster, node: Node) -> Limits:
        """What a node uses now: of memory what cannot be dropped at once; no `cpus`."""
        ...

    def held_back(self, cluster: Cluster, node: Node, resource: str) -> int:
        """How often a node was refused more of a resource (a field of Limits) since it was made."""
        ...


@runtime_checkable
class DiskProvider(Provider, Protocol):
    """A provider that can take a running node's extra disks away, or slow them down, from outside."""

    def lose_disk(self, cluster: Cluster, node: Node, disk: Disk) -> None:
        """Lets every access to a disk fail. What is on it stays."""
        ...

    def find_disk(self, cluster: Cluster, node: Node, disk: Disk) -> None:
        """Gives a lost disk back."""
        ...

    def disk_is_lost(self, cluster: Cluster, node: Node, disk: Disk) -> bool:
        """Whether it is."""
        ...

    def require_slow_disk(self, cluster: Cluster, node: Node) -> None:
        """LabError where a running node's disks cannot be slowed down."""
        ...

    def slow_disk(self, cluster: Cluster, node: Node, disk: Disk, rate: int | None) -> None:
        """Lets a node read and write a disk with no more than `rate` bytes a second each; None is without limit."""
        ...

    def disk_rate(self, cluster: Cluster, node: Node, disk: Disk) -> int | None:
        """What `slow_disk` has set."""
        ...


@runtime_checkable
class SnapshotProvider(Provider, Protocol):
    """A provider that can also copy the disks of a cluster's nodes. Nothing of it is needed for anything else.

    Nodes stand still (paused) or are off while they are copied, and are off while they are put back.
    """

    def snapshot_size(self, cluster: Cluster) -> int:
        """How many bytes a copy of the nodes' disks takes now."""
        ...

    def save_snapshot(self, cluster: Cluster, folder: Path) -> None:
        """Copies the disks of all nodes into a folder, which is there and empty."""
        ...

    def restore_snapshot(self, cluster: Cluster, folder: Path) -> None:
        """Puts the disks of all nodes back as `save_snapshot` found them. May be repeated when it was interrupted."""
        ...
