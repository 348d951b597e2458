"""The types of Auto Scaling. The names of their resources are made from the stack's, so that they are found again."""

from __future__ import annotations

from typing import Any

from coreos_lab.cloud.formation.call import TAGS, Attributes, Call, Kind, Values, name_of, true

LAUNCH = (
    *("ImageId", "InstanceType", "KeyName", "SecurityGroups", "UserData", "AssociatePublicIpAddress"),
    *("BlockDeviceMappings", "LaunchConfigurationName", "IamInstanceProfile"),
)
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
    numbers = {key if key != "Cooldown" else "DefaultCooldown": int(its[key]) for key in NUMBERS if key in its}
    kind = {key: its[key] for key in ("HealthCheckType", "TargetGroupARNs", "LoadBalancerNames") if key in its}
    tags = [(str(each["Key"]), str(each["Value"]), true(each["PropagateAtLaunch"])) for each in its.get(TAGS, [])]
    tags += [(key, value, True) for key, value in call.tags]
    asg.create_auto_scaling_group(
        AutoScalingGroupName=name,
        LaunchConfigurationName=its["LaunchConfigurationName"],
        VPCZoneIdentifier=",".join(its["VPCZoneIdentifier"]),
        Tags=[{"Key": key, "Value": value, "PropagateAtLaunch": propagate} for key, value, propagate in tags],
        **kind,
        **numbers,
    )
    call.wait(lambda: _is_complete(asg, name), f"{name} does not have its instances")
    return name, {}


def _is_complete(asg: Any, name: str) -> bool:
    group = asg.describe_auto_scaling_groups(AutoScalingGroupNames=[name])["AutoScalingGroups"][0]
    serving = [each for each in group["Instances"] if each["LifecycleState"] == "InService"]
    return len(serving) >= int(group["DesiredCapacity"])


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
    "AWS::AutoScaling::LaunchConfiguration": Kind(LAUNCH, ("ImageId", "InstanceType"), _launch, _delete_launch),
    "AWS::AutoScaling::AutoScalingGroup": Kind(
        (
            *(*NUMBERS, "AutoScalingGroupName", "LaunchConfigurationName", "VPCZoneIdentifier", "HealthCheckType"),
            *("TargetGroupARNs", "LoadBalancerNames", TAGS),
        ),
        ("MinSize", "MaxSize", "LaunchConfigurationName", "VPCZoneIdentifier"),
        _group,
        _delete_group,
    ),
}
