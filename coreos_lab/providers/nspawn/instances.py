"""A cloud's instances: nspawn nodes in the network of their VPC's router, configured by the metadata service alone.

For cgroups, limits and user ids a cloud's instances are the nodes of one cluster, whose name no user can give.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Collection, Sequence
from contextlib import suppress
from pathlib import Path

from coreos_lab import disk
from coreos_lab.errors import LabError
from coreos_lab.machine_image.folders import image_folder
from coreos_lab.machine_image.image import ensure_image
from coreos_lab.model import Cloud, Cluster, Disk, Finding, Limits, Network, Node, NodeState, Seat, Volume
from coreos_lab.model.cloud import INSTANCES_MAX
from coreos_lab.plan import REGISTRY_NAME, REGISTRY_PORT
from coreos_lab.providers.nspawn import cgroup, disks, host_settings, names, power, user_ids, volumes
from coreos_lab.providers.nspawn import limits as set_limits
from coreos_lab.providers.nspawn.disk_server import DiskServer
from coreos_lab.providers.nspawn.doctor import findings
from coreos_lab.providers.nspawn.machine import DOCKER_OF_INSTANCE, MOUNT
from coreos_lab.providers.nspawn.network import links_of_host

HALT, REBOOT = signal.SIGRTMIN + 4, signal.SIGRTMIN + 5  # to a systemd: systemd(1)
TRUSTED = "etc/ssl/certs/ca-certificates.crt"
METADATA = "http://169.254.169.254/"
REGISTRY = f"{REGISTRY_NAME}:{REGISTRY_PORT}"
# What makes the machine image one of EC2. Drop-ins of its units: it takes its configuration from the metadata service;
# Docker has a folder that is no overlay, unless the reader has mounted a disk in its place; and it knows the cloud's
# registry.
OEM = {
    "user-cloudinit.service": f"""[Unit]
ConditionPathExists=
[Service]
ExecStart=
ExecStart=/opt/coreos-lab/bin/coreos-cloudinit --from-ec2-metadata={METADATA}
""",
    "docker.service": f"""[Service]
Environment="DOCKER_OPT_REGISTRY=--registry-mirror=http://{REGISTRY} --insecure-registry={REGISTRY}"
ExecStartPre=/bin/mkdir -p /var/lib/docker
ExecStartPre=/bin/sh -c 'mountpoint -q /var/lib/docker || mount --bind {DOCKER_OF_INSTANCE} /var/lib/docker'
""",
}


class NspawnInstances:
    """Instances as systemd-nspawn containers on this machine."""

    def __init__(self) -> None:
        self._servers: dict[Path, DiskServer] = {}
        self._serving = threading.Lock()
        self._given: dict[Path, tuple[int | None, tuple[Volume, ...]]] = {}  # what each machine's first process sees

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
            _trust(folder, image_folder(seat.image) / "rootfs", seat.authority)
        furnish(folder)
        self._serve(seat.cloud, seat.instance, seat.number, seat.disks)
        for volume in seat.disks:
            if not volumes.give(names.cluster_folder(cluster), folder, volume):
                raise LabError(f"{volume.id}: another machine has it", "detach it there, and start this one again")
        power.start(cluster, node, None, seat)

    def _serve(self, cloud: str, instance: str, number: int, own: Sequence[Disk]) -> None:
        cluster, node = _of(cloud, instance)
        folder = names.node_folder(cluster, node)
        with self._serving:
            if folder not in self._servers:
                base = user_ids.of_number(cluster, number)
                self._servers[folder] = DiskServer(folder, own, base, lambda: power.first_process(cluster, node))
            self._servers[folder].own = own

    def give_disks(self, cloud: str, instance: str, number: int, own: Sequence[Volume]) -> Collection[str]:
        cluster, node = _of(cloud, instance)
        folder, pid = names.node_folder(cluster, node), power.first_process(cluster, node)
        devices = {each.device for each in own}
        if self._given.get(folder) == (pid, tuple(own)):
            return devices
        on = self.state(cloud, instance) in (NodeState.RUNNING, NodeState.PAUSED)
        if on and pid is None:  # it boots, with the disks that it was started with
            return set()
        if on:
            self._serve(cloud, instance, number, own)
        base = user_ids.of_number(cluster, number)
        has = set(volumes.converge(names.cluster_folder(cluster), folder, own, base, pid))
        if has == devices:
            self._given[folder] = pid, tuple(own)
        return has

    def keep_volumes(self, cloud: str, kept: Collection[str]) -> None:
        volumes.keep(names.cluster_folder(_cluster(cloud)), kept)

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

    def cpu_time(self, cloud: str, instance: str) -> float | None:
        return cgroup.cpu_time(cgroup.recorded(names.node_folder(*_of(cloud, instance))))

    def remove(self, cloud: str, instance: str) -> None:
        cluster, node = _of(cloud, instance)
        folder = names.node_folder(cluster, node)
        power.kill(cluster, node)
        with self._serving:
            if server := self._servers.pop(folder, None):
                server.stop()
        disks.detach(folder)
        self._given.pop(folder, None)
        disk.remove_at_once(folder)
        cgroup.remove(cluster, node)

    def there(self, cloud: str) -> Sequence[str]:
        folder = names.cluster_folder(_cluster(cloud)) / "nodes"
        return sorted(path.name for path in folder.glob("i-*")) if folder.is_dir() else []

    def user(self, cloud: str, number: int) -> int:
        return user_ids.of_number(_cluster(cloud), INSTANCES_MAX + 1) + number

    def confine(self, cloud: str, name: str, limits: Limits) -> Sequence[Path]:
        cluster, node = _cluster(cloud, limits), Node(name, "", member=False)
        unified, others = cgroup.make(cluster, node)
        set_limits.start_with(cluster, node)
        return [path / "cgroup.procs" for path in (unified, *others)]

    def peak(self, cloud: str, name: str) -> int:
        folder = set_limits.place(*_of(cloud, name), "memory")
        for file in ("memory.max_usage_in_bytes", "memory.peak"):
            with suppress(OSError):
                return int((folder / file).read_text(encoding="ascii"))
        return 0

    def end_confined(self, cloud: str, name: str) -> None:
        cluster, node = _of(cloud, name)
        cgroup.kill(cgroup.folder(cluster, node))
        cgroup.remove(cluster, node)

    def confined(self, cloud: str) -> Sequence[str]:
        found = {each.name for top in cgroup.left(_cluster(cloud)) for each in disk.entries(top) if each.is_dir()}
        return sorted(name for name in found if not name.startswith("i-"))

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


def _trust(folder: Path, image: Path, authority: Path | None) -> None:
    """Lets a new instance trust a certificate."""
    if authority is not None:
        trusted = (image / TRUSTED).read_text(encoding="utf-8")
        disk.write_atomic(folder / "upper" / TRUSTED, trusted + authority.read_text(encoding="utf-8"))


def furnish(folder: Path) -> None:
    """Writes what an instance has on its disk beside the machine image."""
    disk.write_atomic(folder / MOUNT, Path(__file__).with_name("mount_ext4.sh").read_text(encoding="utf-8"), 0o755)
    units = folder / "upper/etc/systemd/system"
    for unit, text in OEM.items():
        disk.write_atomic(units / f"{unit}.d" / "50-ec2.conf", text)
