"""Tags: those of the stack on its resources, and what an update changes of a resource's tags."""

from __future__ import annotations

from collections.abc import Callable, Mapping
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


def change(
    old: Values, new: Values, put: Callable[[dict[str, str]], object], remove: Callable[[list[str]], object]
) -> None:
    """Has those tags set that are new or have another value, and the keys removed that are gone. None is no call."""
    before, after = pairs(old), pairs(new)
    if fresh := {key: value for key, value in after.items() if before.get(key) != value}:
        put(fresh)
    if gone := [key for key in before if key not in after]:
        remove(gone)


def update_ec2(call: Call, name: str, old: Values, new: Values) -> None:
    """Changes the tags of a resource of EC2."""
    change(
        old,
        new,
        lambda fresh: call.ec2.create_tags(Resources=[name], Tags=listed(fresh)),
        lambda gone: call.ec2.delete_tags(Resources=[name], Tags=[{"Key": key} for key in gone]),
    )


def update_balancing(elb: Any, owner: dict[str, list[str]], old: Values, new: Values, *, classic: bool) -> None:
    """Changes the tags of a load balancer or a target group. `owner` is the parameter that names it."""

    def remove(gone: list[str]) -> None:
        keys = {"Tags": [{"Key": key} for key in gone]} if classic else {"TagKeys": gone}
        elb.remove_tags(**owner, **keys)

    change(old, new, lambda fresh: elb.add_tags(**owner, Tags=listed(fresh)), remove)
