"""Makes each load balancer real: its addresses, its place in the network, its haproxy and the servers behind it.

Requests only change records. One loop compares them with what is there, so restarting needs no special case.
"""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from coreos_lab.cloud import names
from coreos_lab.cloud.balancing import health, interfaces, leaving, plan, teardown
from coreos_lab.cloud.balancing.kept import ACTIVE, CLASSIC, Balancer, Target, TargetGroup
from coreos_lab.cloud.balancing.plan import Machine
from coreos_lab.cloud.balancing.process import Haproxy, place_of
from coreos_lab.cloud.balancing.servers import Servers
from coreos_lab.cloud.balancing.shelf import Shelf
from coreos_lab.cloud.balancing.wiring import Wiring, numbers
from coreos_lab.cloud.network import Vpc
from coreos_lab.cloud.sigv4 import RefusedError
from coreos_lab.errors import LabError

LOOK = 0.5  # seconds between two looks
RETRY = 5.0  # seconds until what has failed is tried again
Routers = Callable[[], dict[str, tuple[Path, Vpc]]]


class Keeper:
    """The loop over all load balancers. `routers` returns each VPC's router, and the VPC as it was applied to it."""

    def __init__(self, shelf: Shelf, routers: Routers, say: Callable[[str], None]) -> None:
        self.shelf, self.routers, self.say = shelf, routers, say
        self._running: dict[int, tuple[Wiring, Haproxy, Servers]] = {}
        self._after: dict[int, float] = {}  # when one that has failed is looked after again

    def begin(self) -> None:
        """Goes on for as long as the process does."""
        threading.Thread(target=self._run, daemon=True, name="load balancers").start()

    def _run(self) -> None:
        while True:
            self.shelf.changed.wait(LOOK)
            self.shelf.changed.clear()
            try:
                self.look()
            except Exception:
                traceback.print_exc()  # the next look may be better

    def look(self) -> None:
        """Takes the next step for every load balancer."""
        with self.shelf.lock:
            balancers = list(self.shelf.kept.balancers)
            with self.shelf.engine.objects(save=False) as backend:
                if interfaces.forget_others(backend, balancers):
                    self.shelf.engine.save()
            machines = self.shelf.machines()
            if leaving.forget(self.shelf.kept, machines, time.time()):
                self.shelf.kept.save()
        known = {each.number for each in balancers}
        for number in set(numbers(names.balancers(self.shelf.cloud))) - known:
            teardown.remove(self.shelf.cloud, number)
        for balancer in balancers:
            if time.monotonic() < self._after.get(balancer.number, 0.0):
                continue
            try:
                if balancer.deleting:
                    self._remove(balancer)
                else:
                    self._keep(balancer, machines)
            except LabError as error:
                self._after[balancer.number] = time.monotonic() + RETRY
                self.say(f"{balancer.name}: {error.message} {error.details}")
            except (OSError, RefusedError) as error:  # its router is being made or removed, for example
                self.say(f"{balancer.name}: {error}")

    def _parts(self, balancer: Balancer) -> tuple[Wiring, Haproxy, Servers]:
        if balancer.number not in self._running:
            wiring = Wiring(names.balancer(self.shelf.cloud, balancer.number))
            process = Haproxy(place_of(self.shelf.cloud, balancer.number), wiring.path)
            self._running[balancer.number] = wiring, process, Servers(process.control)
        return self._running[balancer.number]

    def _keep(self, balancer: Balancer, machines: dict[str, Machine]) -> None:
        router, vpc = self.routers().get(balancer.vpc, (None, None))
        own = self._interfaces(balancer)
        ports = [port for port in vpc.ports if port.instance in own] if vpc else []
        if router is None or vpc is None or len(ports) < len(own):
            return  # until the router knows them
        wiring, process, servers = self._parts(balancer)
        wiring.connect(router, vpc, ports)
        with self.shelf.lock:
            wanted = plan.wanted(balancer, self.shelf.kept, machines, ports)
        process.converge(wanted)
        seen = process.control.servers()
        self._note(balancer, servers.converge(wanted.pools, seen), {name for _pool, name in seen})
        servers.promote(wanted.pools, seen, self._new(balancer))

    def _interfaces(self, balancer: Balancer) -> set[str]:
        """The ids of a load balancer's interfaces, once it has all of them."""
        with self.shelf.lock, self.shelf.engine.objects(save=False) as backend:
            if interfaces.ensure(backend, balancer):
                self.shelf.engine.save()
                self.shelf.engine.changed.set()
            return {each.id for each in interfaces.of(backend, balancer)}

    def _note(self, balancer: Balancer, added: list[str], there: set[str]) -> None:
        """Records what is so now: that it serves, since when its servers are checked, and which targets have left."""
        with self.shelf.lock:
            before = [replace(each) for targets in self._targets(balancer) for each in targets]
            state = balancer.state
            balancer.state = ACTIVE
            for targets in self._targets(balancer):
                for target in list(targets):
                    own = self._names(balancer, target)
                    if own & set(added) or (own & there and not target.since):
                        target.since = time.time()
                    if target.leaving and not own & there:
                        targets.remove(target)
            after = [each for targets in self._targets(balancer) for each in targets]
            if (before, state) != (after, ACTIVE):
                self.shelf.kept.save()

    def _targets(self, balancer: Balancer) -> list[list[Target]]:
        if balancer.kind == CLASSIC:
            return [balancer.targets]
        return [group.targets for group in self._groups(balancer)]

    def _groups(self, balancer: Balancer) -> list[TargetGroup]:
        used = {listener.group for listener in balancer.listeners}
        return [group for group in self.shelf.kept.groups if group.arn in used]

    def _names(self, balancer: Balancer, target: Target) -> set[str]:
        """The names that a target has as a server."""
        ports = {each.instance_port for each in balancer.listeners} if balancer.kind == CLASSIC else {target.port}
        return {plan.server_name(target, port) for port in ports}

    def _new(self, balancer: Balancer) -> set[str]:
        """The servers that have had too few checks to be called unhealthy."""
        with self.shelf.lock:
            return {
                plan.server_name(target, target.port)
                for group in self._groups(balancer)
                for target in group.targets
                if health.is_new(target, group.check, time.time())
            }

    def _remove(self, balancer: Balancer) -> None:
        """Removes what a load balancer has on the host, and then its record."""
        teardown.remove(self.shelf.cloud, balancer.number)
        with self.shelf.lock:
            with self.shelf.engine.objects() as backend:
                interfaces.remove(backend, balancer)
            self.shelf.kept.balancers.remove(balancer)
            self.shelf.kept.save()
        self._running.pop(balancer.number, None)
        self.shelf.engine.changed.set()
