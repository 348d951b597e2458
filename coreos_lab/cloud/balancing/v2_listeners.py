"""The API of 2015-12-01: listeners. Each forwards to one target group."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from coreos_lab.cloud.balancing import asked_for, shown
from coreos_lab.cloud.balancing.asked_for import invalid
from coreos_lab.cloud.balancing.kept import APPLICATION, Balancer, Listener
from coreos_lab.cloud.balancing.shelf import Shelf
from coreos_lab.cloud.balancing.v2 import LoadBalancers
from coreos_lab.cloud.balancing.v2_groups import TargetGroups
from coreos_lab.cloud.sigv4 import RefusedError

Asked = dict[str, Any]


class Listeners:
    """Listeners of application load balancers."""

    def __init__(self, shelf: Shelf, balancers: LoadBalancers, groups: TargetGroups) -> None:
        self.shelf, self.kept, self.balancers, self.groups = shelf, shelf.kept, balancers, groups

    def _create_listener(self, asked: Asked) -> Asked:
        balancer = self.balancers.require(asked.get("LoadBalancerArn", ""))
        protocol = asked_for.protocol(asked.get("Protocol"), "Protocol", ("HTTP",))
        port = asked_for.port(asked.get("Port"), "Port")
        if any(each.port == port for each in balancer.listeners):
            raise RefusedError("DuplicateListener", f"A listener already exists on port {port} for this load balancer")
        group = self._group(asked, balancer)
        arn = f"{balancer.arn.replace(':loadbalancer/', ':listener/')}/{uuid4().hex[:16]}"
        made = Listener(protocol, port, arn, group)
        balancer.listeners.append(made)
        return {"Listeners": [shown.listener(made, balancer)]}

    def _group(self, asked: Asked, balancer: Balancer) -> str:
        """The target group that the default action forwards to."""
        actions = asked.get("DefaultActions", [])
        if len(actions) != 1 or actions[0].get("Type") != "forward":
            kinds = ", ".join(str(each.get("Type")) for each in actions) or "none"
            raise RefusedError("UnsupportedOperation", f"DefaultActions: {kinds}: this cloud has one, of type forward")
        action = actions[0]
        targets = [
            asked_for.part(each, "TargetGroupArn") for each in action.get("ForwardConfig", {}).get("TargetGroups", [])
        ]
        arns = {*targets, *([action["TargetGroupArn"]] if "TargetGroupArn" in action else [])}
        if len(arns) != 1:
            raise RefusedError("UnsupportedOperation", "DefaultActions: this cloud forwards to one target group")
        group = self.groups.require(arns.pop())
        user = self.kept.user_of(group)
        if user is not None and user is not balancer:
            message = f"The following target groups cannot be associated with more than one load balancer: {group.arn}"
            raise RefusedError("TargetGroupAssociationLimit", message)
        if group.vpc != balancer.vpc:
            raise invalid(f"{group.arn} is in {group.vpc}, the load balancer in {balancer.vpc}")
        return group.arn

    def _describe_listeners(self, asked: Asked) -> Asked:
        if arns := asked.get("ListenerArns"):
            found = [self.require(arn) for arn in arns]
        else:
            balancer = self.balancers.require(asked.get("LoadBalancerArn", ""))
            found = [(each, balancer) for each in balancer.listeners]
        return {"Listeners": [shown.listener(*each) for each in found]}

    def _modify_listener(self, asked: Asked) -> Asked:
        listener, balancer = self.require(asked.get("ListenerArn", ""))
        protocol = asked_for.protocol(asked.get("Protocol", listener.protocol), "Protocol", ("HTTP",))
        port = asked_for.port(asked.get("Port", listener.port), "Port")
        if any(each.port == port for each in balancer.listeners if each is not listener):
            raise RefusedError("DuplicateListener", f"A listener already exists on port {port} for this load balancer")
        if "DefaultActions" in asked:
            listener.group = self._group(asked, balancer)
        listener.protocol, listener.port = protocol, port
        return {"Listeners": [shown.listener(listener, balancer)]}

    def _delete_listener(self, asked: Asked) -> Asked:
        listener, balancer = self.require(asked.get("ListenerArn", ""))
        balancer.listeners.remove(listener)
        return {}

    def require(self, arn: str) -> tuple[Listener, Balancer]:
        """A listener with its load balancer, or ListenerNotFound."""
        for balancer in self.kept.shown(APPLICATION):
            for each in balancer.listeners:
                if each.arn == arn:
                    return each, balancer
        raise RefusedError("ListenerNotFound", f"Listener '{arn}' not found")
