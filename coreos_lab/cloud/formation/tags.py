"""Tags: those of the stack on its resources, and what an update changes of a resource's tags."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from coreos_lab.cloud.formation.call import TAGS, Call, Values

PROPAGATE = "PropagateAtLaunch"


def pairs(its: Values) -> dict[str, str]:
    """A resource's tags as the template has them."""
    return {str(each["Key"]): str(each["Value"]) for each in its.get(TAGS, [])}


def listed(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Tags as the API has them."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def with_those_of_stack(its: dict[str, Any], stack: Mapping[str, str], *, propagated: bool) -> dict[str, Any]:
    """Properties with the stack's tags among their own, which take precedence. `propagated`: each says whether."""
    fresh = [each for each in listed(stack) if each["Key"] not in pairs(its)]
    more: list[dict[str, Any]] = [{**each, PROPAGATE: True} if propagated else dict(each) for each in fresh]
    return {**its, TAGS: [*its.get(TAGS, []), *more]} if more else its


def difference(old: Values, new: Values) -> tuple[list[dict[str, str]], list[str]]:
    """The tags that are to be set, and the keys of those that are to be removed."""
    before, after = pairs(old), pairs(new)
    fresh = {key: value for key, value in after.items() if before.get(key) != value}
    return listed(fresh), [key for key in before if key not in after]


def update_ec2(call: Call, name: str, old: Values, new: Values) -> None:
    """Changes the tags of a resource of EC2."""
    fresh, gone = difference(old, new)
    if fresh:
        call.ec2.create_tags(Resources=[name], Tags=fresh)
    if gone:
        call.ec2.delete_tags(Resources=[name], Tags=[{"Key": key} for key in gone])


def update_balancing(elb: Any, owner: dict[str, list[str]], old: Values, new: Values, *, classic: bool) -> None:
    """Changes the tags of a load balancer or a target group. `owner` is the parameter that names it."""
    fresh, gone = difference(old, new)
    if fresh:
        elb.add_tags(**owner, Tags=fresh)
    if gone and classic:
        elb.remove_tags(**owner, Tags=[{"Key": key} for key in gone])
    elif gone:
        elb.remove_tags(**owner, TagKeys=gone)
