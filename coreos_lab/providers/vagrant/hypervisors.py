"""What the lab does with the hypervisor itself: it answers in milliseconds, where Vagrant takes seconds.

Machines are found by name (`lab-CLUSTER-NODE`), so that a machine whose record Vagrant has lost is found as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from coreos_lab.model import Cluster, Node, NodeState
from coreos_lab.providers.vagrant.libvirt import Libvirt
from coreos_lab.providers.vagrant.virtualbox import VirtualBox


class Hypervisor(Protocol):
    """Power and pause of virtual machines, by their names."""

    def version(self) -> str:
        """The hypervisor's name and version. Raises LabError when it does not answer."""
        ...

    def state(self, machine: str) -> NodeState: ...
    def power_on(self, machine: str) -> None: ...
    def power_off(self, machine: str) -> None: ...
    def pause(self, machine: str) -> None: ...
    def resume(self, machine: str) -> None: ...

    def memory(self, machine: str) -> int | None:
        """The host's memory that the machine takes, in bytes; None where that is not known."""
        ...

    def remove(self, machine: str) -> None:
        """Removes a machine with its disks."""
        ...

    def machines(self) -> list[str]:
        """The names of all machines on this host."""
        ...

    def networks(self) -> list[str]:
        """The names of all networks on this host."""
        ...

    def start_network(self, network: str) -> None:
        """Starts a network that a restart of the host has ended."""
        ...

    def remove_network(self, network: str) -> None: ...

    def cable(self, machine: str, network: str) -> str:
        """The host's end of the machine's cable to a network, an interface. LabError where there is none."""
        ...

    def disks(self, machine: str) -> list[Path]:
        """The files that hold a machine's disks. LabError where copying them is not supported."""
        ...

    def definition(self, machine: str) -> str:
        """The hypervisor's description of the machine, for `define`."""
        ...

    def define(self, machine: str, definition: str) -> None:
        """Makes a machine from its description, powered off; its disks must be there."""
        ...


def prefix(cluster: Cluster) -> str:
    """The beginning of the names of a cluster's machines and networks on the hypervisor."""
    return f"lab-{cluster.name}"


def machine(cluster: Cluster, node: Node) -> str:
    """The name of a node's machine on the hypervisor."""
    return f"{prefix(cluster)}-{node.name}"


def own_machines(cluster: Cluster, names: Iterable[str]) -> list[str]:
    """The machines of a cluster, but not those of another cluster whose name begins with this one's."""
    own = re.compile(rf"{re.escape(prefix(cluster))}-core-\d+")
    return [name for name in names if own.fullmatch(name)]


def own_networks(cluster: Cluster, names: Iterable[str]) -> list[str]:
    """The networks of a cluster: its own, and the one through which Vagrant manages its machines."""
    return [name for name in names if name in (prefix(cluster), f"{prefix(cluster)}-mgmt")]


def of(name: str) -> Hypervisor:
    """The hypervisor of that name."""
    return VirtualBox() if name == "virtualbox" else Libvirt()
