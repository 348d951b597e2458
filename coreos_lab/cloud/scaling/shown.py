"""Groups, their instances and launch configurations as the API shows them."""

from __future__ import annotations

from typing import Any

from coreos_lab.cloud.scaling.group import Configuration, Group, Member, version_of

Values = dict[str, Any]
AS_ASKED = (
    *("ImageId", "InstanceType", "KeyName", "BlockDeviceMappings", "AssociatePublicIpAddress"),
    "IamInstanceProfile",
)


def configuration(one: Configuration) -> Values:
    """A launch configuration."""
    return {
        "LaunchConfigurationName": one.name,
        "LaunchConfigurationARN": one.arn,
        "CreatedTime": one.created,
        "SecurityGroups": one.asked.get("SecurityGroupIds", []),
        **{key: value for key, value in one.asked.items() if key in AS_ASKED},
    }


def group(one: Group) -> Values:
    """A group with its instances."""
    return {
        "AutoScalingGroupName": one.name,
        "AutoScalingGroupARN": one.arn,
        "LaunchConfigurationName": one.configuration,
        "LaunchTemplate": one.template or "",
        "MinSize": one.least,
        "MaxSize": one.most,
        "DesiredCapacity": one.desired,
        "DefaultCooldown": one.cooldown,
        "AvailabilityZones": sorted(set(one.subnets.values())),
        "HealthCheckType": one.health,
        "HealthCheckGracePeriod": one.grace,
        "TargetGroupARNs": one.targets,
        "LoadBalancerNames": one.balancers,
        "Instances": [member(each) for each in one.members if each.instance],
        "CreatedTime": one.created,
        "VPCZoneIdentifier": ",".join(one.subnets),
        "Status": "Delete in progress" if one.deleting else "",
        "Tags": [{"ResourceId": one.name, "ResourceType": "auto-scaling-group", **each} for each in one.tags],
    }


def _launch(key: str) -> Values:
    """What an instance was started with (launching.py)."""
    which = version_of(key)
    if which is None:
        return {"LaunchConfigurationName": key}
    return {"LaunchTemplate": {"LaunchTemplateId": which[0], "Version": which[1]}}


def member(one: Member) -> Values:
    """An instance of a group."""
    return {
        "InstanceId": one.instance,
        "AvailabilityZone": one.zone,
        "LifecycleState": one.state,
        "HealthStatus": "Healthy" if one.healthy and one.state != "Terminating" else "Unhealthy",
        **_launch(one.configuration),
        "ProtectedFromScaleIn": False,
    }
