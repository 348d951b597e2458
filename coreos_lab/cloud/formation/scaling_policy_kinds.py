"""The type of Auto Scaling's simple policies."""

from __future__ import annotations

from coreos_lab.cloud.formation.call import Attributes, Call, Kind, Values, name_of

GROUP = "AutoScalingGroupName"
TEXTS = ("AdjustmentType", "PolicyType")
NUMBERS = ("ScalingAdjustment", "MinAdjustmentMagnitude", "Cooldown")


def _put(call: Call, its: Values, name: str) -> tuple[str, Attributes]:
    asked = {key: str(its[key]) for key in TEXTS if key in its}
    numbers = {key: int(its[key]) for key in NUMBERS if key in its}
    group = str(its[GROUP])
    put = call.client("autoscaling").put_scaling_policy
    arn = put(AutoScalingGroupName=group, PolicyName=name, **asked, **numbers)["PolicyARN"]
    return arn, {"Arn": arn, "PolicyName": name}


def _update(call: Call, arn: str, _old: Values, new: Values) -> tuple[str, Attributes]:
    return _put(call, new, arn.rpartition("/")[2])


def _delete(call: Call, arn: str, its: Values) -> None:
    """A group that is gone has no policies any more."""
    asg, group = call.client("autoscaling"), str(its[GROUP])
    if asg.describe_auto_scaling_groups(AutoScalingGroupNames=[group])["AutoScalingGroups"]:
        name = arn or name_of(call)
        if asg.describe_policies(AutoScalingGroupName=group, PolicyNames=[name])["ScalingPolicies"]:
            asg.delete_policy(AutoScalingGroupName=group, PolicyName=name)


KINDS: dict[str, Kind] = {
    "AWS::AutoScaling::ScalingPolicy": Kind(
        (GROUP, *TEXTS, *NUMBERS),
        (GROUP, "AdjustmentType", "ScalingAdjustment"),
        lambda call, its: _put(call, its, name_of(call)),
        _delete,
        ("Arn", "PolicyName"),
        in_place=(*TEXTS, *NUMBERS),
        update=_update,
    ),
}
