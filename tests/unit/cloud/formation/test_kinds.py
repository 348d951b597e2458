"""Each type's properties that are updated in place: the resource is what the template says, there and back."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from coreos_lab.cloud.formation.kinds import KINDS
from tests.unit.cloud.conftest import Client, Served
from tests.unit.cloud.formation import function_cases
from tests.unit.cloud.formation.stacks import Resources, Tried, body, given, of, stack
from tests.unit.cloud.s3.test_objects import HERE
from tests.unit.cloud.test_formation import reasons

pytest.importorskip("botocore.exceptions")
pytestmark = pytest.mark.usefixtures("machines", "balancers")
VPC, REF = {"Vpc": of("EC2::VPC", CidrBlock="10.13.0.0/16")}, {"Ref": "Vpc"}
ONE = "One"  # the resource that is updated
IMAGE = "ami-7d11c51d"
Look = Callable[["Seen"], Any]


def tag(key: str, value: str, **more: Any) -> dict[str, Any]:
    return {"Key": key, "Value": value, **more}


def rule(port: int, **more: Any) -> dict[str, Any]:
    return {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "CidrIp": "10.0.0.0/8", **more}


def subnets(count: int = 3) -> Resources:
    zones = [{"Fn::Select": [index, {"Fn::GetAZs": ""}]} for index in range(count)]
    return {
        f"Subnet{index}": of("EC2::Subnet", VpcId=REF, CidrBlock=f"10.13.{index}.0/24", AvailabilityZone=zone)
        for index, zone in enumerate(zones)
    }


def trust(service: str) -> dict[str, Any]:
    return {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}],
    }


def policy(name: str, action: str) -> dict[str, Any]:
    return {
        "PolicyName": name,
        "PolicyDocument": {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}],
        },
    }


@dataclass
class Seen:
    """What a test looks at: clients, and the ids of the stack's resources."""

    client: Callable[[str], Client]
    ids: dict[str, str]

    @property
    def one(self) -> str:
        return self.ids[ONE]

    def ec2(self, call: str, **more: Any) -> Any:
        found = getattr(self.client("ec2"), call)(**more)
        return next(value for key, value in found.items() if key != "ResponseMetadata")

    def tags(self) -> dict[str, str]:
        found = self.ec2("describe_tags", Filters=[{"Name": "resource-id", "Values": [self.one]}])
        return {each["Key"]: each["Value"] for each in found if not each["Key"].startswith("aws:")}


@dataclass(frozen=True)
class Case:
    """An update of the resource One: what it is before and after, and what the API says of it then."""

    type: str
    before: dict[str, Any]
    after: dict[str, Any]
    look: Look
    said: tuple[Any, Any]
    others: Resources
    moves: bool = False  # the physical id changes, as AWS documents it

    def text(self, its: dict[str, Any], *, broken: bool = False) -> str:
        resources = {**self.others, ONE: of(self.type, **its)}
        if broken:
            table = of("EC2::RouteTable", VpcId=REF)
            route = of("EC2::Route", RouteTableId={"Ref": "Table"}, DestinationCidrBlock="0.0.0.0/0")
            resources |= {"Vpc": VPC["Vpc"], "Table": table, "Broken": {**route, "DependsOn": ONE}}
        return body(resources)


def dns(seen: Seen) -> Any:
    found = seen.ec2("describe_vpc_attribute", VpcId=seen.one, Attribute="enableDnsHostnames")
    return found["Value"] if isinstance(found, dict) else found


def ports(seen: Seen) -> Any:
    (group,) = seen.ec2("describe_security_groups", GroupIds=[seen.one])
    ingress = {
        (each["FromPort"], each["IpRanges"][0].get("Description", "")) for each in group["IpPermissions"] if each
    }
    return sorted(ingress), sorted(each["IpProtocol"] for each in group["IpPermissionsEgress"])


def note(seen: Seen) -> Any:
    (group,) = seen.ec2("describe_security_groups", GroupIds=[seen.ids["Group"]])
    return [each["IpRanges"][0].get("Description", "") for each in group["IpPermissions"]]


def target(seen: Seen) -> Any:
    (table,) = seen.ec2("describe_route_tables", RouteTableIds=[seen.ids["Table1"]])
    (route,) = [each for each in table["Routes"] if each["DestinationCidrBlock"] == "0.0.0.0/0"]
    names = {value: key for key, value in seen.ids.items()}
    return names[route.get("InstanceId") or route["GatewayId"]]


def association(seen: Seen) -> Any:
    wanted = [{"Name": "association.subnet-id", "Values": [seen.ids["Subnet0"]]}]
    (table,) = seen.ec2("describe_route_tables", Filters=wanted)
    assert seen.one in {each["RouteTableAssociationId"] for each in table["Associations"]}
    return {value: key for key, value in seen.ids.items()}[table["RouteTableId"]]


