"""Works out what a load balancer is to be, from what was asked for and from the instances that there are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from coreos_lab.cloud.balancing.kept import CLASSIC, Balancer, Kept, Listener, Target, TargetGroup
from coreos_lab.cloud.balancing.wanted import Front, Pool, Server, Wanted
from coreos_lab.cloud.network import Port
from coreos_lab.cloud.states import RUNNING

STICKY, STICKY_FOR = "stickiness.enabled", "stickiness.lb_cookie.duration_seconds"
DELAY = "deregistration_delay.timeout_seconds"
ALGORITHM = "load_balancing.algorithm.type"
IDLE = "idle_timeout.timeout_seconds"
CROSS_ZONE = "CrossZoneLoadBalancing.Enabled"
DRAIN, DRAIN_FOR = "ConnectionDraining.Enabled", "ConnectionDraining.Timeout"


@dataclass(frozen=True)
class Machine:
    """An instance, as load balancers need it."""

    name: str
    code: int
    address: str
    zone: str
    vpc: str


Machines = Mapping[str, Machine]


def wanted(balancer: Balancer, kept: Kept, machines: Machines, ports: Sequence[Port]) -> Wanted:
    """A load balancer's desired state. `ports` are its own addresses."""
    make = _classic if balancer.kind == CLASSIC else _application
    fronts, pools = make(balancer, kept, machines, ports)
    idle = int(balancer.attributes[IDLE])
    return Wanted(balancer.name, balancer.key, idle, tuple(fronts), tuple(pools))


def _application(
    balancer: Balancer, kept: Kept, machines: Machines, ports: Sequence[Port]
) -> tuple[list[Front], list[Pool]]:
    used = {listener.group for listener in balancer.listeners}
    addresses = tuple(port.address for port in ports)
    fronts = [
        Front(f"port{each.port}", addresses, each.port, http=True, pool=pool_of_group(each.group))
        for each in balancer.listeners
    ]
    return fronts, [_pool(group, balancer, machines) for group in kept.groups if group.arn in used]


def pool_of_group(arn: str) -> str:
    """The name of the pool that a target group becomes."""
    return f"group-{arn.rpartition('/')[2]}"


def _pool(group: TargetGroup, balancer: Balancer, machines: Machines) -> Pool:
    sticky = int(group.attributes[STICKY_FOR]) if group.attributes[STICKY] == "true" else 0
    return Pool(
        pool_of_group(group.arn),
        http=True,
        check=group.check,
        servers=tuple(_servers(group.targets, balancer, machines)),
        sticky=sticky,
        least=group.attributes[ALGORITHM] == "least_outstanding_requests",
        eager=True,
        open=True,
        drain=delay(group),
    )


def delay(owner: TargetGroup | Balancer) -> int:
    """Seconds that connections to a target may go on after it has left a target group or a classic load balancer."""
    if isinstance(owner, TargetGroup):
        return int(owner.attributes[DELAY])
    return int(owner.attributes[DRAIN_FOR]) if owner.attributes[DRAIN] == "true" else 0


def server_name(target: Target, port: int) -> str:
    """A target's name among a pool's servers."""
    return f"{target.instance}-{port}"


def _servers(targets: Iterable[Target], balancer: Balancer, machines: Machines, port: int = 0) -> Iterable[Server]:
    for target in targets:
        machine = machines.get(target.instance)
        if machine and machine.code == RUNNING and not target.leaving and machine.zone in balancer.subnets.values():
            yield Server(server_name(target, port or target.port), machine.address, port or target.port)


def _classic(
    balancer: Balancer, _kept: Kept, machines: Machines, ports: Sequence[Port]
) -> tuple[list[Front], list[Pool]]:
    """Each zone's address has servers of its own zone alone, unless cross-zone balancing is on."""
    fronts: list[Front] = []
    pools: dict[str, Pool] = {}
    across = balancer.attributes[CROSS_ZONE] == "true"
    zones: dict[str, list[str]] = {}
    for port in ports:
        zones.setdefault("" if across else balancer.subnets[port.subnet], []).append(port.address)
    for zone, addresses in sorted(zones.items()):
        for each in balancer.listeners:
            http = each.protocol == "HTTP"
            pool = pool_of_classic(each, zone)
            fronts.append(Front(f"port{each.port}-{zone or 'all'}", tuple(addresses), each.port, http=http, pool=pool))
            servers = tuple(
                server
                for server in _servers(balancer.targets, balancer, machines, each.instance_port)
                if not zone or machines[server.name.rpartition("-")[0]].zone == zone
            )
            pools[pool] = Pool(pool, http, balancer.check, servers, least=http, drain=delay(balancer))
    return fronts, list(pools.values())


def pool_of_classic(listener: Listener, zone: str) -> str:
    """The name of the pool for a listener's port of the instances, in one zone or in all."""
    return f"{listener.protocol.lower()}{listener.instance_port}-{zone or 'all'}"
