"""The types of resources that a stack can have: how each is made, updated and deleted, and what it says of itself.

A kind lists every property that it carries out; any other is an error. Resources get tags that name the stack, or names
made from it, so that one whose making was interrupted is found again.
"""

from __future__ import annotations

from coreos_lab.cloud.formation import (
    acl_kinds,
    alarm_kinds,
    balancing_kinds,
    classic_kinds,
    ec2_kinds,
    function_kinds,
    gateway_kinds,
    group_kinds,
    iam_kinds,
    instance_kinds,
    log_kinds,
    route_kinds,
    s3_kinds,
    scaling_kinds,
    scaling_policy_kinds,
    template_kinds,
    volume_kinds,
)
from coreos_lab.cloud.formation.call import Kind, Values
from coreos_lab.cloud.formation.errors import invalid
from coreos_lab.cloud.formation.template import CREATION, UPDATE, Resource

KINDS: dict[str, Kind] = {
    **acl_kinds.KINDS,
    **alarm_kinds.KINDS,
    **balancing_kinds.KINDS,
    **classic_kinds.KINDS,
    **ec2_kinds.KINDS,
    **function_kinds.KINDS,
    **gateway_kinds.KINDS,
    **group_kinds.KINDS,
    **iam_kinds.KINDS,
    **instance_kinds.KINDS,
    **log_kinds.KINDS,
    **route_kinds.KINDS,
    **s3_kinds.KINDS,
    **scaling_kinds.KINDS,
    **scaling_policy_kinds.KINDS,
    **template_kinds.KINDS,
    **volume_kinds.KINDS,
}


GROUP, INSTANCE = "AWS::AutoScaling::AutoScalingGroup", "AWS::EC2::Instance"


def check_policies(resource: Resource) -> None:
    """RefusedError for a policy of a type that has none."""
    for policy, attribute, types in (
        (resource.creation, CREATION, (GROUP, INSTANCE)),
        (resource.update, UPDATE, (GROUP,)),
    ):
        if policy is not None and resource.type not in types:
            raise invalid(f"[/Resources/{resource.name}] {attribute} is for {' and '.join(types)}, not {resource.type}")


def check(name: str, type_: str, properties: Values) -> None:
    """RefusedError for a type or a property that is not there, or one that is missing."""
    kind = KINDS.get(type_)
    if kind is None:
        raise invalid(f"Template format error: Unrecognized resource types: [{type_}]")
    if unknown := sorted(set(properties) - set(kind.properties)):
        raise invalid(f"[/Resources/{name}] {type_}: Encountered unsupported property {unknown[0]}")
    if missing := sorted(set(kind.required) - set(properties)):
        raise invalid(f"[/Resources/{name}] {type_}: Property {missing[0]} cannot be empty.")