def attached(seen: Seen) -> Any:
    gateways = seen.ec2("describe_internet_gateways", InternetGatewayIds=[seen.ids["Gateway1"], seen.ids["Gateway2"]])
    return sorted(
        name
        for name in ("Gateway1", "Gateway2")
        for each in gateways
        if each["InternetGatewayId"] == seen.ids[name] and each["Attachments"]
    )


def machine(seen: Seen) -> Any:
    (reservation,) = seen.ec2("describe_instances", InstanceIds=[seen.one])
    (one,) = reservation["Instances"]
    attribute = {"InstanceId": seen.one, "Attribute": "userData"}
    data = seen.client("ec2").describe_instance_attribute(**attribute)["UserData"].get("Value", "")
    own = [{"Name": "instance-id", "Values": [seen.one]}]
    profiles = seen.ec2("describe_iam_instance_profile_associations", Filters=own)
    names = {value: key for key, value in seen.ids.items()}
    return {
        "type": one["InstanceType"],
        "state": one["State"]["Name"],
        "check": one["SourceDestCheck"],
        "groups": [names.get(each["GroupId"], "default") for each in one["SecurityGroups"]],
        "data": b64decode(data).decode(),
        "profiles": len(profiles),
    }


def role(seen: Seen) -> Any:
    iam = seen.client("iam")
    said = iam.get_role(RoleName=seen.one)["Role"]
    policies = {
        name: iam.get_role_policy(RoleName=seen.one, PolicyName=name)["PolicyDocument"]["Statement"][0]["Action"]
        for name in iam.list_role_policies(RoleName=seen.one)["PolicyNames"]
    }
    principal = said["AssumeRolePolicyDocument"]["Statement"][0]["Principal"]["Service"]
    return principal, said.get("Description", ""), policies


def profile(seen: Seen) -> Any:
    found = seen.client("iam").get_instance_profile(InstanceProfileName=seen.one)["InstanceProfile"]["Roles"]
    names = {value: key for key, value in seen.ids.items()}
    return [names[each["RoleName"]] for each in found]


