"""The API of 2015-12-01: load balancers, their attributes and tags."""

from __future__ import annotations

import re
from typing import Any
from uuid import uuid4

from coreos_lab.cloud.balancing import asked_for, shown
from coreos_lab.cloud.balancing.asked_for import invalid
from coreos_lab.cloud.balancing.kept import APPLICATION, PUBLIC, Balancer, TargetGroup
from coreos_lab.cloud.balancing.plan import IDLE
from coreos_lab.cloud.balancing.shelf import Shelf, tagged, untagged
from coreos_lab.cloud.sigv4 import RefusedError

Asked = dict[str, Any]
NAMES_MAX = 32
LEAST_SUBNETS = 2
IDLE_MAX = 4000
PROTECTION = "deletion_protection.enabled"
ATTRIBUTES = {  # only the first two can be changed; the others say what is so
    IDLE: "60",
    PROTECTION: "false",
    "routing.http2.enabled": "false",
    "routing.http.xff_header_processing.mode": "append",
    "load_balancing.cross_zone.enabled": "true",
    "access_logs.s3.enabled": "false",
}


class LoadBalancers:
    """Application load balancers."""

    def __init__(self, shelf: Shelf) -> None:
        self.shelf, self.kept = shelf, shelf.kept

    def _create_load_balancer(self, asked: Asked) -> Asked:
        name = asked_for.name(asked, "Name", NAMES_MAX)
        if asked.get("Type", APPLICATION) != APPLICATION:
            raise RefusedError("UnsupportedOperation", f"Type={asked['Type']}: this cloud has {APPLICATION} alone")
        subnets = asked.get("Subnets") or [asked_for.part(each, "SubnetId") for each in asked.get("SubnetMappings", [])]
        if len(set(subnets)) < LEAST_SUBNETS:
            raise invalid("At least two subnets in two different Availability Zones must be specified")
        there = next((each for each in self.kept.shown(APPLICATION) if each.name == name), None)
        scheme, groups = asked.get("Scheme", PUBLIC), asked.get("SecurityGroups", [])
        if there is not None:
            if (there.scheme, set(there.subnets), set(there.groups)) != (scheme, set(subnets), set(groups)):
                message = f"A load balancer with the same name '{name}' exists, but with different settings"
                raise RefusedError("DuplicateLoadBalancerName", message)
            return {"LoadBalancers": [shown.balancer(there)]}
        arn = self.shelf.arn(f"loadbalancer/app/{name}/{uuid4().hex[:16]}")
        made = self.shelf.make(
            name, APPLICATION, arn, scheme, subnets, groups, attributes=dict(ATTRIBUTES), tags=tagged([], asked)
        )
        return {"LoadBalancers": [shown.balancer(made)]}

    def _describe_load_balancers(self, asked: Asked) -> Asked:
        found = self.kept.shown(APPLICATION)
        if arns := asked.get("LoadBalancerArns"):
            found = [self.require(arn) for arn in arns]
        if names := asked.get("Names"):
            found = [each for each in found if each.name in names]
            if missing := sorted(set(names) - {each.name for each in found}):
                raise _not_found(missing[0])
        return {"LoadBalancers": [shown.balancer(each) for each in found]}

    def _delete_load_balancer(self, asked: Asked) -> Asked:
        """Its listeners go with it. One that is not there is no error, as at AWS."""
        arn = asked.get("LoadBalancerArn", "")
        for each in self.kept.shown(APPLICATION):
            if each.arn == arn:
                if each.attributes[PROTECTION] == "true":
                    why = f"Load balancer '{arn}' cannot be deleted because deletion protection is enabled"
                    raise RefusedError("OperationNotPermitted", why)
                each.deleting = True
        return {}

    def _set_security_groups(self, asked: Asked) -> Asked:
        balancer = self.require(asked.get("LoadBalancerArn", ""))
        balancer.groups = self.shelf.groups_of(balancer.vpc, asked.get("SecurityGroups", []))
        self.shelf.fit(balancer)
        return {"SecurityGroupIds": balancer.groups}

    def _set_subnets(self, asked: Asked) -> Asked:
        balancer = self.require(asked.get("LoadBalancerArn", ""))
        vpc, zones = self.shelf.zones_of(asked.get("Subnets", []))
        if vpc != balancer.vpc or len(zones) < LEAST_SUBNETS:
            raise RefusedError("InvalidSubnet", f"At least two subnets of {balancer.vpc} are needed")
        balancer.subnets = zones
        self.shelf.fit(balancer)
        return {"AvailabilityZones": shown.zones(balancer)}

    def _describe_load_balancer_attributes(self, asked: Asked) -> Asked:
        return {"Attributes": shown.pairs(self.require(asked.get("LoadBalancerArn", "")).attributes)}

    def _modify_load_balancer_attributes(self, asked: Asked) -> Asked:
        balancer = self.require(asked.get("LoadBalancerArn", ""))
        changed = dict(balancer.attributes)
        for key, value in asked_for.pairs(asked):
            if key == IDLE:
                changed[key] = str(asked_for.count(value, key, 1, IDLE_MAX))
            elif key == PROTECTION:
                changed[key] = asked_for.boolean(value, key)
            elif changed.get(key) != value:
                raise asked_for.not_ours(key, value)
        balancer.attributes = changed
        return {"Attributes": shown.pairs(balancer.attributes)}

    def _add_tags(self, asked: Asked) -> Asked:
        for one in [self._tagged(arn) for arn in asked.get("ResourceArns", [])]:
            one.tags = tagged(one.tags, asked)
        return {}

    def _remove_tags(self, asked: Asked) -> Asked:
        for one in [self._tagged(arn) for arn in asked.get("ResourceArns", [])]:
            one.tags = untagged(one.tags, asked.get("TagKeys", []))
        return {}

    def _describe_tags(self, asked: Asked) -> Asked:
        arns = asked.get("ResourceArns", [])
        return {"TagDescriptions": [{"ResourceArn": arn, "Tags": self._tagged(arn).tags} for arn in arns]}

    def _tagged(self, arn: str) -> Balancer | TargetGroup:
        known: list[Balancer | TargetGroup] = [*self.kept.shown(APPLICATION), *self.kept.groups]
        for each in known:
            if each.arn == arn:
                return each
        code = "TargetGroupNotFound" if ":targetgroup/" in arn else "LoadBalancerNotFound"
        raise RefusedError(code, f"'{arn}' not found")

    def require(self, arn: str) -> Balancer:
        """The load balancer with an ARN, or LoadBalancerNotFound."""
        for each in self.kept.shown(APPLICATION):
            if each.arn == arn:
                return each
        if not re.match(r"arn:aws:elasticloadbalancing:[^:]*:\d+:loadbalancer/", arn):
            raise invalid(f"'{arn}' is not a valid load balancer ARN")
        raise _not_found(arn)


def _not_found(what: str) -> RefusedError:
    return RefusedError("LoadBalancerNotFound", f"Load balancers '[{what}]' not found")
