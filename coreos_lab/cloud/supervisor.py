"""A cloud's process: serves the API, and reconciles machines, networks and load balancers with what the API says.

Requests only set a flag. One loop compares the desired state with the host's and changes the host, so restarting after
SIGKILL, or after a restart of the host, needs no special case.
"""

from __future__ import annotations

import json
import os
import threading
import time
import traceback
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from coreos_lab import disk, interrupts
from coreos_lab.cloud import ground, in_vpc, router, view
from coreos_lab.cloud.api import Api
from coreos_lab.cloud.balancing.keeper import Keeper
from coreos_lab.cloud.engine import Engine
from coreos_lab.cloud.front import Front, Start
from coreos_lab.cloud.functions.places import Places
from coreos_lab.cloud.functions.runner import Runner
from coreos_lab.cloud.in_vpc import InVpc, quiet
from coreos_lab.cloud.machines import Machines
from coreos_lab.cloud.metadata import Service
from coreos_lab.cloud.monitoring.meter import Meter, Metered
from coreos_lab.cloud.network import Vpc
from coreos_lab.cloud.router import Router
from coreos_lab.cloud.states import NAMES, RUNNING
from coreos_lab.cloud.view import Instance
from coreos_lab.errors import LabError
from coreos_lab.model import Cloud
from coreos_lab.providers.base import InstanceProvider
from coreos_lab.records.clouds import CloudFolder

LOOK = 0.5  # seconds between two looks at the machines
CONSOLE_LINES = 1000
STATUS_PATH = "/lab/status"  # for `lab cloud`, with the cloud's secret as its password


def say(text: str) -> None:
    """Writes a line to the supervisor's log."""
    print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)


