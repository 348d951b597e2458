"""What resources are by now, in the words of a template: for those types whose drift is detected.

A reader returns the properties that can be read, None for one that is not set, and None where the resource is gone. It
may also fail then, as the API does.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

from coreos_lab.cloud.formation.call import TAGS, Call, Values
from coreos_lab.cloud.formation.group_kinds import EGRESS, INGRESS, NOTE
from coreos_lab.cloud.formation.instance_kinds import described
from coreos_lab.cloud.formation.route_kinds import TARGETS

OURS = "aws:"  # how the keys of tags begin that no template has
SCALING = (
    *("MinSize", "MaxSize", "DesiredCapacity", "HealthCheckType", "HealthCheckGracePeriod"),
    *("LaunchConfigurationName", "TargetGroupARNs", "LoadBalancerNames"),
)
Read = dict[str, Any]


def _tags(listed: Iterable[Values]) -> list[dict[str, str]]:
    return [{"Key": each["Key"], "Value": each["Value"]} for each in listed if not each["Key"].startswith(OURS)]


def _vpc(call: Call, name: str, _its: Values) -> Read:
    vpc = call.ec2.describe_vpcs(VpcIds=[name])["Vpcs"][0]
    found = {"CidrBlock": vpc["CidrBlock"], "InstanceTenancy": vpc["InstanceTenancy"], TAGS: _tags(vpc.get(TAGS, []))}
    for attribute in ("EnableDnsSupport", "EnableDnsHostnames"):
        asked = {"VpcId": name, "Attribute": attribute[0].lower() + attribute[1:]}
        found[attribute] = call.ec2.describe_vpc_attribute(**asked)[attribute]["Value"]
    return found


def _subnet(call: Call, name: str, _its: Values) -> Read:
    subnet = call.ec2.describe_subnets(SubnetIds=[name])["Subnets"][0]
    found = {key: subnet[key] for key in ("VpcId", "CidrBlock", "AvailabilityZone", "MapPublicIpOnLaunch")}
    return {**found, TAGS: _tags(subnet.get(TAGS, []))}


def _route(call: Call, _name: str, its: Values) -> Read | None:
    table = call.ec2.describe_route_tables(RouteTableIds=[its["RouteTableId"]])["RouteTables"][0]
    for route in table["Routes"]:
        if route.get("DestinationCidrBlock") == its["DestinationCidrBlock"]:
            return {key: route.get(key) for key in TARGETS if key in its}
    return None


def _group(call: Call, name: str, _its: Values) -> Read:
    group = call.ec2.describe_security_groups(GroupIds=[name])["SecurityGroups"][0]
    return {
        "GroupDescription": group["Description"],
        INGRESS: _rules(group["IpPermissions"], "SourceSecurityGroupId"),
        EGRESS: _rules(group["IpPermissionsEgress"], "DestinationSecurityGroupId"),
        TAGS: _tags(group.get(TAGS, [])),
    }


def _rules(permissions: Iterable[Values], other: str) -> list[Read]:
    """Rules one by one, as a template has them."""
    found = []
    for each in permissions:
        rule = {key: each[key] for key in ("IpProtocol", "FromPort", "ToPort") if each.get(key) is not None}
        sides = [("CidrIp", part, part["CidrIp"]) for part in each.get("IpRanges", [])]
        sides += [(other, part, part["GroupId"]) for part in each.get("UserIdGroupPairs", [])]
        for key, part, value in sides:
            note = {NOTE: part[NOTE]} if part.get(NOTE) else {}
            found.append({**rule, key: value, **note})
    return found


def _instance(call: Call, name: str, _its: Values) -> Read | None:
    one = described(call, name)
    if one["State"]["Name"] in ("shutting-down", "terminated"):
        return None
    found = {key: one.get(key) for key in ("ImageId", "InstanceType", "KeyName", "SubnetId", "SourceDestCheck")}
    groups = [each["GroupId"] for each in one["SecurityGroups"]]
    return {**found, "SecurityGroupIds": groups, TAGS: _tags(one.get(TAGS, []))}


def _role(call: Call, name: str, _its: Values) -> Read:
    iam = call.client("iam")
    role = iam.get_role(RoleName=name)["Role"]
    policies = [
        {"PolicyName": each, "PolicyDocument": iam.get_role_policy(RoleName=name, PolicyName=each)["PolicyDocument"]}
        for each in iam.list_role_policies(RoleName=name)["PolicyNames"]
    ]
    found = {key: role.get(key) or None for key in ("AssumeRolePolicyDocument", "Path", "Description")}
    return {**found, "Policies": policies}


def _scaling_group(call: Call, name: str, _its: Values) -> Read | None:
    listed = call.client("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[name])["AutoScalingGroups"]
    if not listed:
        return None
    found = {key: listed[0].get(key) for key in SCALING}
    subnets = listed[0]["VPCZoneIdentifier"].split(",")
    return {**found, "Cooldown": listed[0]["DefaultCooldown"], "VPCZoneIdentifier": subnets}


def _bucket(call: Call, name: str, _its: Values) -> Read:
    return {"BucketName": name, TAGS: _tags(call.client("s3").get_bucket_tagging(Bucket=name)["TagSet"])}


def _bucket_policy(call: Call, name: str, _its: Values) -> Read:
    return {"Bucket": name, "PolicyDocument": json.loads(call.client("s3").get_bucket_policy(Bucket=name)["Policy"])}


READERS: dict[str, Callable[[Call, str, Values], Read | None]] = {
    "AWS::EC2::VPC": _vpc,
    "AWS::EC2::Subnet": _subnet,
    "AWS::EC2::Route": _route,
    "AWS::EC2::SecurityGroup": _group,
    "AWS::EC2::Instance": _instance,
    "AWS::IAM::Role": _role,
    "AWS::AutoScaling::AutoScalingGroup": _scaling_group,
    "AWS::S3::Bucket": _bucket,
    "AWS::S3::BucketPolicy": _bucket_policy,
}
