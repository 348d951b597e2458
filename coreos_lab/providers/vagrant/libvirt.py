"""The machines of libvirt's system instance, by virsh(1)."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import ClassVar

from coreos_lab import run
from coreos_lab.errors import LabError
from coreos_lab.model import NodeState

POOL = "default"  # the storage pool where vagrant-libvirt puts disks


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
        for volume in self._volumes(machine):  # of a machine that was not made to its end
            self._virsh("vol-delete", volume, "--pool", POOL)

    def _volumes(self, machine: str) -> list[str]:
        """The machine's disks: vagrant-libvirt names them MACHINE.img, MACHINE-sdb.qcow2 and so on."""
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
        # Columns: interface, type, source, model, MAC address. The interface's name changes with every start.
        rows = [line.split() for line in self._virsh("domiflist", machine).stdout.splitlines()]
        found = [row[0] for row in rows if len(row) > 2 and row[2] == network and row[0] != "-"]  # noqa: PLR2004
        if not found:
            raise LabError(f"{machine}: has no cable to {network} on this host")
        return found[0]

    def disks(self, machine: str) -> list[Path]:
        # Columns: type, device, target, source.
        rows = [line.split(maxsplit=3) for line in self._virsh("domblklist", machine, "--details").stdout.splitlines()]
        return [Path(row[3]) for row in rows if row[:2] == ["file", "disk"]]

    def definition(self, machine: str) -> str:
        return self._virsh("dumpxml", machine, "--inactive", "--security-info").stdout

    def define(self, machine: str, definition: str) -> None:
        if machine in self.machines():  # a machine that was made again since then has another UUID
            self._virsh("undefine", machine, "--snapshots-metadata", "--nvram")
        with tempfile.NamedTemporaryFile("w", suffix=".xml") as file:
            file.write(definition)
            file.flush()
            self._virsh("define", file.name)
        self._virsh("pool-refresh", POOL)
