"""The machines of VirtualBox, by VBoxManage."""

from __future__ import annotations

import re
from pathlib import Path
from typing import ClassVar

from coreos_lab import run
from coreos_lab.errors import LabError
from coreos_lab.model import NodeState


class VirtualBox:
    """VirtualBox. Its host-only networks have no names of ours: Vagrant finds them by their address."""

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
            raise LabError(f"{machine}: VBoxManage does not report its state")
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
        del machine  # VirtualBox reports it only for guests with its Guest Additions
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
        raise LabError(f"{machine}: VirtualBox's network cables ({network}) do not end on this host")

    def disks(self, machine: str) -> list[Path]:
        raise LabError(
            f"{machine}: the lab cannot copy VirtualBox's own disks",
            "run 'vagrant snapshot save' in the cluster's folder",
        )

    def definition(self, machine: str) -> str:
        raise LabError(f"{machine}: the lab cannot copy the machines of VirtualBox")

    def define(self, machine: str, definition: str) -> None:
        del definition
        raise LabError(f"{machine}: the lab cannot copy the machines of VirtualBox")
