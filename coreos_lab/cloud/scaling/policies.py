"""Auto Scaling's API: simple scaling policies, which a request executes: an alarm's or anybody's."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

from coreos_lab.cloud.metadata import ACCOUNT
from coreos_lab.cloud.scaling import asked_for
from coreos_lab.cloud.scaling.asked_for import Asked
from coreos_lab.cloud.scaling.group import Group, is_within
from coreos_lab.cloud.scaling.keeper import Keeper
from coreos_lab.cloud.sigv4 import RefusedError

CHANGE, EXACT, PERCENT = "ChangeInCapacity", "ExactCapacity", "PercentChangeInCapacity"
SIMPLE = "SimpleScaling"
LONGEST = 86400  # seconds of a cooldown
NUMBERS = ("ScalingAdjustment", "MinAdjustmentMagnitude", "Cooldown")


class Policies:
    """Sets, shows, executes and deletes policies.

    `require` is the group of a request; `alarms` returns name and ARN of the alarms that execute a policy.
    """

    def __init__(
        self,
        region: str,
        keeper: Keeper,
        require: Callable[[Asked], Group],
        alarms: Callable[[str], list[Asked]],
    ) -> None:
        self.region, self.keeper, self.require, self.alarms = region, keeper, require, alarms

    def _put_scaling_policy(self, asked: Asked) -> Asked:
        name = asked_for.name(asked, "PolicyName")
        policy = _policy(asked)
        with self.keeper.lock:
            group = self.require(asked)
            there = next((each for each in group.policies if each["PolicyName"] == name), None)
            whose = f"autoScalingGroupName/{group.name}:policyName/{name}"
            arn = f"arn:aws:autoscaling:{self.region}:{ACCOUNT}:scalingPolicy:{uuid4()}:{whose}"
            made = {"PolicyName": name, "PolicyARN": there["PolicyARN"] if there else arn, **policy}
            group.policies = [*(each for each in group.policies if each is not there), made]
            self.keeper.kept.save()
        return {"PolicyARN": made["PolicyARN"], "Alarms": self.alarms(made["PolicyARN"])}

    def _describe_policies(self, asked: Asked) -> Asked:
        wanted = asked.get("PolicyNames")
        with self.keeper.lock:
            named = "AutoScalingGroupName" in asked
            groups = [self.require(asked)] if named else list(self.keeper.kept.groups.values())
            rows = [
                {"AutoScalingGroupName": group.name, **each, "Alarms": self.alarms(each["PolicyARN"])}
                for group in groups
                for each in group.policies
                if not wanted or each["PolicyName"] in wanted or each["PolicyARN"] in wanted
            ]
        return {"ScalingPolicies": rows}

    def _delete_policy(self, asked: Asked) -> Asked:
        with self.keeper.lock:
            group, policy = self._find(asked)
            group.policies.remove(policy)
            self.keeper.kept.save()
        return {}

    def _execute_policy(self, asked: Asked) -> Asked:
        with self.keeper.lock:
            group, policy = self._find(asked)
            pause = policy.get("Cooldown", group.cooldown)
            if asked.get("HonorCooldown") == "true" and is_within(group.scaled, pause):
                raise RefusedError("ScalingActivityInProgress", f"{group.name} is within its cooldown of {pause} s")
            group.desired = min(max(wanted(policy, group.desired), group.least), group.most)
            group.scaled = time.time()
            self.keeper.kept.save()
        return {}

    def _find(self, asked: Asked) -> tuple[Group, dict[str, Any]]:
        """A policy by its name, with its group, or by its ARN."""
        name = asked_for.name(asked, "PolicyName")
        named = "AutoScalingGroupName" in asked
        for group in [self.require(asked)] if named else list(self.keeper.kept.groups.values()):
            for policy in group.policies:
                if name == policy["PolicyARN"] or (named and name == policy["PolicyName"]):
                    return group, policy
        raise asked_for.invalid(f"PolicyName {name} not found")


def _policy(asked: Asked) -> dict[str, Any]:
    """What a policy says. ValidationError for a kind that is not there, or one that makes no sense."""
    if asked.get("PolicyType", SIMPLE) != SIMPLE:
        raise asked_for.invalid(f"PolicyType {asked['PolicyType']}: this cloud has {SIMPLE} alone")
    kind = asked.get("AdjustmentType")
    if kind not in (CHANGE, EXACT, PERCENT):
        raise asked_for.invalid(f"AdjustmentType {kind}: must be one of {CHANGE}, {EXACT}, {PERCENT}")
    found = {key: _number(asked, key) for key in NUMBERS if key in asked}
    if "ScalingAdjustment" not in found:
        raise asked_for.invalid("ScalingAdjustment is needed")
    if kind == EXACT and found["ScalingAdjustment"] < 0:
        raise asked_for.invalid(f"ScalingAdjustment {found['ScalingAdjustment']}: must not be negative for {EXACT}")
    if "MinAdjustmentMagnitude" in found and kind != PERCENT:
        raise asked_for.invalid(f"MinAdjustmentMagnitude is for {PERCENT}")
    if not 0 <= found.get("Cooldown", 0) <= LONGEST:
        raise asked_for.invalid(f"Cooldown {found['Cooldown']}: must be from 0 to {LONGEST}")
    return {"PolicyType": SIMPLE, "AdjustmentType": kind, **found}


def _number(asked: Asked, key: str) -> int:
    try:
        return int(asked[key])
    except ValueError:
        raise asked_for.invalid(f"{key}: {asked[key]}: must be a number") from None


def wanted(policy: dict[str, Any], desired: int) -> int:
    """The capacity that a policy makes of another one, whatever the group's limits are.

    Parts of an instance are dropped, but a change by less than one instance is one of a whole instance.
    """
    change = int(policy["ScalingAdjustment"])
    if policy["AdjustmentType"] == EXACT:
        return change
    if policy["AdjustmentType"] == PERCENT and change:
        sign = 1 if change > 0 else -1
        change = sign * max(abs(desired * change) // 100, 1, policy.get("MinAdjustmentMagnitude", 0))
    return desired + change
