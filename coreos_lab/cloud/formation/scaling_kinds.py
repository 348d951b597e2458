"""The types of Auto Scaling. The names of their resources are made from the stack's, so that they are found again."""

from __future__ import annotations

from typing import Any

from coreos_lab.cloud.formation import rolling
from coreos_lab.cloud.formation.call import TAGS, Attributes, Call, Kind, Values, name_of, true
from coreos_lab.cloud.formation.errors import invalid
from coreos_lab.cloud.sigv4 import RefusedError

LAUNCH = (
    *("ImageId", "InstanceType", "KeyName", "SecurityGroups", "UserData", "AssociatePublicIpAddress"),
    *("BlockDeviceMappings", "LaunchConfigurationName", "IamInstanceProfile"),
)
PROPAGATE = "PropagateAtLaunch"
LAUNCHES = ("LaunchConfigurationName", "LaunchTemplate")
DEFAULTS = {"HealthCheckGracePeriod": 300, "DefaultCooldown": 300}  # of a group whose template has none
ROUNDS = 5  # how often the instances of a group are waited for, as long as none has failed
NUMBERS = ("MinSize", "MaxSize", "DesiredCapacity", "HealthCheckGracePeriod", "Cooldown")


def _launch(call: Call, its: Values) -> tuple[str, Attributes]:
    name = its.get("LaunchConfigurationName") or name_of(call)
    asked: dict[str, Any] = {key: its[key] for key in LAUNCH if key in its and key != "LaunchConfigurationName"}
    if "AssociatePublicIpAddress" in asked:
        asked["AssociatePublicIpAddress"] = true(asked["AssociatePublicIpAddress"])
    if "UserData" in asked:  # boto3 encodes it, and in a template it is encoded already
        from base64 import b64decode

        asked["UserData"] = b64decode(asked["UserData"]).decode()
    for mapping in asked.get("BlockDeviceMappings", []):
        mapping["Ebs"]["VolumeSize"] = int(mapping["Ebs"]["VolumeSize"])
        if "DeleteOnTermination" in mapping["Ebs"]:
            mapping["Ebs"]["DeleteOnTermination"] = true(mapping["Ebs"]["DeleteOnTermination"])
    call.client("autoscaling").create_launch_configuration(LaunchConfigurationName=name, **asked)
    return name, {}


def _delete_launch(call: Call, name: str, its: Values) -> None:
    own = name or its.get("LaunchConfigurationName") or name_of(call)
    asg = call.client("autoscaling")
    if asg.describe_launch_configurations(LaunchConfigurationNames=[own])["LaunchConfigurations"]:
        asg.delete_launch_configuration(LaunchConfigurationName=own)


def _group(call: Call, its: Values) -> tuple[str, Attributes]:
    asg, name = call.client("autoscaling"), its.get("AutoScalingGroupName") or name_of(call)
    kind = {key: its[key] for key in ("HealthCheckType", "TargetGroupARNs", "LoadBalancerNames") if key in its}
    own = [{"Key": key, "Value": value, PROPAGATE: True} for key, value in call.tags]
    asg.create_auto_scaling_group(
        AutoScalingGroupName=name,
        **_launch_of(its),
        VPCZoneIdentifier=",".join(its["VPCZoneIdentifier"]),
        Tags=[*_tags(name, its), *own],
        **kind,
        **_numbers(its),
    )
    _await(call, asg, name)
    return name, {}


def _await(call: Call, asg: Any, name: str) -> None:
    """Waits for a group's instances. RefusedError says why they are not there, as far as Auto Scaling and EC2 do.

    Instances of which none has failed are still booting: several at once on a host with much else to do take minutes.
    """
    for left in reversed(range(ROUNDS)):
        try:
            call.wait(lambda: _is_complete(asg, name), f"{name} does not have its instances")
        except RefusedError as late:
            if (why := _why(call, asg, name)) or not left:
                raise invalid(f"{late.message}: {why or 'they have not started yet'}") from None
        else:
            return


def _why(call: Call, asg: Any, name: str) -> str:
    """What went wrong last with a group's instances, with the end of the console of one that did not boot."""
    for each in asg.describe_scaling_activities(AutoScalingGroupName=name)["Activities"]:
        if each["StatusCode"] == "Failed":
            return str(each.get("StatusMessage", ""))
    own = [{"Name": "tag:aws:autoscaling:groupName", "Values": [name]}]
    for one in call.ec2.describe_instances(Filters=own)["Reservations"]:
        for each in one["Instances"]:
            if each.get("StateReason", {}).get("Code") == "Server.InternalError":
                return f"{each['InstanceId']}: {each['StateReason']['Message']}"
    return ""


