"""What is asked of the hypervisor itself: it answers in milliseconds, where Vagrant takes seconds.

Machines are found by name (`lab-CLUSTER-NODE`), so that also one whose record Vagrant lost is seen and removed.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar, Protocol

from coreos_lab import run
from coreos_lab.errors import LabError
from coreos_lab.model import Cluster, Node, NodeState

POOL = "default"  # where vagrant-libvirt puts disks


class Hypervisor(Protocol):
    """Power and pause of virtual machines, by their names."""

    def version(self) -> str:
        """What the hypervisor calls itself. Raises LabError when it does not answer."""
        ...

    def state(self, machine: str) -> NodeState: ...
    def power_on(self, machine: str) -> None: ...
    def power_off(self, machine: str) -> None: ...
    def pause(self, machine: str) -> None: ...
    def resume(self, machine: str) -> None: ...

    def memory(self, machine: str) -> int | None:
        """What the machine takes of the host's memory, in bytes."""
        ...

    def remove(self, machine: str) -> None:
        """Removes a machine with its disks."""
        ...

    def machines(self) -> list[str]:
        """The names of all machines, whosever they are."""
        ...

    def networks(self) -> list[str]:
        """The names of all networks, whosever they are."""
        ...

    def start_network(self, network: str) -> None:
        """Starts a network that a restart of the host has ended."""
        ...

    def remove_network(self, network: str) -> None: ...

    def cable(self, machine: str, network: str) -> str:
        """The host's interface that is the other end of the machine's cable to a network. LabError where none is."""
        ...

    def disks(self, machine: str) -> list[Path]:
        """The files that hold a machine's disks. LabError where they are not to be copied."""
        ...

    def definition(self, machine: str) -> str:
        """What the machine is made of, for `define`."""
        ...

    def define(self, machine: str, definition: str) -> None:
        """Makes a machine that is off, of disks that are there."""
        ...


def prefix(cluster: Cluster) -> str:
    """What all of a cluster's machines and networks begin with on the hypervisor."""
    return f"lab-{cluster.name}"


def machine(cluster: Cluster, node: Node) -> str:
    """A node's name there."""
    return f"{prefix(cluster)}-{node.name}"


def own_machines(cluster: Cluster, names: Iterable[str]) -> list[str]:
    """Those that are a cluster's: not those of another whose name only begins with the same letters."""
    own = re.compile(rf"{re.escape(prefix(cluster))}-core-\d+")
    return [name for name in names if own.fullmatch(name)]


def own_networks(cluster: Cluster, names: Iterable[str]) -> list[str]:
    """Those that are a cluster's: its own, and the one that Vagrant manages its machines by."""
    return [name for name in names if name in (prefix(cluster), f"{prefix(cluster)}-mgmt")]


def of(name: str) -> Hypervisor:
    """The hypervisor of that name."""
    return VirtualBox() if name == "virtualbox" else Libvirt()


class Libvirt:
    """libvirt's system instance, by virsh(1)."""

    STATES: ClassVar = {
        "running": NodeState.RUNNING,
        "idle": NodeState.RUNNING,
        "in shutdown": NodeState.RUNNING,
        "paused": NodeState.PAUSED,
        "shut off": NodeState.STOPPED,
        "crashed": NodeState.STOPPED,
        "pmsuspended": NodeState.STOPPED,
    }

    def _virsh(self, *arguments: str, check: bool = True) -> run.Completed:
        return run.run(["virsh", "--quiet", "--connect", "qemu:///system", *arguments], check=check, timeout=60)

    def version(self) -> str:
        return self._virsh("version", "--daemon").stdout.strip().splitlines()[-1]

    def state(self, machine: str) -> NodeState:
        done = self._virsh("domstate", machine, check=False)
        if done.returncode == 0:
            return self.STATES.get(done.stdout.strip(), NodeState.STOPPED)
        if "failed to get domain" in done.stderr:
            return NodeState.ABSENT
        raise run.CommandError(done)

    def power_on(self, machine: str) -> None:
        self._unless(NodeState.RUNNING, "start", machine)

    def power_off(self, machine: str) -> None:
        self._unless(NodeState.STOPPED, "destroy", machine)

    def pause(self, machine: str) -> None:
        self._unless(NodeState.PAUSED, "suspend", machine)

    def resume(self, machine: str) -> None:
        self._unless(NodeState.RUNNING, "resume", machine)

    def _unless(self, wanted: NodeState, verb: str, machine: str) -> None:
        done = self._virsh(verb, machine, check=False)
        if done.returncode != 0 and self.state(machine) is not wanted:
            raise run.CommandError(done)

    def memory(self, machine: str) -> int | None:
        found = re.search(r"^rss (\d+)$", self._virsh("dommemstat", machine, check=False).stdout, re.MULTILINE)
        return int(found[1]) * 1024 if found else None

    def remove(self, machine: str) -> None:
        if machine in self.machines():
            self._virsh("destroy", machine, check=False)
            self._virsh("undefine", machine, "--remove-all-storage", "--snapshots-metadata", "--nvram")
        for volume in self._volumes(machine):  # of one that was never whole
            self._virsh("vol-delete", volume, "--pool", POOL)

    def _volumes(self, machine: str) -> list[str]:
        """vagrant-libvirt calls a machine's disks MACHINE.img, MACHINE-sdb.qcow2 and on."""
        listed = self._virsh("vol-list", POOL, check=False).stdout  # no pool before the first machine
        own = re.compile(rf"{re.escape(machine)}(\.img|-sd[a-z]\.\w+)")
        return [words[0] for line in listed.splitlines() if (words := line.split()) and own.fullmatch(words[0])]

    def machines(self) -> list[str]:
        return self._virsh("list", "--all", "--name").stdout.split()

    def networks(self) -> list[str]:
        return self._virsh("net-list", "--all", "--name").stdout.split()

    def start_network(self, network: str) -> None:
        if network not in self._virsh("net-list", "--name").stdout.split():
            self._virsh("net-start", network)

    def remove_network(self, network: str) -> None:
        self._virsh("net-destroy", network, check=False)
        self._virsh("net-undefine", network, check=False)

    def cable(self, machine: str, network: str) -> str:
        # Interface, type, source, model, MAC address. The interface is another after every start.
        rows = [line.split() for line in self._virsh("domiflist", machine).stdout.splitlines()]
        found = [row[0] for row in rows if len(row) > 2 and row[2] == network and row[0] != "-"]  # noqa: PLR2004
        if not found:
            raise LabError(f"{machine}: has no cable to {network} on this host")
        return found[0]

    def disks(self, machine: str) -> list[Path]:
        # Type, device, target, source.
        rows = [line.split(maxsplit=3) for line in self._virsh("domblklist", machine, "--details").stdout.splitlines()]
        return [Path(row[3]) for row in rows if row[:2] == ["file", "disk"]]

    def definition(self, machine: str) -> str:
        return self._virsh("dumpxml", machine, "--inactive", "--security-info").stdout

    def define(self, machine: str, definition: str) -> None:
        if machine in self.machines():  # one that was made anew since has another id
            self._virsh("undefine", machine, "--snapshots-metadata", "--nvram")
        with tempfile.NamedTemporaryFile("w", suffix=".xml") as file:
            file.write(definition)
            file.flush()
            self._virsh("define", file.name)
        self._virsh("pool-refresh", POOL)


