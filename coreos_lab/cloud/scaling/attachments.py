"""Auto Scaling's API: which load balancers and target groups a group's instances are registered with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from coreos_lab.cloud.scaling import asked_for
from coreos_lab.cloud.scaling.asked_for import Asked
from coreos_lab.cloud.scaling.group import SERVICE, Group
from coreos_lab.cloud.scaling.keeper import Keeper


class Attachments:
    """Attaches and detaches. `client` returns boto3's client for a service, `require` the group of a request."""

    def __init__(self, keeper: Keeper, client: Callable[[str], Any], require: Callable[[Asked], Group]) -> None:
        self.keeper, self.client, self.require = keeper, client, require

    def asked(self, asked: Asked) -> tuple[list[str], list[str]]:
        """The target groups and the classic load balancers of a request. ValidationError where one is not there."""
        arns, names = list(asked.get("TargetGroupARNs", [])), list(asked.get("LoadBalancerNames", []))
        if arns:
            _check("Target Groups", lambda: self.client("elbv2").describe_target_groups(TargetGroupArns=arns))
        if names:
            _check("Load Balancers", lambda: self.client("elb").describe_load_balancers(LoadBalancerNames=names))
        return arns, names

    def _attach_load_balancer_target_groups(self, asked: Asked) -> Asked:
        return self._attach(asked)

    def _attach_load_balancers(self, asked: Asked) -> Asked:
        return self._attach(asked)

    def _attach(self, asked: Asked) -> Asked:
        arns, names = self.asked(asked)
        with self.keeper.lock:
            group = self.require(asked)
            group.targets += [each for each in arns if each not in group.targets]
            group.balancers += [each for each in names if each not in group.balancers]
            self.keeper.kept.save()
        return {}

    def _detach_load_balancer_target_groups(self, asked: Asked) -> Asked:
        return self._detach(asked)

    def _detach_load_balancers(self, asked: Asked) -> Asked:
        return self._detach(asked)

    def _detach(self, asked: Asked) -> Asked:
        with self.keeper.lock:
            group = self.require(asked)
            group.targets = [each for each in group.targets if each not in asked.get("TargetGroupARNs", [])]
            group.balancers = [each for each in group.balancers if each not in asked.get("LoadBalancerNames", [])]
            self.keeper.kept.save()
        return {}

    def _describe_load_balancer_target_groups(self, asked: Asked) -> Asked:
        group = self.require(asked)
        rows = [{"LoadBalancerTargetGroupARN": each, "State": _state(group, each)} for each in group.targets]
        return {"LoadBalancerTargetGroups": rows}

    def _describe_load_balancers(self, asked: Asked) -> Asked:
        group = self.require(asked)
        rows = [{"LoadBalancerName": each, "State": _state(group, each)} for each in group.balancers]
        return {"LoadBalancers": rows}


def _state(group: Group, name: str) -> str:
    serving = [each for each in group.members if each.state == SERVICE]
    return "InService" if serving and all(name in each.registered for each in serving) else "Adding"


def _check(what: str, ask: Callable[[], Any]) -> None:
    try:
        ask()
    except Exception as error:
        said = getattr(error, "response", {}).get("Error", {})
        raise asked_for.invalid(f"Provided {what} may not be valid: {said.get('Message', error)}") from error
