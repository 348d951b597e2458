"""Where functions run: a network namespace for each, with cables into its VPC, or alone with the cloud's API."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from coreos_lab import run
from coreos_lab.cloud import certificates, in_vpc, interfaces, names
from coreos_lab.cloud.balancing.wiring import Wiring
from coreos_lab.cloud.engine import Engine
from coreos_lab.cloud.firewall import API
from coreos_lab.cloud.functions.kept import Function
from coreos_lab.cloud.interfaces import FUNCTION, Owner
from coreos_lab.cloud.name_server import NameServer
from coreos_lab.cloud.network import Vpc
from coreos_lab.model import Cloud
from coreos_lab.records.clouds import CloudFolder

Routers = Callable[[], dict[str, tuple[Path, Vpc]]]


@dataclass(frozen=True)
class Place:
    """A function's network namespace, and the name server in it."""

    namespace: Path
    name_server: str


class Places:
    """The namespaces of all functions. `app` is the cloud's API, for functions without a VPC."""

    def __init__(self, cloud: Cloud, engine: Engine, routers: Routers, app: Any) -> None:
        self.cloud, self.engine, self.routers, self.app = cloud, engine, routers, app
        self._wirings: dict[int, Wiring] = {}
        self._alone: dict[int, Place] = {}
        self._serving: dict[int, tuple[NameServer, list[Any]]] = {}

    def of(self, function: Function) -> Place | None:
        """A function's place, made if it is not there; None until the VPC's router knows its interfaces."""
        return self._in_vpc(function) if function.subnets else self._by_itself(function)

    def _in_vpc(self, function: Function) -> Place | None:
        owner = Owner(
            FUNCTION,
            function.arn,
            tuple(function.subnets),
            tuple(function.groups),
            f"AWS Lambda VPC ENI-{function.name}",
        )
        with self.engine.objects(save=False) as backend:
            if interfaces.ensure(backend, owner):
                self.engine.save()
                self.engine.changed.set()
            own = {each.id for each in interfaces.of(backend, FUNCTION, function.arn)}
        router, vpc = self.routers().get(function.vpc, (None, None))
        ports = [port for port in vpc.ports if port.instance in own] if vpc else []
        if router is None or vpc is None or len(ports) < len(own):
            return None
        name = names.function(self.cloud, function.number)
        wiring = self._wirings.setdefault(function.number, Wiring(name))
        wiring.connect(router, vpc, ports)
        return Place(wiring.path, vpc.name_server)

    def _by_itself(self, function: Function) -> Place:
        """A namespace in which there is nothing but the cloud's API, and a name server that knows where that is."""
        if function.number in self._alone:
            return self._alone[function.number]
        name = names.function(self.cloud, function.number)
        remove(self.cloud, function.number)  # of a process before this one, whose servers are gone
        run.run(["ip", "netns", "add", name])
        run.run(["ip", "-netns", name, "-batch", "-"], input_text=f"link set lo up\naddress add {API}/32 dev lo\n")
        place = Place(names.NAMESPACES / name, API)
        certificates.ensure(self.cloud, CloudFolder(self.cloud.name).certificates)
        server = NameServer(place.namespace, API, _look_up)
        self._serving[function.number] = server, in_vpc.serve(place.namespace, self.app, self.cloud)
        self._alone[function.number] = place
        return place

    def leave(self, function: Function) -> None:
        """Gives up a function's place. Its processes have ended."""
        self._wirings.pop(function.number, None)
        self._alone.pop(function.number, None)
        server, others = self._serving.pop(function.number, (None, []))
        if server is not None:
            server.stop()
        for each in others:
            each.shutdown()
            each.server_close()
        remove(self.cloud, function.number)
        with self.engine.objects() as backend:
            interfaces.remove(backend, FUNCTION, function.arn)
        self.engine.changed.set()


def _look_up(name: str) -> list[str]:
    """The cloud's API; nothing else is there."""
    return [API] if name == certificates.DOMAIN or name.endswith(f".{certificates.DOMAIN}") else []


def remove(cloud: Cloud, number: int) -> None:
    """Removes a function's namespace, if it is there."""
    name = names.function(cloud, number)
    if (names.NAMESPACES / name).exists():
        run.run(["ip", "netns", "delete", name])