class VirtualBox:
    """VirtualBox, by VBoxManage. Its host-only networks have no names of ours: Vagrant finds them by their address."""

    STATES: ClassVar = {
        "running": NodeState.RUNNING,
        "starting": NodeState.RUNNING,
        "stopping": NodeState.RUNNING,
        "paused": NodeState.PAUSED,
    }

    def _manage(self, *arguments: str, check: bool = True) -> run.Completed:
        return run.run(["VBoxManage", *arguments], check=check, timeout=60)

    def version(self) -> str:
        return f"VirtualBox {self._manage('--version').stdout.strip()}"

    def state(self, machine: str) -> NodeState:
        done = self._manage("showvminfo", machine, "--machinereadable", check=False)
        if done.returncode != 0:
            if "VBOX_E_OBJECT_NOT_FOUND" in done.stderr:
                return NodeState.ABSENT
            raise run.CommandError(done)
        found = re.search(r'^VMState="(\w+)"', done.stdout, re.MULTILINE)
        if found is None:
            raise LabError(f"{machine}: VBoxManage does not tell its state")
        return self.STATES.get(found[1], NodeState.STOPPED)

    def power_on(self, machine: str) -> None:
        if self.state(machine) is NodeState.STOPPED:
            self._manage("startvm", machine, "--type", "headless")

    def power_off(self, machine: str) -> None:
        if self.state(machine) in (NodeState.RUNNING, NodeState.PAUSED):
            self._manage("controlvm", machine, "poweroff")

    def pause(self, machine: str) -> None:
        if self.state(machine) is NodeState.RUNNING:
            self._manage("controlvm", machine, "pause")

    def resume(self, machine: str) -> None:
        if self.state(machine) is NodeState.PAUSED:
            self._manage("controlvm", machine, "resume")

    def memory(self, machine: str) -> int | None:
        del machine  # VirtualBox tells it of guests with its additions only
        return None

    def remove(self, machine: str) -> None:
        if machine in self.machines():
            self.power_off(machine)
            self._manage("unregistervm", machine, "--delete")

    def machines(self) -> list[str]:
        return re.findall(r'^"([^"]+)"', self._manage("list", "vms").stdout, re.MULTILINE)

    def networks(self) -> list[str]:
        return []

    def start_network(self, network: str) -> None:
        del network

    def remove_network(self, network: str) -> None:
        del network

    def cable(self, machine: str, network: str) -> str:
        raise LabError(f"{machine}: VirtualBox's cables to {network} are its own: they do not end on this host")

    def disks(self, machine: str) -> list[Path]:
        raise LabError(f"{machine}: its disks are VirtualBox's own", "vagrant snapshot save, in the cluster's folder")

    def definition(self, machine: str) -> str:
        raise LabError(f"{machine}: what it is made of is VirtualBox's own")

    def define(self, machine: str, definition: str) -> None:
        del definition
        raise LabError(f"{machine}: what it is made of is VirtualBox's own")
