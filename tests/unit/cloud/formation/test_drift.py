"""Drift: what was changed past the stack is found, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from coreos_lab.cloud.formation.actual import READERS
from coreos_lab.cloud.formation.kinds import KINDS
from tests.unit.cloud.conftest import Client, Served
from tests.unit.cloud.formation.stacks import Resources, Tried, body, of, stack
from tests.unit.cloud.formation.test_kinds import ALL, IMAGE, policy, rule, subnets, tag, trust
from tests.unit.cloud.test_formation import refusal

pytest.importorskip("botocore.exceptions")
pytestmark = pytest.mark.usefixtures("machines")
REF = {"Ref": "Vpc"}
LAUNCH = of("AutoScaling::LaunchConfiguration", ImageId=IMAGE, InstanceType="t2.small")
SCALED = {"MinSize": "1", "MaxSize": 2, "LaunchConfigurationName": {"Ref": "Launch"}, "VPCZoneIdentifier": ALL}
STATEMENT = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"AWS": {"Fn::GetAtt": ["Role", "Arn"]}},
            "Action": "s3:*",
            "Resource": {"Fn::Sub": "arn:aws:s3:::${Bucket}/*"},
        }
    ],
}
RESOURCES: Resources = {
    "Vpc": of("EC2::VPC", CidrBlock="10.13.0.0/16", EnableDnsHostnames="true", Tags=[tag("a", "1"), tag("b", "2")]),
    **subnets(),
    "Gateway": of("EC2::InternetGateway"),
    "Attached": of("EC2::VPCGatewayAttachment", VpcId=REF, InternetGatewayId={"Ref": "Gateway"}),
    "Table": of("EC2::RouteTable", VpcId=REF),
    "Out": {
        **of(
            "EC2::Route",
            RouteTableId={"Ref": "Table"},
            DestinationCidrBlock="0.0.0.0/0",
            GatewayId={"Ref": "Gateway"},
        ),
        "DependsOn": "Attached",
    },
    "Group": of(
        "EC2::SecurityGroup",
        GroupDescription="g",
        VpcId=REF,
        SecurityGroupIngress=[rule(22), {"IpProtocol": -1, "CidrIp": "10.10.0.0/16"}],
    ),
    "Peers": of("EC2::SecurityGroupIngress", GroupId={"Ref": "Group"}, **rule(2380)),
    "Machine": of(
        "EC2::Instance",
        ImageId=IMAGE,
        InstanceType="t2.small",
        SubnetId={"Ref": "Subnet0"},
        SourceDestCheck="false",
        SecurityGroupIds=[{"Ref": "Group"}],
    ),
    "Role": of(
        "IAM::Role",
        AssumeRolePolicyDocument=trust("ec2.amazonaws.com"),
        Policies=[policy("a", "s3:GetObject"), policy("b", "ec2:CreateRoute")],
    ),
    "Launch": LAUNCH,
    "Scaled": of("AutoScaling::AutoScalingGroup", **SCALED),
    "Bucket": of("S3::Bucket", Tags=[tag("a", "1")]),
    "Policy": of("S3::BucketPolicy", Bucket={"Ref": "Bucket"}, PolicyDocument=STATEMENT),
}


@pytest.fixture
def tried(served: Served) -> Iterator[Tried]:
    with stack(served, "drifting") as one:
        yield one


def detected(tried: Tried) -> dict[str, Any]:
    """Detects drift; returns what is said of the stack."""
    detection = tried.cfn.detect_stack_drift(StackName="drifting")["StackDriftDetectionId"]
    found = tried.cfn.describe_stack_drift_detection_status(StackDriftDetectionId=detection)
    assert found["DetectionStatus"] == "DETECTION_COMPLETE"
    return dict(found)


def differences(tried: Tried) -> dict[str, list[tuple[str, str]]]:
    """What differs in each resource that has drifted."""
    rows = tried.cfn.describe_stack_resource_drifts(
        StackName="drifting", StackResourceDriftStatusFilters=["MODIFIED", "DELETED"]
    )["StackResourceDrifts"]
    return {
        each["LogicalResourceId"]: [(one["PropertyPath"], one["DifferenceType"]) for one in each["PropertyDifferences"]]
        for each in rows
    }


def test_what_was_changed_past_the_stack_is_found(served: Served, tried: Tried, ec2: Client) -> None:
    tried.create(body(RESOURCES))
    asg, iam, s3 = (served.client(service) for service in ("autoscaling", "iam", "s3"))
    said = detected(tried)
    assert (said["StackDriftStatus"], said["DriftedStackResourceCount"]) == ("IN_SYNC", 0), differences(tried)
    rows = tried.cfn.describe_stack_resource_drifts(StackName="drifting")["StackResourceDrifts"]
    checked = {each["LogicalResourceId"] for each in rows if each["StackResourceDriftStatus"] == "IN_SYNC"}
    assert {RESOURCES[name]["Type"] for name in checked} == set(READERS)
    ids = tried.ids()
    ec2.modify_vpc_attribute(VpcId=ids["Vpc"], EnableDnsHostnames={"Value": False})
    ec2.create_tags(Resources=[ids["Vpc"]], Tags=[tag("b", "3"), tag("c", "4")])
    ec2.modify_subnet_attribute(SubnetId=ids["Subnet0"], MapPublicIpOnLaunch={"Value": True})  # not in the template
    extra = [{"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
    ec2.authorize_security_group_ingress(GroupId=ids["Group"], IpPermissions=extra)
    ssh = [{"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}]
    ec2.revoke_security_group_ingress(GroupId=ids["Group"], IpPermissions=ssh)
    ec2.delete_route(RouteTableId=ids["Table"], DestinationCidrBlock="0.0.0.0/0")
    ec2.modify_instance_attribute(InstanceId=ids["Machine"], SourceDestCheck={"Value": True})
    iam.delete_role_policy(RoleName=ids["Role"], PolicyName="a")
    asg.update_auto_scaling_group(AutoScalingGroupName=ids["Scaled"], MaxSize=3)
    s3.delete_bucket_policy(Bucket=ids["Bucket"])
    said = detected(tried)
    assert (said["StackDriftStatus"], said["DriftedStackResourceCount"]) == ("DRIFTED", 7)
    assert differences(tried) == {
        "Vpc": [("/EnableDnsHostnames", "NOT_EQUAL"), ("/Tags/1", "NOT_EQUAL"), ("/Tags/2", "ADD")],
        "Group": [("/SecurityGroupIngress/0", "REMOVE"), ("/SecurityGroupIngress/2", "ADD")],
        "Out": [],
        "Machine": [("/SourceDestCheck", "NOT_EQUAL")],
        "Role": [("/Policies/0", "REMOVE")],
        "Scaled": [("/MaxSize", "NOT_EQUAL")],
        "Policy": [],
    }
    (shown,) = tried.cfn.describe_stacks(StackName="drifting")["Stacks"]
    assert shown["DriftInformation"]["StackDriftStatus"] == "DRIFTED"
    which = {"StackName": "drifting", "LogicalResourceId": "Scaled"}
    detail = tried.cfn.describe_stack_resource(**which)["StackResourceDetail"]
    assert detail["DriftInformation"]["StackResourceDriftStatus"] == "MODIFIED"
    one = tried.cfn.detect_stack_resource_drift(**which)["StackResourceDrift"]
    assert json.loads(one["ActualProperties"])["MaxSize"] == 3
    (difference,) = one["PropertyDifferences"]
    assert (difference["ExpectedValue"], difference["ActualValue"]) == ("2", "3")
    asg.update_auto_scaling_group(AutoScalingGroupName=ids["Scaled"], MaxSize=2)
    assert tried.cfn.detect_stack_resource_drift(**which)["StackResourceDrift"]["StackResourceDriftStatus"] == "IN_SYNC"


def test_an_update_makes_what_was_detected_obsolete(tried: Tried) -> None:
    resources = {"Vpc": RESOURCES["Vpc"]}
    tried.create(body(resources))
    detected(tried)
    tried.update(body({"Vpc": of("EC2::VPC", CidrBlock="10.13.0.0/16")}))
    (shown,) = tried.cfn.describe_stacks(StackName="drifting")["Stacks"]
    assert shown["DriftInformation"]["StackDriftStatus"] == "NOT_CHECKED"
    (row,) = tried.cfn.list_stack_resources(StackName="drifting")["StackResourceSummaries"]
    assert row["DriftInformation"]["StackResourceDriftStatus"] == "NOT_CHECKED"


def test_what_cannot_be_detected_is_refused(served: Served, tried: Tried) -> None:
    text = body({"Vpc": RESOURCES["Vpc"]})
    tried.create(text)
    assert "does not exist" in refusal(tried.cfn.describe_stack_drift_detection_status, StackDriftDetectionId="none")
    call = tried.cfn.detect_stack_resource_drift
    assert "Resource None" in refusal(call, StackName="drifting", LogicalResourceId="None")
    with stack(served, "reviewed") as one:
        which = {"StackName": "reviewed", "ChangeSetName": "one", "ChangeSetType": "CREATE"}
        one.cfn.create_change_set(**which, TemplateBody=text)
        said = refusal(one.cfn.detect_stack_drift, StackName="reviewed")
        assert "while in REVIEW_IN_PROGRESS" in said


def test_readers_are_of_types_that_are_there() -> None:
    assert set(READERS) <= set(KINDS)
