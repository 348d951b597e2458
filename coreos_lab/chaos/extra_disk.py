"""Faults of a machine's extra disks, injected from outside: a disk that is gone, a disk that is slow."""

from __future__ import annotations

import time
from collections.abc import Mapping

from coreos_lab.chaos.fault import Fault, Parameter, Scene
from coreos_lab.clients import ssh
from coreos_lab.errors import LabError, UsageError
from coreos_lab.model import Disk, FaultKind, Node
from coreos_lab.providers.base import DiskProvider, Provider
from coreos_lab.remake import with_disks
from coreos_lab.units_of_measure import size

MOST_OF_A_SECOND = 0.5
DISK = Parameter("disk", "sdb", "which of the machine's extra disks", r"sd[b-z]", "a disk's name such as sdb")
# A read beyond the end of a disk is no error: it returns no bytes. So bytes are counted.
READ = 'dd if="$1" bs="$2" count=1 iflag=direct status=none | wc -c'
BLOCK = "4096"


class DiskFault(Fault):
    """An extra disk that is lost or slow."""

    family = "disk"
    outside = True
    parameters: tuple[Parameter, ...] = (DISK,)

    def is_for(self, provider: Provider) -> bool:
        return isinstance(provider, DiskProvider)

    def fits(self, node: Node, values: Mapping[str, str]) -> bool:
        return any(disk.device == f"/dev/{values['disk']}" for disk in node.disks)

    def spares_etcd(self, values: Mapping[str, str]) -> bool:
        del values
        return True

    def require_able(self, scene: Scene) -> None:
        self.provider(scene)
        self.disk(scene)

    def provider(self, scene: Scene) -> DiskProvider:
        """The machine's provider; LabError where it cannot change a running machine's disks."""
        if not isinstance(scene.provider, DiskProvider):
            raise LabError(
                f"{self.kind.value}: the provider {scene.provider.name} cannot change a running machine's disks"
            )
        return scene.provider

    def disk(self, scene: Scene) -> Disk:
        """The disk that the parameter names; UsageError lists the node's extra disks."""
        device = f"/dev/{scene.values['disk']}"
        found = next((disk for disk in scene.node.disks if disk.device == device), None)
        if found is None:
            name = scene.values["disk"]
            there = ", ".join(disk.device.removeprefix("/dev/") for disk in scene.node.disks)
            raise UsageError(
                f"--set disk={name}: {scene.node.name} has no such extra disk (there is: {there or 'none'})",
                "" if there else with_disks(scene.cluster, 1),
            )
        return found

    def read(self, scene: Scene, amount: str) -> bool:
        """Whether so many bytes can be read, past every cache (O_DIRECT)."""
        call = ["sudo", "sh", "-c", READ, "sh", self.disk(scene).device, amount]
        return ssh.answer(scene.cluster, scene.node, call).stdout.strip() == amount


class LoseDisk(DiskFault):
    kind = FaultKind.LOSE_DISK
    summary = "an extra disk of the machine is gone: every access is an I/O error"
    undone = "the disk is back, with all that was on it"
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
    summary = "an extra disk of the machine is slow, for reads and for writes"
    undone = "its limit is removed"
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
        """Reads what takes the disk a second."""
        began = time.monotonic()
        return self.read(scene, str(self.rate(scene))) and time.monotonic() - began > MOST_OF_A_SECOND

    def undo(self, scene: Scene) -> None:
        self.provider(scene).slow_disk(scene.cluster, scene.node, self.disk(scene), None)

    def gone(self, scene: Scene) -> bool:
        return self.provider(scene).disk_rate(scene.cluster, scene.node, self.disk(scene)) in (None, 0)