class Supervisor:
    """One cloud's API, networks and machines."""

    def __init__(self, cloud: Cloud, provider: InstanceProvider) -> None:
        self.cloud, self.provider = cloud, provider
        self.engine = Engine(cloud, CloudFolder(cloud.name).state, self._console)
        self.api = Api(cloud, self.engine, CloudFolder(cloud.name).path, say)
        self.machines = Machines(cloud, self.engine, provider, say)
        self._routers: dict[int, tuple[Router, InVpc]] = {}
        self._places: dict[str, tuple[Router, Vpc]] = {}
        self.balancers = Keeper(self.api.balancing.shelf, self._places_now, say)
        self.meter = Meter(
            self.api.monitoring.series, self._metered, lambda instance: provider.cpu_time(cloud.name, instance)
        )
        self._instances: list[Instance] = []
        self._vpcs: dict[int, Vpc] = {}

    def _console(self, instance: str) -> str:
        return disk.last_lines(self.provider.console(self.cloud.name, instance), CONSOLE_LINES)

    def run(self) -> None:
        """Serves until the process is ended."""
        from moto.moto_server.werkzeug_app import MotoRequestHandler
        from werkzeug.serving import make_server

        for name in [each for each in os.environ if each.startswith("AWS_")]:
            del os.environ[name]  # they are the user's own, for another account
        server = make_server(
            "127.0.0.1", self.cloud.port, self._serve, threaded=True, request_handler=quiet(MotoRequestHandler)
        )
        threading.Thread(target=server.serve_forever, daemon=True, name="api").start()
        self.api.begin()
        self.balancers.begin()
        self.meter.begin(say)
        self._run_functions()
        self._serve_on_host()
        say(f"serves {self.cloud.region} at {self.cloud.endpoint}")
        self.engine.changed.set()
        while not interrupts.is_come():
            fresh = self.engine.changed.is_set()
            self.engine.changed.clear()
            try:
                self.compare(fresh=fresh)
            except LabError as error:
                say(f"{error.message} {error.details}")
            except Exception:
                traceback.print_exc()  # the next look may be better, and the API must stay
            self.engine.changed.wait(LOOK)

    def _run_functions(self) -> None:
        """Lets functions run, from now on."""
        functions, front = self.api.functions, Front(self.cloud, self.api)
        places = Places(self.cloud, self.engine, self._places_now, front)
        functions.runner = Runner(
            self.cloud,
            functions.kept,
            functions.lock,
            engine=self.engine,
            logs=self.api.logs,
            places=places,
            provider=self.provider,
            folder=functions.folder,
            say=say,
        )
        functions.runner.begin()

    def _serve_on_host(self) -> None:
        """Serves the APIs of API Gateway to this machine's programs, at an address that their names may stand for."""
        try:
            in_vpc.serve_on_host(Front(self.cloud, self.api), self.cloud)
        except OSError as error:
            say(f"{self.cloud.gateway_address}:443: {error}: the names of API Gateway work in VPCs alone")

    def compare(self, *, fresh: bool = True) -> None:
        """Reconciles routers and machines with the API's state, once.

        `fresh`: the API's state has changed, so new resources may get numbers, which must be saved.
        """
        self.engine.forget_ended()
        self.api.storage.expire(time.time())
        self.api.logs.expire(time.time())
        with self.engine.objects(save=fresh) as backend:
            self._instances = view.instances(backend)
            vpcs = view.vpcs(backend)
        self._vpcs = {vpc.number: vpc for vpc in vpcs}
        self._places = {vpc.name: (self._router(vpc), vpc) for vpc in vpcs}
        if fresh:
            self.api.balancing.shelf.changed.set()
        self.machines.attend(self._instances, self._places)
        for number in router.numbers(self.cloud):
            if number not in self._vpcs:
                self._remove(number)

    def _remove(self, number: int) -> None:
        """Removes a router that no instance needs, including one of an earlier supervisor."""
        if number in self._routers:
            self._routers.pop(number)[1].stop()
        Router(self.cloud, number).remove()

    def _router(self, vpc: Vpc) -> Router:
        """A VPC's router, created if it does not exist, updated to the VPC's present state."""
        if vpc.number in self._routers:
            way = self._routers[vpc.number][0]
            way.apply(vpc)
            return way
        if not self._routers:
            self.provider.reserve(self.cloud)
            ground.lay(self.cloud)
            self.provider.raise_settings()
        way = Router(self.cloud, vpc.number)
        way.make()
        way.apply(vpc)
        service = Service(
            self.cloud.region,
            lambda address: self._at(vpc.number, address),
            lambda instance: self.api.credentials(instance.profile, instance.name),
        )
        front = Front(self.cloud, self.api)
        look_up = self.api.balancing.shelf.look_up
        inside = InVpc(self.cloud, way, service, front, lambda: self._vpcs.get(vpc.number), look_up)
        self._routers[vpc.number] = way, inside
        say(f"made the router {way.name}")
        return way

    def _metered(self) -> list[Metered]:
        """The instances that run, with their groups."""
        groups = self.api.scaling.groups()
        running = [each for each in self._instances if each.code == RUNNING]
        return [Metered(each.name, each.cpus, groups.get(each.name, "")) for each in running]

    def _places_now(self) -> dict[str, tuple[Path, Vpc]]:
        """Each VPC's router as it is now, for the load balancers."""
        return {name: (way.path, vpc) for name, (way, vpc) in self._places.items()}

    def _at(self, number: int, address: str) -> Instance | None:
        """The instance with an address in a VPC, None where none has it."""
        vpc = self._vpcs.get(number)
        found = (each for each in self._instances if vpc and each.vpc == vpc.name and each.port.address == address)
        return next(found, None)

    def _serve(self, environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        if environ.get("PATH_INFO") != STATUS_PATH:
            return Front(self.cloud, self.api)(environ, start)
        if environ.get("HTTP_AUTHORIZATION") != f"Bearer {self.cloud.secret_key}":
            start("403 Forbidden", [])
            return []
        start("200 OK", [("Content-Type", "application/json")])
        instances = [_shown(each) for each in self._listed()]
        said = {
            "cloud": self.cloud.name,
            "instances": instances,
            "balancers": self.api.balancing.shelf.listed(),
            "apis": self.api.gateway.listed(),
        }
        return [json.dumps(said).encode()]

    def _listed(self) -> list[Instance]:
        with self.engine.objects(save=False) as backend:
            return view.instances(backend)


def _shown(instance: Instance) -> dict[str, str]:
    return {
        "id": instance.name,
        "state": NAMES[instance.code],
        "type": instance.size,
        "zone": instance.zone,
        "private": instance.port.address,
        "public": instance.port.public,
    }
