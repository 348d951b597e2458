"""Which targets are none any more."""

from __future__ import annotations

from collections.abc import Mapping

from coreos_lab.cloud.balancing import plan
from coreos_lab.cloud.balancing.kept import CLASSIC, Balancer, Kept, TargetGroup
from coreos_lab.cloud.balancing.plan import Machine
from coreos_lab.cloud.states import SHUTTING_DOWN

LATE = 5.0  # seconds beyond the deregistration delay that haproxy may take to end what is left


def forget(kept: Kept, machines: Mapping[str, Machine], now: float) -> bool:
    """Removes targets that are gone, and lets those leave whose instance is being terminated; whether there were any.

    One that left so long ago that its connections have had their time is gone even if no haproxy says so: Auto Scaling
    waits for that before it ends an instance, and would wait for ever for a haproxy that does not start.
    """
    changed = False
    owners: list[TargetGroup | Balancer] = [*kept.groups, *(each for each in kept.balancers if each.kind == CLASSIC)]
    for owner in owners:
        unused = isinstance(owner, TargetGroup) and kept.user_of(owner) is None
        patience = plan.delay(owner) + LATE
        for target in list(owner.targets):
            machine = machines.get(target.instance)
            if machine is None or (target.leaving and (unused or now - target.left > patience)):
                owner.targets.remove(target)
                changed = True
            elif machine.code == SHUTTING_DOWN and not target.leaving:
                target.leave()
                changed = True
    return changed
