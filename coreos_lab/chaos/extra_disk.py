"""Faults of a machine's extra disks, from outside: one that is gone, and one that is slow."""

from __future__ import annotations

import time

from coreos_lab.chaos.fault import Fault, Parameter, Scene
from coreos_lab.clients import ssh
from coreos_lab.errors import LabError, UsageError
from coreos_lab.model import Disk, FaultKind
from coreos_lab.providers.base import DiskProvider, Provider
from coreos_lab.units_of_measure import size

MOST_OF_A_SECOND = 0.5
DISK = Parameter("disk", "sdb", "which of its extra disks", r"sd[b-z]", "a disk's name such as sdb")
# What lies behind the end of a disk is no error to who reads it, but nothing.
READ = 'dd if="$1" bs="$2" count=1 iflag=direct status=none | wc -c'
BLOCK = "4096"


class DiskFault(Fault):
    """An extra disk that does not serve as it should."""

    family = "disk"
    outside = True
    parameters: tuple[Parameter, ...] = (DISK,)

    def is_for(self, provider: Provider) -> bool:
        return isinstance(provider, DiskProvider)

    def require_able(self, scene: Scene) -> None:
        self.provider(scene)
        self.disk(scene)

    def provider(self, scene: Scene) -> DiskProvider:
        """The machine's provider; LabError where it cannot do that."""
        if not isinstance(scene.provider, DiskProvider):
            raise LabError(f"{self.kind.value}: the provider {scene.provider.name} cannot do that to a running machine")
        return scene.provider

    def disk(self, scene: Scene) -> Disk:
        """Which disk is meant; UsageError names those that there are."""
        device = f"/dev/{scene.values['disk']}"
        found = next((disk for disk in scene.node.disks if disk.device == device), None)
        if found is None:
            name = scene.values["disk"]
            there = ", ".join(disk.device.removeprefix("/dev/") for disk in scene.node.disks)
            raise UsageError(
                f"--set disk={name}: {scene.node.name} has no such extra disk (there is: {there or 'none'})",
                "" if there else "lab up --disks 1",
            )
        return found

    def read(self, scene: Scene, amount: str) -> bool:
        """Whether so many bytes can be read, past every cache."""
        call = ["sudo", "sh", "-c", READ, "sh", self.disk(scene).device, amount]
        return str(ssh.node_run(scene.cluster, scene.node, call, check=False).stdout).strip() == amount


class LoseDisk(DiskFault):
    kind = FaultKind.LOSE_DISK
    summary = "an extra disk is gone: every access is an I/O error"
    undone = "it is back, with all that was on it"
    seen_from = "both sides"

    def inject(self, scene: Scene) -> None:
        self.provider(scene).lose_disk(scene.cluster, scene.node, self.disk(scene))

    def seen(self, scene: Scene) -> bool:
        lost = self.provider(scene).disk_is_lost(scene.cluster, scene.node, self.disk(scene))
        return lost and not self.read(scene, BLOCK)

    def undo(self, scene: Scene) -> None:
        self.provider(scene).find_disk(scene.cluster, scene.node, self.disk(scene))

    def gone(self, scene: Scene) -> bool:
        return self.read(scene, BLOCK)


class SlowDisk(DiskFault):
    kind = FaultKind.SLOW_DISK
    summary = "an extra disk is slow, each way"
    undone = "it is as fast as before"
    seen_from = "inside"
    parameters = (DISK, Parameter("rate", "1M", "bytes a second", r"[1-9]\d*[KM]", "a size such as 500K"))

    def require_able(self, scene: Scene) -> None:
        super().require_able(scene)
        self.provider(scene).require_slow_disk(scene.cluster, scene.node)
        if self.disk(scene).size < self.rate(scene):
            raise UsageError(f"--set rate={scene.values['rate']}: the disk is smaller than that", "choose a lower rate")

    def rate(self, scene: Scene) -> int:
        """Bytes a second."""
        return size(scene.values["rate"], "rate")

    def inject(self, scene: Scene) -> None:
        self.provider(scene).slow_disk(scene.cluster, scene.node, self.disk(scene), self.rate(scene))

    def seen(self, scene: Scene) -> bool:
        """What takes the disk a second is read."""
        began = time.monotonic()
        return self.read(scene, str(self.rate(scene))) and time.monotonic() - began > MOST_OF_A_SECOND

    def undo(self, scene: Scene) -> None:
        self.provider(scene).slow_disk(scene.cluster, scene.node, self.disk(scene), None)

    def gone(self, scene: Scene) -> bool:
        return self.provider(scene).disk_rate(scene.cluster, scene.node, self.disk(scene)) in (None, 0)
