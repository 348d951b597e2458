"""A cloud's instances: nspawn nodes in the network of their VPC's router, configured by the metadata service alone.

For cgroups, limits and user ids a cloud's instances are the nodes of one cluster, whose name no user can give.
"""

from __future__ import annotations

import signal
from collections.abc import Sequence
from pathlib import Path

from coreos_lab import disk
from coreos_lab.machine_image.image import ensure_image, image_folder
from coreos_lab.model import Cloud, Cluster, Finding, Limits, Network, Node, NodeState, Seat
from coreos_lab.providers.nspawn import cgroup, disks, host_settings, names, power, user_ids
from coreos_lab.providers.nspawn.doctor import findings
from coreos_lab.providers.nspawn.network import links_of_host

HALT, REBOOT = signal.SIGRTMIN + 4, signal.SIGRTMIN + 5  # to a systemd: systemd(1)
TRUSTED = "etc/ssl/certs/ca-certificates.crt"
METADATA = "http://169.254.169.254/"
# What makes the machine image one of EC2: it takes its configuration from the metadata service. Drop-ins of its units.
OEM = {
    "user-cloudinit.service": f"""[Unit]
ConditionPathExists=
[Service]
ExecStart=
ExecStart=/opt/coreos-lab/bin/coreos-cloudinit --from-ec2-metadata={METADATA}
""",
}


class NspawnInstances:
    """Instances as systemd-nspawn containers on this machine."""

    def doctor(self) -> list[Finding]:
        return findings()

    def prepare(self) -> str:
        return ensure_image().parent.name

    def raise_settings(self) -> None:
        with host_settings.lock():
            host_settings.require({**host_settings.LEAST, **host_settings.SWITCHES})

    def give_settings_back(self) -> None:
        with host_settings.lock():
            if not any(link.alias.startswith(names.ALIAS) for link in links_of_host().values()):
                host_settings.give_back()

    def reserve(self, cloud: Cloud) -> None:
        user_ids.of_cluster(_cluster(cloud.name))

    def start(self, seat: Seat) -> None:
        cluster, node = _of_seat(seat)
        folder = names.node_folder(cluster, node)
        if not (folder / "upper").exists():
            _furnish(folder, image_folder(seat.image) / "rootfs", seat.authority)
        power.start(cluster, node, None, seat)

    def kill(self, cloud: str, instance: str) -> None:
        power.kill(*_of(cloud, instance))

    def halt(self, cloud: str, instance: str) -> None:
        power.signal_systemd(*_of(cloud, instance), HALT)

    def reboot(self, cloud: str, instance: str) -> None:
        power.signal_systemd(*_of(cloud, instance), REBOOT)

    def state(self, cloud: str, instance: str) -> NodeState:
        return power.state(*_of(cloud, instance))

    def console(self, cloud: str, instance: str) -> Path:
        return power.console(*_of(cloud, instance))

    def remove(self, cloud: str, instance: str) -> None:
        cluster, node = _of(cloud, instance)
        folder = names.node_folder(cluster, node)
        power.kill(cluster, node)
        disks.detach(folder)
        disk.remove_at_once(folder)
        cgroup.remove(cluster, node)

    def there(self, cloud: str) -> Sequence[str]:
        folder = names.cluster_folder(_cluster(cloud)) / "nodes"
        return sorted(path.name for path in folder.glob("i-*")) if folder.is_dir() else []

    def sweep(self, cloud: str) -> None:
        cgroup.sweep(_cluster(cloud))

    def cgroups(self, cloud: str) -> Sequence[Path]:
        return cgroup.left(_cluster(cloud))


def _cluster(cloud: str, limits: Limits | None = None, image: str = "") -> Cluster:
    nowhere = Network("", "", 0)
    return Cluster(f"{names.CLOUD}{cloud}", "nspawn", nowhere, (), limits=limits or Limits(), image=image)


def _of(cloud: str, instance: str) -> tuple[Cluster, Node]:
    return _cluster(cloud), Node(instance, "", member=False)


def _of_seat(seat: Seat) -> tuple[Cluster, Node]:
    return _cluster(seat.cloud, seat.limits, seat.image), Node(
        seat.instance, seat.address, member=False, disks=seat.disks
    )


def _furnish(folder: Path, image: Path, authority: Path | None) -> None:
    """Writes what a new instance has on its disk beside the machine image."""
    if authority is not None:
        trusted = (image / TRUSTED).read_text(encoding="utf-8")
        disk.write_atomic(folder / "upper" / TRUSTED, trusted + authority.read_text(encoding="utf-8"))
    units = folder / "upper/etc/systemd/system"
    for unit, text in OEM.items():
        disk.write_atomic(units / f"{unit}.d" / "50-ec2.conf", text)
