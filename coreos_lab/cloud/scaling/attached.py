"""The load balancers and target groups of a group's instances. Asks their API as any client does."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
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
                self._of(name).register(member.instance)
            except Exception as error:
                self._after[member.instance, name] = time.monotonic() + RETRY
                self.say(f"{group.name}: {member.instance}: {error}")
            else:
                member.registered.append(name)
        for name in [each for each in member.registered if each not in group.attached]:
            self._take_away(name, member)
            member.registered.remove(name)

    def leave(self, member: Member) -> None:
        """Takes a member away from all that it is registered with. Its open connections may still end well."""
        for name in member.registered:
            self._take_away(name, member)

    def has_left(self, member: Member) -> bool:
        """Whether no connection to a member is waited for any more, after `leave`."""
        return not any(self._of(name).is_leaving(member.instance) for name in member.registered)

    def unhealthy(self, group: Group) -> set[str]:
        """The instances that a load balancer calls unhealthy, after enough checks; at most some seconds old."""
        when, found = self._seen.get(group.name, (0.0, set()))
        if time.monotonic() - when > LOOK:
            found = {instance for name in group.attached for instance in self._of(name).unhealthy()}
            self._seen[group.name] = time.monotonic(), found
        return found

    def _take_away(self, name: str, member: Member) -> None:
        _unless_gone(lambda: self._of(name).deregister(member.instance))

    def _of(self, name: str) -> _TargetGroup | _Classic:
        """What has this name: a target group's ARN, or the name of a classic load balancer."""
        return (
            _TargetGroup(self.client("elbv2"), name) if name.startswith("arn:") else _Classic(self.client("elb"), name)
        )


@dataclass(frozen=True)
class _TargetGroup:
    """A target group, by boto3's client for its API."""

    client: Any
    arn: str

    def register(self, instance: str) -> None:
        self.client.register_targets(TargetGroupArn=self.arn, Targets=[{"Id": instance}])

    def deregister(self, instance: str) -> None:
        self.client.deregister_targets(TargetGroupArn=self.arn, Targets=[{"Id": instance}])

    def is_leaving(self, instance: str) -> bool:
        return any(each["TargetHealth"]["State"] == "draining" for each in self._health(Targets=[{"Id": instance}]))

    def unhealthy(self) -> set[str]:
        return {each["Target"]["Id"] for each in self._health() if each["TargetHealth"]["State"] == "unhealthy"}

    def _health(self, **asked: Any) -> list[Any]:
        """The health of its targets; none where it is not there any more."""
        said = _unless_gone(lambda: self.client.describe_target_health(TargetGroupArn=self.arn, **asked))
        return list((said or {}).get("TargetHealthDescriptions", []))


@dataclass(frozen=True)
class _Classic:
    """A classic load balancer, by boto3's client for its API."""

    client: Any
    name: str

    def register(self, instance: str) -> None:
        self.client.register_instances_with_load_balancer(**self._with(instance))

    def deregister(self, instance: str) -> None:
        self.client.deregister_instances_from_load_balancer(**self._with(instance))

    def is_leaving(self, instance: str) -> bool:
        return bool(_unless_gone(lambda: self.client.describe_instance_health(**self._with(instance))))

    def unhealthy(self) -> set[str]:
        said = _unless_gone(lambda: self.client.describe_instance_health(LoadBalancerName=self.name)) or {}
        rows = said.get("InstanceStates", [])
        failed = [each for each in rows if each["State"] == "OutOfService" and each["ReasonCode"] == "Instance"]
        return {each["InstanceId"] for each in failed}

    def _with(self, instance: str) -> dict[str, Any]:
        return {"LoadBalancerName": self.name, "Instances": [{"InstanceId": instance}]}


def _unless_gone(ask: Callable[[], Any]) -> Any | None:
    """An answer; None where what was asked about is not there any more."""
    try:
        return ask()
    except Exception as error:
        if getattr(error, "response", {}).get("Error", {}).get("Code") in GONE:
            return None
        raise
