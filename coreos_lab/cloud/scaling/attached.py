"""The load balancers and target groups of a group's instances. Asks their API as any client does."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from coreos_lab.cloud.scaling.group import Group, Member

LOOK = 2.0  # seconds between two looks at a group's health
RETRY = 10.0  # seconds until a registration that has failed is tried again
GONE = ("TargetGroupNotFound", "LoadBalancerNotFound", "InvalidInstance", "InvalidTarget")


class Attached:
    """Registers members, and says which of them are unhealthy. `client` returns boto3's client for a service."""

    def __init__(self, client: Callable[[str], Any], say: Callable[[str], None]) -> None:
        self.client, self.say = client, say
        self._after: dict[tuple[str, str], float] = {}  # when a registration may be tried again
        self._seen: dict[str, tuple[float, set[str]]] = {}

    def join(self, group: Group, member: Member) -> None:
        """Registers a member with everything that its group is attached to, and with nothing else."""
        for name in [each for each in group.attached if each not in member.registered]:
            if time.monotonic() < self._after.get((member.instance, name), 0.0):
                continue
            try:
                self._register(name, member.instance)
            except Exception as error:
                self._after[member.instance, name] = time.monotonic() + RETRY
                self.say(f"{group.name}: {member.instance}: {error}")
            else:
                member.registered.append(name)
        for name in [each for each in member.registered if each not in group.attached]:
            self._leave(name, member)

    def leave(self, member: Member) -> None:
        """Takes a member away from all that it is registered with. Its open connections may still end well."""
        for name in member.registered:
            _unless_gone(lambda name=name: self._deregister(name, member.instance))  # type: ignore[misc]

    def has_left(self, member: Member) -> bool:
        """Whether no connection to a member is waited for any more, after `leave`."""
        return not any(self._is_leaving(name, member.instance) for name in member.registered)

    def unhealthy(self, group: Group) -> set[str]:
        """The instances that a load balancer calls unhealthy, after enough checks; at most some seconds old."""
        when, found = self._seen.get(group.name, (0.0, set()))
        if time.monotonic() - when > LOOK:
            found = {instance for name in group.attached for instance in self._unhealthy_of(name)}
            self._seen[group.name] = time.monotonic(), found
        return found

    def _leave(self, name: str, member: Member) -> None:
        _unless_gone(lambda: self._deregister(name, member.instance))
        member.registered.remove(name)

    def _register(self, name: str, instance: str) -> None:
        if _is_group(name):
            self.client("elbv2").register_targets(TargetGroupArn=name, Targets=[{"Id": instance}])
        else:
            instances = [{"InstanceId": instance}]
            self.client("elb").register_instances_with_load_balancer(LoadBalancerName=name, Instances=instances)

    def _deregister(self, name: str, instance: str) -> None:
        if _is_group(name):
            self.client("elbv2").deregister_targets(TargetGroupArn=name, Targets=[{"Id": instance}])
        else:
            instances = [{"InstanceId": instance}]
            self.client("elb").deregister_instances_from_load_balancer(LoadBalancerName=name, Instances=instances)

    def _is_leaving(self, name: str, instance: str) -> bool:
        if _is_group(name):
            asked = {"TargetGroupArn": name, "Targets": [{"Id": instance}]}
            said = _unless_gone(lambda: self.client("elbv2").describe_target_health(**asked))
            states = [each["TargetHealth"]["State"] for each in (said or {}).get("TargetHealthDescriptions", [])]
            return "draining" in states
        listed = [{"InstanceId": instance}]
        asked = {"LoadBalancerName": name, "Instances": listed}
        return bool(_unless_gone(lambda: self.client("elb").describe_instance_health(**asked)))

    def _unhealthy_of(self, name: str) -> set[str]:
        if _is_group(name):
            said = _unless_gone(lambda: self.client("elbv2").describe_target_health(TargetGroupArn=name)) or {}
            rows = said.get("TargetHealthDescriptions", [])
            return {each["Target"]["Id"] for each in rows if each["TargetHealth"]["State"] == "unhealthy"}
        said = _unless_gone(lambda: self.client("elb").describe_instance_health(LoadBalancerName=name)) or {}
        rows = said.get("InstanceStates", [])
        failed = [each for each in rows if each["State"] == "OutOfService" and each["ReasonCode"] == "Instance"]
        return {each["InstanceId"] for each in failed}


def _is_group(name: str) -> bool:
    """Whether a name is a target group's ARN, and not that of a classic load balancer."""
    return name.startswith("arn:")


def _unless_gone(ask: Callable[[], Any]) -> Any | None:
    """An answer; None where what was asked about is not there any more."""
    try:
        return ask()
    except Exception as error:
        if getattr(error, "response", {}).get("Error", {}).get("Code") in GONE:
            return None
        raise