def _update_group(call: Call, name: str, old: Values, new: Values) -> tuple[str, Attributes]:
    """Instances that run stay what they are, unless an UpdatePolicy says otherwise."""
    asg = call.client("autoscaling")
    asg.update_auto_scaling_group(
        AutoScalingGroupName=name,
        **_launch_of(new),
        VPCZoneIdentifier=",".join(new["VPCZoneIdentifier"]),
        **{"HealthCheckType": new.get("HealthCheckType", "EC2"), **DEFAULTS, **_numbers(new)},
    )
    _attach(asg, name, "TargetGroupARNs", "load_balancer_target_groups", new)
    _attach(asg, name, "LoadBalancerNames", "load_balancers", new)
    before, after = (_tags(name, its) for its in (old, new))
    if fresh := [each for each in after if each not in before]:
        asg.create_or_update_tags(Tags=fresh)
    keys = {each["Key"] for each in after}
    if gone := [each for each in before if each["Key"] not in keys]:
        asg.delete_tags(Tags=gone)
    _await(call, asg, name)
    if how := rolling.rolling(call.policy):
        rolling.Update(call, name, how).run()
    return name, {}


def _attach(asg: Any, name: str, parameter: str, what: str, new: Values) -> None:
    """Registers a group with the load balancers that it should have, and takes it off the others."""
    group = asg.describe_auto_scaling_groups(AutoScalingGroupNames=[name])["AutoScalingGroups"][0]
    there, wanted = group.get(parameter, []), new.get(parameter, [])
    if more := [each for each in wanted if each not in there]:
        getattr(asg, f"attach_{what}")(AutoScalingGroupName=name, **{parameter: more})
    if less := [each for each in there if each not in wanted]:
        getattr(asg, f"detach_{what}")(AutoScalingGroupName=name, **{parameter: less})


def _launch_of(its: Values) -> dict[str, Any]:
    """What a group's instances are started with."""
    named = [key for key in LAUNCHES if key in its]
    if len(named) != 1:
        raise invalid(f"AWS::AutoScaling::AutoScalingGroup: exactly one of {', '.join(LAUNCHES)} is needed")
    return {named[0]: its[named[0]]}


def _numbers(its: Values) -> dict[str, int]:
    return {key if key != "Cooldown" else "DefaultCooldown": int(its[key]) for key in NUMBERS if key in its}


def _tags(name: str, its: Values) -> list[dict[str, Any]]:
    """A group's tags as the API has them."""
    whose = {"ResourceId": name, "ResourceType": "auto-scaling-group"}
    return [
        {**whose, "Key": str(each["Key"]), "Value": str(each["Value"]), PROPAGATE: true(each[PROPAGATE])}
        for each in its.get(TAGS, [])
    ]


def _is_complete(asg: Any, name: str) -> bool:
    group = asg.describe_auto_scaling_groups(AutoScalingGroupNames=[name])["AutoScalingGroups"][0]
    states = [each["LifecycleState"] for each in group["Instances"] if each["LifecycleState"] != "Terminating"]
    return states == ["InService"] * int(group["DesiredCapacity"])


def _delete_group(call: Call, name: str, its: Values) -> None:
    own = name or its.get("AutoScalingGroupName") or name_of(call)
    asg = call.client("autoscaling")

    def there() -> list[Any]:
        found: list[Any] = asg.describe_auto_scaling_groups(AutoScalingGroupNames=[own])["AutoScalingGroups"]
        return found

    if there() and not there()[0].get("Status"):
        asg.delete_auto_scaling_group(AutoScalingGroupName=own, ForceDelete=True)
    call.wait(lambda: not there(), f"{own} still has instances")


KINDS = {
    "AWS::AutoScaling::LaunchConfiguration": Kind(
        LAUNCH, ("ImageId", "InstanceType"), _launch, _delete_launch, name="LaunchConfigurationName"
    ),
    "AWS::AutoScaling::AutoScalingGroup": Kind(
        (
            *(*NUMBERS, *LAUNCHES, "AutoScalingGroupName", "VPCZoneIdentifier", "HealthCheckType"),
            *("TargetGroupARNs", "LoadBalancerNames", TAGS),
        ),
        ("MinSize", "MaxSize", "VPCZoneIdentifier"),
        _group,
        _delete_group,
        in_place=(
            *(*NUMBERS, *LAUNCHES, "VPCZoneIdentifier", "HealthCheckType"),
            *("TargetGroupARNs", "LoadBalancerNames", TAGS),
        ),
        update=_update_group,
        name="AutoScalingGroupName",
        propagates=True,
    ),
}
