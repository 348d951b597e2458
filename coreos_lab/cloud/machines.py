"""Reconciles instances with their machines: starts and stops machines, and sets states by what the machines do."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from coreos_lab import disk, settings
from coreos_lab.cloud import certificates
from coreos_lab.cloud.engine import Engine
from coreos_lab.cloud.network import Vpc
from coreos_lab.cloud.router import Router
from coreos_lab.cloud.states import ENDED, PENDING, RUNNING, SHUTTING_DOWN, STOPPED, STOPPING
from coreos_lab.cloud.view import Instance
from coreos_lab.errors import LabError
from coreos_lab.model import Cloud, Limits, NodeState, Seat
from coreos_lab.providers.base import InstanceProvider
from coreos_lab.records.clouds import CloudFolder

PATIENCE = {STOPPING: 60.0, SHUTTING_DOWN: 10.0}  # seconds for a machine to shut down before its power is cut
BOOT = "booted"  # the file with the host's boot in which a machine was last started
WORKERS = 8


class Machines:
    """The machines of one cloud."""

    def __init__(self, cloud: Cloud, engine: Engine, provider: InstanceProvider, say: Callable[[str], None]) -> None:
        self.cloud, self.engine, self.provider, self.say = cloud, engine, provider, say
        self._asked: dict[str, float] = {}  # when each machine was asked to shut down
        self._image = ""
        self._pool = ThreadPoolExecutor(WORKERS)

    def attend(self, instances: list[Instance], places: dict[str, tuple[Router, Vpc]]) -> None:
        """Takes the next step for every instance, several at a time."""
        names = {each.name for each in instances}
        for name in self.provider.there(self.cloud.name):
            if name not in names:
                self.provider.remove(self.cloud.name, name)
        self.provider.keep_volumes(self.cloud.name, self.engine.volumes())
        for job in [self._pool.submit(self._attend, each, places.get(each.vpc)) for each in instances]:
            job.result()

    def _attend(self, instance: Instance, place: tuple[Router, Vpc] | None) -> None:
        try:
            self._step(instance, place)
        except LabError as error:
            self.say(f"{instance.name}: {error.message}")
            if instance.code == PENDING:
                self.provider.remove(self.cloud.name, instance.name)
                self._become(instance, ENDED, error.message)

    def _step(self, instance: Instance, place: tuple[Router, Vpc] | None) -> None:
        on = self.provider.state(self.cloud.name, instance.name) in (NodeState.RUNNING, NodeState.PAUSED)
        if instance.code in (RUNNING, STOPPED):
            self._give_disks(instance)
        if instance.code in (PENDING, RUNNING):
            self._asked.pop(instance.name, None)
            if not on and instance.code == RUNNING and self._booted(instance) == settings.host_boot():
                self.say(f"{instance.name}: its machine is off")
                self._become(instance, SHUTTING_DOWN if instance.ends_when_off else STOPPED)
            elif not on and place is not None:
                self._start(instance, *place)
                self._become(instance, RUNNING)
            elif on and instance.code == PENDING:
                self._become(instance, RUNNING)
            elif on and instance.reboots:
                self.provider.reboot(self.cloud.name, instance.name)
                self.engine.rebooted(instance.name, instance.reboots)
        elif on:
            self._shut_down(instance)
        elif instance.code == STOPPING:
            self._become(instance, STOPPED)
        elif instance.code == SHUTTING_DOWN:
            self.provider.remove(self.cloud.name, instance.name)
            self._become(instance, ENDED)

    def _give_disks(self, instance: Instance) -> None:
        """Attaches and detaches volumes. An instance that is off is attached what it will be started with."""
        has = self.provider.give_disks(self.cloud.name, instance.name, instance.number, instance.disks)
        if instance.unsettled:
            self.engine.settle_disks(instance.name, has)

    def _start(self, instance: Instance, router: Router, vpc: Vpc) -> None:
        if not self._image:
            self._image = self.provider.prepare()
        folder = CloudFolder(self.cloud.name).instances / instance.name
        names = f"nameserver {vpc.name_server}\nsearch {self.cloud.region}.compute.internal\n"
        disk.write_atomic(folder / "resolv.conf", names)
        disk.write_atomic(folder / BOOT, settings.host_boot())
        port, subnet = instance.port, vpc.subnet(instance.port.subnet)
        self.provider.start(
            Seat(
                cloud=self.cloud.name,
                instance=instance.name,
                number=instance.number,
                folder=folder,
                image=self._image,
                namespace=router.path,
                bridge=subnet.bridge,
                cable=port.cable,
                address=port.address,
                length=subnet.length,
                gateway=subnet.gateway,
                mac=port.mac,
                limits=Limits(memory=instance.memory, cpus=instance.cpus),
                disks=instance.disks,
                authority=certificates.authority_of(CloudFolder(self.cloud.name).certificates),
            )
        )
        self.say(f"{instance.name}: started as {port.address}")

    def _booted(self, instance: Instance) -> str:
        path: Path = CloudFolder(self.cloud.name).instances / instance.name / BOOT
        return path.read_text(encoding="utf-8") if path.exists() else ""

    def _shut_down(self, instance: Instance) -> None:
        """Asks the machine to shut down, and cuts its power when it does not."""
        now = time.monotonic()
        if instance.name not in self._asked:
            self._asked[instance.name] = now
            self.provider.halt(self.cloud.name, instance.name)
        elif now - self._asked[instance.name] > PATIENCE[instance.code]:
            self.provider.kill(self.cloud.name, instance.name)

    def _become(self, instance: Instance, code: int, reason: str = "") -> None:
        self.engine.become(instance.name, instance.code, code, reason)
        self.engine.changed.set()
