"""Auto Scaling's API: instance refreshes (refreshing.py)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

from coreos_lab.cloud.moments import now
from coreos_lab.cloud.scaling import asked_for
from coreos_lab.cloud.scaling.asked_for import Asked
from coreos_lab.cloud.scaling.group import Group, Refresh
from coreos_lab.cloud.scaling.keeper import Keeper
from coreos_lab.cloud.sigv4 import RefusedError

ROLLING = "Rolling"
HEALTHY = 90  # per cent of the group that must serve: AWS's default
KEPT = 20  # refreshes that are remembered of a group


class Refreshes:
    """Starts, shows and cancels refreshes. `require` is the group of a request."""

    def __init__(self, keeper: Keeper, require: Callable[[Asked], Group]) -> None:
        self.keeper, self.require = keeper, require

    def _start_instance_refresh(self, asked: Asked) -> Asked:
        if asked.get("Strategy", ROLLING) != ROLLING:
            raise asked_for.invalid(f"Strategy {asked['Strategy']}: must be {ROLLING}")
        preferences = asked.get("Preferences", {})
        least = asked_for.count(preferences, "MinHealthyPercentage", HEALTHY, most=100)
        warmup = preferences.get("InstanceWarmup")
        with self.keeper.lock:
            group = self.require(asked)
            if group.refresh is not None:
                raise RefusedError("InstanceRefreshInProgress", f"{group.name} has a refresh in progress already")
            current = self.keeper.launching.key(group) if preferences.get("SkipMatching") == "true" else None
            old = [each.instance for each in group.members if each.configuration != current and each.instance]
            seconds = group.grace if warmup is None else asked_for.count(preferences, "InstanceWarmup", most=21600)
            made = Refresh(str(uuid4()), now(), old, len(old), least, seconds)
            group.refreshes = [made, *group.refreshes][:KEPT]
            self.keeper.kept.save()
        return {"InstanceRefreshId": made.id}

    def _describe_instance_refreshes(self, asked: Asked) -> Asked:
        wanted = asked.get("InstanceRefreshIds")
        with self.keeper.lock:
            group = self.require(asked)
            rows = [_shown(group, each) for each in group.refreshes if not wanted or each.id in wanted]
        return {"InstanceRefreshes": rows}

    def _cancel_instance_refresh(self, asked: Asked) -> Asked:
        with self.keeper.lock:
            group = self.require(asked)
            if group.refresh is None:
                raise RefusedError("ActiveInstanceRefreshNotFound", f"{group.name} has no refresh in progress")
            group.refresh.status = "Cancelling"
            self.keeper.kept.save()
            return {"InstanceRefreshId": group.refresh.id}


def _shown(group: Group, one: Refresh) -> dict[str, Any]:
    left = len(one.old)
    done = (
        100 if one.ended and one.status == "Successful" else 100 * (one.count - left) // one.count if one.count else 0
    )
    return {
        "InstanceRefreshId": one.id,
        "AutoScalingGroupName": group.name,
        "Status": one.status,
        "StartTime": one.begun,
        "EndTime": one.ended,
        "PercentageComplete": done,
        "InstancesToUpdate": left,
        "Preferences": {"MinHealthyPercentage": one.least, "InstanceWarmup": one.warmup},
    }