def scaled(seen: Seen) -> Any:
    found = seen.client("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[seen.one])
    (group,) = found["AutoScalingGroups"]
    own = {each["Key"]: each["PropagateAtLaunch"] for each in group["Tags"] if not each["Key"].startswith("aws:")}
    names = {value: key for key, value in seen.ids.items()}
    staying = [each for each in group["Instances"] if each["LifecycleState"] == "InService"]
    numbers = (group["MinSize"], group["DesiredCapacity"], len(staying), group["HealthCheckGracePeriod"])
    return numbers, names[group["LaunchConfigurationName"]], len(group["VPCZoneIdentifier"].split(",")), own


def entry(seen: Seen) -> Any:
    (acl,) = seen.ec2("describe_network_acls", NetworkAclIds=[seen.ids["Acl1"]])
    (one,) = [each for each in acl["Entries"] if each["Egress"]]
    return one["Protocol"], one["RuleAction"], one.get("PortRange")


def acl_of_subnet(seen: Seen) -> Any:
    wanted = [{"Name": "association.subnet-id", "Values": [seen.ids["Subnet0"]]}]
    (acl,) = seen.ec2("describe_network_acls", Filters=wanted)
    assert seen.one in {each["NetworkAclAssociationId"] for each in acl["Associations"]}
    return {value: key for key, value in seen.ids.items()}[acl["NetworkAclId"]]


def latest(seen: Seen) -> Any:
    which = {"LaunchTemplateId": seen.one, "Versions": ["$Latest"]}
    said = seen.client("ec2").describe_launch_template_versions(**which)["LaunchTemplateVersions"][0]
    names, data = {value: key for key, value in seen.ids.items()}, said["LaunchTemplateData"]
    groups = [names[each] for each in data.get("SecurityGroupIds", [])]
    return data["InstanceType"], said.get("VersionDescription", ""), groups


def scaling_policy(seen: Seen) -> Any:
    (said,) = seen.client("autoscaling").describe_policies(PolicyNames=[seen.one])["ScalingPolicies"]
    numbers = (said.get("Cooldown"), said.get("MinAdjustmentMagnitude"))
    return said["AdjustmentType"], said["ScalingAdjustment"], *numbers


def alarm(seen: Seen) -> Any:
    (said,) = seen.client("cloudwatch").describe_alarms(AlarmNames=[seen.one])["MetricAlarms"]
    listed = seen.client("cloudwatch").list_tags_for_resource(ResourceARN=said["AlarmArn"])["Tags"]
    tags = {each["Key"]: each["Value"] for each in listed if not each["Key"].startswith("aws:")}
    return said["Threshold"], said["Period"], said["ActionsEnabled"], tags


def bucket(seen: Seen) -> Any:
    s3 = seen.client("s3")
    tags = {each["Key"] for each in s3.get_bucket_tagging(Bucket=seen.one)["TagSet"]}
    try:
        rules = s3.get_bucket_lifecycle_configuration(Bucket=seen.one)["Rules"]
    except s3.exceptions.ClientError:
        rules = []
    return [each["Expiration"]["Days"] for each in rules], sorted(each for each in tags if not each.startswith("aws:"))


def bucket_policy(seen: Seen) -> Any:
    return "s3:GetObject" in seen.client("s3").get_bucket_policy(Bucket=seen.one)["Policy"]


def balancer(seen: Seen) -> Any:
    elb = seen.client("elbv2")
    (said,) = elb.describe_load_balancers(LoadBalancerArns=[seen.one])["LoadBalancers"]
    pairs = elb.describe_load_balancer_attributes(LoadBalancerArn=seen.one)["Attributes"]
    names = {value: key for key, value in seen.ids.items()}
    groups = [names.get(each, "default") for each in said["SecurityGroups"]]
    idle = next(each["Value"] for each in pairs if each["Key"] == "idle_timeout.timeout_seconds")
    return len(said["AvailabilityZones"]), groups, idle, _balancing_tags(elb, seen)


def _balancing_tags(elb: Client, seen: Seen) -> list[str]:
    (said,) = elb.describe_tags(ResourceArns=[seen.one])["TagDescriptions"]
    return sorted(each["Key"] for each in said["Tags"] if not each["Key"].startswith("aws:"))


def group(seen: Seen) -> Any:
    elb = seen.client("elbv2")
    (said,) = elb.describe_target_groups(TargetGroupArns=[seen.one])["TargetGroups"]
    pairs = elb.describe_target_group_attributes(TargetGroupArn=seen.one)["Attributes"]
    sticky = next(each["Value"] for each in pairs if each["Key"] == "stickiness.enabled")
    targets = elb.describe_target_health(TargetGroupArn=seen.one)["TargetHealthDescriptions"]
    staying = [each for each in targets if each["TargetHealth"]["State"] != "draining"]
    check = (said["HealthCheckPath"], said["HealthCheckIntervalSeconds"], said["Matcher"]["HttpCode"])
    return check, sticky, len(staying), _balancing_tags(elb, seen)


def listener(seen: Seen) -> Any:
    (said,) = seen.client("elbv2").describe_listeners(ListenerArns=[seen.one])["Listeners"]
    names = {value: key for key, value in seen.ids.items()}
    return said["Port"], names[said["DefaultActions"][0]["TargetGroupArn"]]


def classic(seen: Seen) -> Any:
    elb = seen.client("elb")
    (said,) = elb.describe_load_balancers(LoadBalancerNames=[seen.one])["LoadBalancerDescriptions"]
    attributes = elb.describe_load_balancer_attributes(LoadBalancerName=seen.one)["LoadBalancerAttributes"]
    listeners = {
        (each["Listener"]["LoadBalancerPort"], each["Listener"]["InstancePort"])
        for each in said["ListenerDescriptions"]
    }
    (tags,) = elb.describe_tags(LoadBalancerNames=[seen.one])["TagDescriptions"]
    own = sorted(each["Key"] for each in tags["Tags"] if not each["Key"].startswith("aws:"))
    across = attributes["CrossZoneLoadBalancing"]["Enabled"]
    return sorted(listeners), len(said["Subnets"]), said["HealthCheck"]["Target"], across, own


TABLES = {f"Table{index}": of("EC2::RouteTable", VpcId=REF) for index in (1, 2)}
GATEWAYS = {f"Gateway{index}": of("EC2::InternetGateway") for index in (1, 2)}
ENTRY = {"NetworkAclId": {"Ref": "Acl1"}, "RuleNumber": 100, "Egress": "true", "CidrBlock": "0.0.0.0/0"}
SUBNET = {"VpcId": REF, "CidrBlock": "10.13.9.0/24"}
MACHINE = of("EC2::Instance", ImageId=IMAGE, InstanceType="t2.small", SubnetId={"Ref": "Subnet0"})
ATTACH = of("EC2::VPCGatewayAttachment", VpcId=REF, InternetGatewayId={"Ref": "Gateway1"})
ROUTE = {"RouteTableId": {"Ref": "Table1"}, "DestinationCidrBlock": "0.0.0.0/0"}
GROUP = {"GroupDescription": "g", "VpcId": REF}
RUN = {"ImageId": IMAGE, "SubnetId": {"Ref": "Subnet0"}}
ROLES = {
    f"Role{index}": of("IAM::Role", AssumeRolePolicyDocument=trust("ec2.amazonaws.com"), Policies=[])
    for index in (1, 2)
}
PROFILE = {"Profile": of("IAM::InstanceProfile", Roles=[{"Ref": "Role1"}])}
LAUNCH = {
    f"Launch{index}": of("AutoScaling::LaunchConfiguration", ImageId=IMAGE, InstanceType=size)
    for index, size in ((1, "t2.small"), (2, "t2.micro"))
}
ALL = [{"Ref": f"Subnet{index}"} for index in range(3)]
SCALED = {"MaxSize": 3, "LaunchConfigurationName": {"Ref": "Launch1"}, "VPCZoneIdentifier": ALL}
POLICY = {"AutoScalingGroupName": {"Ref": "Scaled"}, "ScalingAdjustment": "1"}
ALARM = {
    "MetricName": "Waiting",
    "Namespace": "Own",
    "Statistic": "Average",
    "EvaluationPeriods": "1",
    "ComparisonOperator": "GreaterThanThreshold",
}
TARGETS = {
    f"Web{index}": of("ElasticLoadBalancingV2::TargetGroup", Port=80, Protocol="HTTP", VpcId=REF) for index in (1, 2)
}
FRONT = {"Front": of("ElasticLoadBalancingV2::LoadBalancer", Scheme="internal", Subnets=ALL[:2])}
BUCKET = {"Bucket": of("S3::Bucket")}


def statement(action: str) -> dict[str, Any]:
    resource = {"Fn::Sub": "arn:aws:s3:::${Bucket}/*"}
    who = {"AWS": {"Fn::GetAtt": ["Role1", "Arn"]}}
    return {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": who, "Action": action, "Resource": resource}],
    }


def forward(name: str, port: int) -> dict[str, Any]:
    action = {"Type": "forward", "TargetGroupArn": {"Ref": name}}
    return {"LoadBalancerArn": {"Ref": "Front"}, "Port": port, "Protocol": "HTTP", "DefaultActions": [action]}


def classic_listener(port: int, behind: int) -> dict[str, Any]:
    return {"Protocol": "TCP", "LoadBalancerPort": port, "InstancePort": behind}


def check(path: str) -> dict[str, Any]:
    return {"Target": path, "Interval": 10, "Timeout": 5, "HealthyThreshold": 3, "UnhealthyThreshold": 5}


CASES = {
    "vpc": Case(
        "EC2::VPC",
        {"CidrBlock": "10.14.0.0/16", "Tags": [tag("a", "1"), tag("b", "1")]},
        {"CidrBlock": "10.14.0.0/16", "EnableDnsHostnames": "true", "Tags": [tag("a", "2")]},
        lambda seen: (dns(seen), seen.tags()),
        ((False, {"a": "1", "b": "1"}), (True, {"a": "2"})),
        {},
    ),
    "subnet": Case(
        "EC2::Subnet",
        SUBNET,
        {**SUBNET, "MapPublicIpOnLaunch": True},
        lambda seen: seen.ec2("describe_subnets", SubnetIds=[seen.one])[0]["MapPublicIpOnLaunch"],
        (False, True),
        VPC,
    ),
    "volume": Case(
        "EC2::Volume",
        {"Size": "1", "AvailabilityZone": "us-west-2a", "Tags": [tag("a", "1")]},
        {"Size": "1", "AvailabilityZone": "us-west-2a", "Tags": [tag("a", "2")]},
        Seen.tags,
        ({"a": "1"}, {"a": "2"}),
        {},
    ),
    "gateway": Case("EC2::InternetGateway", {}, {"Tags": [tag("a", "1")]}, Seen.tags, ({}, {"a": "1"}), {}),
    "table": Case(
        "EC2::RouteTable", {"VpcId": REF}, {"VpcId": REF, "Tags": [tag("a", "")]}, Seen.tags, ({}, {"a": ""}), VPC
    ),
    "acl": Case(
        "EC2::NetworkAcl", {"VpcId": REF}, {"VpcId": REF, "Tags": [tag("a", "1")]}, Seen.tags, ({}, {"a": "1"}), VPC
    ),
    "attachment": Case(
        "EC2::VPCGatewayAttachment",
        {"VpcId": REF, "InternetGatewayId": {"Ref": "Gateway1"}},
        {"VpcId": REF, "InternetGatewayId": {"Ref": "Gateway2"}},
        attached,
        (["Gateway1"], ["Gateway2"]),
        {**VPC, **GATEWAYS},
    ),
    "route": Case(
        "EC2::Route",
        {**ROUTE, "GatewayId": {"Ref": "Gateway1"}},
        {**ROUTE, "InstanceId": {"Ref": "Machine"}},
        target,
        ("Gateway1", "Machine"),
        {**VPC, **TABLES, **GATEWAYS, **subnets(1), "Attach": ATTACH, "Machine": MACHINE},
    ),
    "association": Case(
        "EC2::SubnetRouteTableAssociation",
        {"SubnetId": {"Ref": "Subnet0"}, "RouteTableId": {"Ref": "Table1"}},
        {"SubnetId": {"Ref": "Subnet0"}, "RouteTableId": {"Ref": "Table2"}},
        association,
        ("Table1", "Table2"),
        {**VPC, **TABLES, **subnets(1)},
        moves=True,
    ),
    "security group": Case(
        "EC2::SecurityGroup",
        {**GROUP, "SecurityGroupIngress": [rule(22), rule(80, Description="web")]},
        {
            **GROUP,
            "SecurityGroupIngress": [rule(80, Description="the web"), rule(443)],
            "SecurityGroupEgress": [{**rule(80), "IpProtocol": "tcp"}],
        },
        ports,
        (([(22, ""), (80, "web")], ["-1"]), ([(80, "the web"), (443, "")], ["tcp"])),
        VPC,
    ),
    "ingress": Case(
        "EC2::SecurityGroupIngress",
        {"GroupId": {"Ref": "Group"}, **rule(22)},
        {"GroupId": {"Ref": "Group"}, **rule(22, Description="SSH")},
        note,
        ([""], ["SSH"]),
        {**VPC, "Group": of("EC2::SecurityGroup", **GROUP)},
    ),
    "instance": Case(
        "EC2::Instance",
        {**RUN, "InstanceType": "t2.small", "SourceDestCheck": False},
        {
            **RUN,
            "InstanceType": "t2.micro",
            "SecurityGroupIds": [{"Ref": "Group"}],
            "IamInstanceProfile": {"Ref": "Profile"},
            "UserData": b64encode(b"#cloud-config\n").decode(),
        },
        machine,
        (
            {"type": "t2.small", "state": "running", "check": False, "groups": ["default"], "data": "", "profiles": 0},
            {
                **{"type": "t2.micro", "state": "running", "check": True, "groups": ["Group"], "profiles": 1},
                "data": "#cloud-config\n",
            },
        ),
        {**VPC, **subnets(1), **ROLES, **PROFILE, "Group": of("EC2::SecurityGroup", **GROUP)},
    ),
    "role": Case(
        "IAM::Role",
        {
            "AssumeRolePolicyDocument": trust("ec2.amazonaws.com"),
            "Policies": [policy("a", "ec2:CreateRoute"), policy("b", "s3:GetObject")],
        },
        {
            "AssumeRolePolicyDocument": trust("lambda.amazonaws.com"),
            "Policies": [policy("a", "ec2:DeleteRoute"), policy("c", "s3:PutObject")],
            "Description": "of the test",
        },
        role,
        (
            ("ec2.amazonaws.com", "", {"a": "ec2:CreateRoute", "b": "s3:GetObject"}),
            ("lambda.amazonaws.com", "of the test", {"a": "ec2:DeleteRoute", "c": "s3:PutObject"}),
        ),
        {},
    ),
    "profile": Case(
        "IAM::InstanceProfile",
        {"Roles": [{"Ref": "Role1"}]},
        {"Roles": [{"Ref": "Role2"}]},
        profile,
        (["Role1"], ["Role2"]),
        ROLES,
    ),
    "scaling": Case(
        "AutoScaling::AutoScalingGroup",
        {**SCALED, "MinSize": 1, "DesiredCapacity": "1", "Tags": [tag("a", "1", PropagateAtLaunch=True)]},
        {
            **{**SCALED, "MinSize": 2, "LaunchConfigurationName": {"Ref": "Launch2"}, "VPCZoneIdentifier": ALL[:2]},
            **{"HealthCheckGracePeriod": "60", "Tags": [tag("b", "1", PropagateAtLaunch="false")]},
        },
        scaled,
        (((1, 1, 1, 300), "Launch1", 3, {"a": True}), ((2, 2, 2, 60), "Launch2", 2, {"b": False})),
        {**VPC, **subnets(), **LAUNCH},
    ),
    "acl entry": Case(
        "EC2::NetworkAclEntry",
        {**ENTRY, "Protocol": "6", "RuleAction": "allow", "PortRange": {"From": "22", "To": "22"}},
        {**ENTRY, "Protocol": -1, "RuleAction": "deny"},
        entry,
        (("6", "allow", {"From": 22, "To": 22}), ("-1", "deny", None)),
        {**VPC, "Acl1": of("EC2::NetworkAcl", VpcId=REF)},
    ),
    "acl association": Case(
        "EC2::SubnetNetworkAclAssociation",
        {"SubnetId": {"Ref": "Subnet0"}, "NetworkAclId": {"Ref": "Acl1"}},
        {"SubnetId": {"Ref": "Subnet0"}, "NetworkAclId": {"Ref": "Acl2"}},
        acl_of_subnet,
        ("Acl1", "Acl2"),
        {**VPC, **subnets(1), **{f"Acl{index}": of("EC2::NetworkAcl", VpcId=REF) for index in (1, 2)}},
        moves=True,
    ),
    "launch template": Case(
        "EC2::LaunchTemplate",
        {"LaunchTemplateData": {"ImageId": IMAGE, "InstanceType": "t2.small"}},
        {
            "LaunchTemplateData": {
                **{"ImageId": IMAGE, "InstanceType": "t2.micro", "SecurityGroupIds": [{"Ref": "Group"}]},
                "BlockDeviceMappings": [{"DeviceName": "/dev/xvdb", "Ebs": {"VolumeSize": "10"}}],
                "NetworkInterfaces": [{"DeviceIndex": "0", "AssociatePublicIpAddress": "true"}],
            },
            "VersionDescription": "smaller",
        },
        latest,
        (("t2.small", "", []), ("t2.micro", "smaller", ["Group"])),
        {**VPC, "Group": of("EC2::SecurityGroup", **GROUP)},
    ),
    "scaling policy": Case(
        "AutoScaling::ScalingPolicy",
        {**POLICY, "AdjustmentType": "ChangeInCapacity", "Cooldown": "60"},
        {**POLICY, "AdjustmentType": "PercentChangeInCapacity", "MinAdjustmentMagnitude": "2"},
        scaling_policy,
        (("ChangeInCapacity", 1, 60, None), ("PercentChangeInCapacity", 1, None, 2)),
        {**VPC, **subnets(), **LAUNCH, "Scaled": of("AutoScaling::AutoScalingGroup", **SCALED, MinSize=0)},
    ),
    "alarm": Case(
        "CloudWatch::Alarm",
        {**ALARM, "Threshold": "60", "Period": "60", "Tags": [tag("a", "1"), tag("b", "1")]},
        {**ALARM, "Threshold": "30", "Period": "120", "ActionsEnabled": "false", "Tags": [tag("a", "2")]},
        alarm,
        ((60.0, 60, True, {"a": "1", "b": "1"}), (30.0, 120, False, {"a": "2"})),
        {},
    ),
    "bucket": Case(
        "S3::Bucket",
        {"Tags": [tag("a", "1")]},
        {"LifecycleConfiguration": {"Rules": [{"Id": "x", "Status": "Enabled", "ExpirationInDays": 10}]}},
        bucket,
        (([], ["a"]), ([10], [])),
        {},
    ),
    "bucket policy": Case(
        "S3::BucketPolicy",
        {"Bucket": {"Ref": "Bucket"}, "PolicyDocument": statement("s3:PutObject")},
        {"Bucket": {"Ref": "Bucket"}, "PolicyDocument": statement("s3:GetObject")},
        bucket_policy,
        (False, True),
        {**BUCKET, **ROLES},
    ),
    "balancer": Case(
        "ElasticLoadBalancingV2::LoadBalancer",
        {"Scheme": "internal", "Subnets": ALL[:2]},
        {
            **{"Scheme": "internal", "Subnets": ALL, "SecurityGroups": [{"Ref": "Group"}], "Tags": [tag("a", "1")]},
            "LoadBalancerAttributes": [{"Key": "idle_timeout.timeout_seconds", "Value": "30"}],
        },
        balancer,
        ((2, ["default"], "60", []), (3, ["Group"], "30", ["a"])),
        {**VPC, **subnets(), "Group": of("EC2::SecurityGroup", **GROUP)},
    ),
    "target group": Case(
        "ElasticLoadBalancingV2::TargetGroup",
        {"Port": 80, "Protocol": "HTTP", "VpcId": REF, "HealthCheckPath": "/health", "Tags": [tag("a", "1")]},
        {
            **{"Port": 80, "Protocol": "HTTP", "VpcId": REF, "HealthCheckIntervalSeconds": "10"},
            "Matcher": {"HttpCode": "200-299"},
            "TargetGroupAttributes": [{"Key": "stickiness.enabled", "Value": True}],
            "Targets": [{"Id": {"Ref": "Machine"}}],
        },
        group,
        ((("/health", 30, "200"), "false", 0, ["a"]), (("/", 10, "200-299"), "true", 1, [])),
        {**VPC, **subnets(1), "Machine": MACHINE},
    ),
    "listener": Case(
        "ElasticLoadBalancingV2::Listener",
        forward("Web1", 80),
        forward("Web2", 8080),
        listener,
        ((80, "Web1"), (8080, "Web2")),
        {**VPC, **subnets(), **TARGETS, **FRONT},
    ),
    "classic": Case(
        "ElasticLoadBalancing::LoadBalancer",
        {
            **{"Scheme": "internal", "Subnets": ALL[:2], "HealthCheck": check("TCP:2379")},
            "Listeners": [classic_listener(2379, 2379), classic_listener(80, 80)],
        },
        {
            **{"Scheme": "internal", "Subnets": ALL[1:], "HealthCheck": check("TCP:4001"), "CrossZone": True},
            "Listeners": [classic_listener(2379, 4001), classic_listener(81, 80)],
            "Tags": [tag("a", "1")],
        },
        classic,
        (
            ([(80, 80), (2379, 2379)], 2, "TCP:2379", False, []),
            ([(81, 80), (2379, 4001)], 2, "TCP:4001", True, ["a"]),
        ),
        {**VPC, **subnets()},
    ),
}

CASES |= {name: Case(*each) for name, each in function_cases.CASES.items()}


@pytest.fixture
def tried(served: Served) -> Iterator[Tried]:
    with stack(served, "kinds") as one:
        yield one


@pytest.mark.parametrize("name", CASES)
def test_an_update_in_place_and_its_rollback(served: Served, tried: Tried, name: str) -> None:
    case = CASES[name]

    def look() -> Any:
        return case.look(Seen(served.client, tried.ids()))

    tried.create(case.text(case.before))
    assert look() == case.said[0]
    first = tried.ids()[ONE]
    tried.update(case.text(case.after))
    assert look() == case.said[1], reasons(tried.cfn, "kinds")
    assert (tried.ids()[ONE] != first) == case.moves
    tried.update(case.text(case.before, broken=True), "UPDATE_ROLLBACK_COMPLETE")
    assert look() == case.said[1]
    assert (tried.ids()[ONE] != first) == case.moves
    tried.update(case.text(case.before))
    assert look() == case.said[0]


def test_every_type_that_can_be_updated_in_place_is_tried() -> None:
    tried = {f"AWS::{case.type}" for case in CASES.values()}
    assert tried == {name for name, kind in KINDS.items() if kind.in_place}
    for name, kind in KINDS.items():
        known = {*kind.in_place, *kind.replacing, *([kind.name] if kind.name else [])}
        assert known <= set(kind.properties), name
        assert set(kind.volatile) <= set(kind.attributes), name


def test_a_health_check_of_a_classic_balancer_that_comes_replaces_it(served: Served, tried: Tried) -> None:
    case = CASES["classic"]
    before = {key: value for key, value in case.before.items() if key != "HealthCheck"}
    tried.create(case.text(before))
    first = tried.ids()[ONE]
    tried.update(case.text(case.before))
    assert tried.ids()[ONE] != first
    names = [
        each["LoadBalancerName"] for each in served.client("elb").describe_load_balancers()["LoadBalancerDescriptions"]
    ]
    assert names == [tried.ids()[ONE]]


def test_a_launch_configuration_is_replaced_and_instances_stay(served: Served, tried: Tried) -> None:
    size = {"Size": {"Type": "String", "Default": "t2.small"}}
    launch = of("AutoScaling::LaunchConfiguration", ImageId=IMAGE, InstanceType={"Ref": "Size"})
    its = {"MinSize": 2, "MaxSize": 3, "LaunchConfigurationName": {"Ref": "Launch"}, "VPCZoneIdentifier": ALL}
    resources = {**VPC, **subnets(), "Launch": launch, ONE: of("AutoScaling::AutoScalingGroup", **its)}
    tried.create(body(resources, Parameters=size))
    before, asg = tried.ids(), served.client("autoscaling")
    running = {each["InstanceId"] for each in asg.describe_auto_scaling_instances()["AutoScalingInstances"]}
    size["Size"]["Default"] = "t2.micro"
    tried.update(body(resources, Parameters=size))
    after = tried.ids()
    assert {name for name in before if before[name] != after[name]} == {"Launch"}
    assert {each["InstanceId"] for each in asg.describe_auto_scaling_instances()["AutoScalingInstances"]} == running
    (left,) = asg.describe_launch_configurations()["LaunchConfigurations"]
    assert (left["LaunchConfigurationName"], left["InstanceType"]) == (after["Launch"], "t2.micro")


def test_a_group_gets_the_latest_version_of_its_launch_template(served: Served, tried: Tried) -> None:
    parameters = {"Size": {"Type": "String", "Default": "t2.small"}}
    data = {"ImageId": IMAGE, "InstanceType": {"Ref": "Size"}}
    version = {"Fn::GetAtt": ["Launch", "LatestVersionNumber"]}
    launch = {"LaunchTemplateId": {"Ref": "Launch"}, "Version": version}
    its = {"MinSize": 1, "MaxSize": 3, "LaunchTemplate": launch, "VPCZoneIdentifier": ALL}
    group = of("AutoScaling::AutoScalingGroup", **its)
    resources = {**VPC, **subnets(), "Launch": of("EC2::LaunchTemplate", LaunchTemplateData=data), ONE: group}
    tried.create(body(resources, Parameters=parameters))
    before, asg = tried.ids(), served.client("autoscaling")
    group["Properties"]["MinSize"] = 2
    tried.update(body(resources, Parameters=parameters), Parameters=given(Size="t2.micro"))
    assert tried.ids() == before
    (said,) = asg.describe_auto_scaling_groups(AutoScalingGroupNames=[before[ONE]])["AutoScalingGroups"]
    assert said["LaunchTemplate"]["Version"] == "2"
    assert sorted(each["LaunchTemplate"]["Version"] for each in said["Instances"]) == ["1", "2"]
    both = {**its, "LaunchConfigurationName": "x"}
    text = body({**resources, ONE: of("AutoScaling::AutoScalingGroup", **both)}, Parameters=parameters)
    tried.update(text, "UPDATE_ROLLBACK_COMPLETE")
    assert any("exactly one of LaunchConfigurationName, LaunchTemplate" in each for each in reasons(tried.cfn, "kinds"))


def test_a_bucket_that_is_replaced_keeps_nothing_but_one_that_is_not_empty(served: Served, tried: Tried) -> None:
    s3 = served.client("s3")
    s3.create_bucket(Bucket="taken", CreateBucketConfiguration=HERE)
    tried.create(body({ONE: of("S3::Bucket")}))
    first = tried.ids()[ONE]
    s3.put_object(Bucket=first, Key="k")
    tried.update(body({ONE: of("S3::Bucket", BucketName="taken")}), "UPDATE_ROLLBACK_COMPLETE")
    assert {each["Name"] for each in s3.list_buckets()["Buckets"]} == {first, "taken"}
    tried.update(body({ONE: of("S3::Bucket", BucketName="fresh-one")}))
    assert tried.statuses(ONE)[-1] == "DELETE_FAILED"
    assert {each["Name"] for each in s3.list_buckets()["Buckets"]} == {first, "taken", "fresh-one"}
    s3.delete_object(Bucket=first, Key="k")
    tried.update(body({ONE: of("S3::Bucket", BucketName="fresh-one", Tags=[tag("a", "1")])}))
    assert {each["Name"] for each in s3.list_buckets()["Buckets"]} == {"taken", "fresh-one"}
    s3.delete_bucket(Bucket="taken")


def test_an_alarm_s_own_name_is_another_s_no_more_than_one_stack_s(served: Served, tried: Tried) -> None:
    cloudwatch = served.client("cloudwatch")
    its = {**ALARM, "Threshold": 60, "Period": 60}

    def named(name: str, **more: Any) -> str:
        return body({ONE: of("CloudWatch::Alarm", **{**its, **more}, AlarmName=name)})

    def alarms() -> dict[str, float]:
        return {each["AlarmName"]: each["Threshold"] for each in cloudwatch.describe_alarms()["MetricAlarms"]}

    cloudwatch.put_metric_alarm(AlarmName="taken", **{**its, "Threshold": 5.0, "EvaluationPeriods": 1})
    tried.create(named("mine"))
    tried.update(named("mine", Threshold=70))
    assert (tried.ids()[ONE], alarms()) == ("mine", {"taken": 5.0, "mine": 70.0})
    tried.update(named("taken"), "UPDATE_ROLLBACK_COMPLETE")
    assert any("identifier 'taken' already exists" in each for each in reasons(tried.cfn, "kinds"))
    assert (tried.ids()[ONE], alarms()) == ("mine", {"taken": 5.0, "mine": 70.0})
    tried.update(named("other"))
    assert (tried.ids()[ONE], alarms()) == ("other", {"taken": 5.0, "other": 60.0})
    cloudwatch.delete_alarms(AlarmNames=["taken"])


def test_another_part_of_the_path_replaces_a_resource_of_an_api(served: Served, tried: Tried) -> None:
    api = function_cases.API

    def at(part: str) -> str:
        parent = {"Fn::GetAtt": ["Api", "RootResourceId"]}
        return body({**api, ONE: of("ApiGateway::Resource", **function_cases.OF_API, ParentId=parent, PathPart=part)})

    tried.create(at("a"))
    before = tried.ids()
    tried.update(at("b"))
    after = tried.ids()
    assert (before["Api"] == after["Api"], before[ONE] == after[ONE]) == (True, False)
    listed = served.client("apigateway").get_resources(restApiId=after["Api"])["items"]
    assert sorted(each["path"] for each in listed) == ["/", "/b"]


def test_a_volume_is_not_replaced_by_an_empty_one(served: Served, tried: Tried) -> None:
    """AWS makes it larger, which this cloud cannot."""

    def sized(size: int, *tags: dict[str, Any]) -> str:
        zone = {"Fn::Select": [0, {"Fn::GetAZs": ""}]}
        return body({ONE: of("EC2::Volume", Size=size, AvailabilityZone=zone, Tags=list(tags))})

    tried.create(sized(10))
    first = tried.ids()[ONE]
    tried.update(sized(20), "UPDATE_ROLLBACK_COMPLETE")
    assert any("changes of a volume are not part of this cloud" in each for each in reasons(tried.cfn, "kinds"))
    tried.update(sized(10, tag("a", "1")))
    assert tried.ids()[ONE] == first
    (said,) = served.client("ec2").describe_volumes(VolumeIds=[first])["Volumes"]
    assert said["Size"] == 10


def test_changed_tags_of_a_launch_template_make_no_version(served: Served, tried: Tried) -> None:
    data = {"ImageId": IMAGE, "InstanceType": "t2.small"}

    def tagged(**tags: str) -> str:
        own = [{"ResourceType": "launch-template", "Tags": [tag(key, value) for key, value in tags.items()]}]
        return body({ONE: of("EC2::LaunchTemplate", LaunchTemplateData=data, TagSpecifications=own)})

    tried.create(tagged(a="1", b="1"))
    first = tried.ids()[ONE]
    tried.update(tagged(a="2"))
    (said,) = served.client("ec2").describe_launch_templates(LaunchTemplateIds=[first])["LaunchTemplates"]
    assert (tried.ids()[ONE], said["LatestVersionNumber"]) == (first, 1)
    assert Seen(served.client, tried.ids()).tags() == {"a": "2"}
