"""What a target's state is, as each generation of the API calls it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from coreos_lab.cloud.balancing import plan
from coreos_lab.cloud.balancing.control import Seen
from coreos_lab.cloud.balancing.kept import Balancer, Check, Target
from coreos_lab.cloud.balancing.plan import Machine
from coreos_lab.cloud.states import NAMES, RUNNING

HEALTHY, UNHEALTHY, INITIAL, DRAINING, UNUSED = "healthy", "unhealthy", "initial", "draining", "unused"
IN_SERVICE, OUT_OF_SERVICE = "InService", "OutOfService"
Servers = Mapping[tuple[str, str], Seen]


class Health(NamedTuple):
    """A state, with AWS's code and words for the reason; both "" for a healthy target."""

    state: str
    reason: str = ""
    description: str = ""


def is_new(target: Target, check: Check, now: float) -> bool:
    """Whether a target that has not passed a check yet has had too few to be called unhealthy.

    `now` is before `since` where the clock was set back: then it has had enough.
    """
    return not target.since or 0.0 <= now - target.since < check.unhealthy * check.interval + check.timeout


def of_target(
    target: Target,
    pool: str,
    check: Check,
    balancer: Balancer | None,
    machine: Machine | None,
    seen: Servers,
    now: float,
) -> Health:
    """A target's state. `balancer` is the one that uses the target's group."""
    if target.leaving:
        return Health(DRAINING, "Target.DeregistrationInProgress", "Target deregistration is in progress")
    if unused := _unused(balancer, machine):
        return unused
    server = seen.get((pool, plan.server_name(target, target.port)))
    if server is None or server.leaving:
        return Health(INITIAL, "Elb.RegistrationInProgress", "Target registration is in progress")
    if server.up:
        return Health(HEALTHY)
    if is_new(target, check, now):
        return Health(INITIAL, "Elb.InitialHealthChecking", "Initial health checks in progress")
    return _unhealthy(server)


def _unused(balancer: Balancer | None, machine: Machine | None) -> Health | None:
    """Why a target can get no requests whatever its health; None where it can."""
    if balancer is None:
        reason = "Target group is not configured to receive traffic from the load balancer"
        return Health(UNUSED, "Target.NotInUse", reason)
    if machine is None or machine.code != RUNNING:
        state = NAMES[machine.code] if machine else "terminated"
        return Health(UNUSED, "Target.InvalidState", f"Target is in the {state} state")
    if machine.zone not in balancer.subnets.values():
        reason = "Target is in an Availability Zone that is not enabled for the load balancer"
        return Health(UNUSED, "Target.NotInUse", reason)
    return None


def _unhealthy(server: Seen) -> Health:
    if server.checked == "L7STS":
        codes = f"Health checks failed with these codes: [{server.code}]"
        return Health(UNHEALTHY, "Target.ResponseCodeMismatch", codes)
    if server.checked.endswith("TOUT"):
        return Health(UNHEALTHY, "Target.Timeout", "Request timed out")
    return Health(UNHEALTHY, "Target.FailedHealthChecks", "Health checks failed")


def of_instance(target: Target, balancer: Balancer, machine: Machine | None, seen: Servers, now: float) -> Health:
    """The state of a classic load balancer's instance."""
    if target.leaving:
        return Health(IN_SERVICE, "", "Instance deregistration currently in progress.")
    if machine is None or machine.code != RUNNING:
        state = NAMES[machine.code] if machine else "terminated"
        return Health(OUT_OF_SERVICE, "Instance", f"Instance is in {state} state.")
    if machine.zone not in balancer.subnets.values():
        return Health(OUT_OF_SERVICE, "Instance", "Instance is in an Availability Zone that is not enabled.")
    servers = [server for (_pool, name), server in seen.items() if name.rpartition("-")[0] == target.instance]
    if any(server.up for server in servers):
        return Health(IN_SERVICE)
    if not servers or is_new(target, balancer.check, now) or any(server.passed for server in servers):
        return Health(OUT_OF_SERVICE, "ELB", "Instance registration is still in progress.")
    failed = "Instance has failed at least the UnhealthyThreshold number of health checks consecutively."
    return Health(OUT_OF_SERVICE, "Instance", failed)
