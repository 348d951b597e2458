"""Launch templates: groups start their instances with a version of one."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.unit.cloud.conftest import Client, Served
from tests.unit.cloud.test_scaling import IMAGE, members, serving, until

ClientError = pytest.importorskip("botocore.exceptions").ClientError
NAME = "templated"  # instances that have ended keep their tags, so no other test has this name
pytestmark = pytest.mark.usefixtures("machines")
DATA: dict[str, Any] = {
    "ImageId": IMAGE,
    "InstanceType": "t2.small",
    "UserData": b64encode(b"#cloud-config\n").decode(),
    "BlockDeviceMappings": [{"DeviceName": "/dev/xvdb", "Ebs": {"VolumeSize": 10}}],
    "NetworkInterfaces": [{"DeviceIndex": 0, "AssociatePublicIpAddress": True}],
    "MetadataOptions": {"HttpTokens": "required"},
    "TagSpecifications": [{"ResourceType": "instance", "Tags": [{"Key": "team", "Value": "one"}]}],
}


@pytest.fixture
def asg(served: Served) -> Client:
    return served.client("autoscaling")


@pytest.fixture
def subnets(ec2: Client) -> str:
    return ",".join([each["SubnetId"] for each in ec2.describe_subnets()["Subnets"] if each["DefaultForAz"]][:3])


@pytest.fixture
def template(ec2: Client) -> Iterator[str]:
    made = ec2.create_launch_template(LaunchTemplateName="mine", LaunchTemplateData=DATA)["LaunchTemplate"]
    yield made["LaunchTemplateId"]
    ec2.delete_launch_template(LaunchTemplateName="mine")


@pytest.fixture
def group(asg: Client, template: str, subnets: str) -> Iterator[str]:
    asg.create_auto_scaling_group(
        AutoScalingGroupName=NAME,
        LaunchTemplate={"LaunchTemplateName": "mine", "Version": "$Latest"},
        MinSize=1,
        MaxSize=3,
        VPCZoneIdentifier=subnets,
    )
    yield NAME
    asg.delete_auto_scaling_group(AutoScalingGroupName=NAME, ForceDelete=True)
    until(lambda: not asg.describe_auto_scaling_groups()["AutoScalingGroups"], "the group is not gone")


def test_a_group_s_instances_are_what_the_template_says(ec2: Client, asg: Client, template: str, group: str) -> None:
    (name,) = serving(asg, 1, NAME)
    (one,) = ec2.describe_instances(InstanceIds=[name])["Reservations"][0]["Instances"]
    assert one["InstanceType"] == "t2.small"
    assert one["PublicIpAddress"]
    assert one["MetadataOptions"]["HttpTokens"] == "required"
    assert "/dev/xvdb" in {each["DeviceName"] for each in one["BlockDeviceMappings"]}
    tags = {each["Key"]: each["Value"] for each in one["Tags"]}
    assert tags == {"aws:autoscaling:groupName": NAME, "team": "one"}
    data = ec2.describe_instance_attribute(InstanceId=name, Attribute="userData")["UserData"]["Value"]
    assert b64decode(data) == b"#cloud-config\n"
    (said,) = asg.describe_auto_scaling_groups()["AutoScalingGroups"]
    assert said["LaunchTemplate"] == {"LaunchTemplateId": template, "LaunchTemplateName": "mine", "Version": "$Latest"}
    assert "LaunchConfigurationName" not in said
    assert [each["LaunchTemplate"]["Version"] for each in members(asg, NAME)] == ["1"]


def test_another_version_is_for_instances_that_are_launched_later(ec2: Client, asg: Client, group: str) -> None:
    before = serving(asg, 1, NAME)
    data = {**DATA, "InstanceType": "t2.micro"}
    ec2.create_launch_template_version(LaunchTemplateName="mine", LaunchTemplateData=data)
    asg.set_desired_capacity(AutoScalingGroupName=group, DesiredCapacity=2)
    after = serving(asg, 2, NAME)
    versions = {each["InstanceId"]: each["LaunchTemplate"]["Version"] for each in members(asg, NAME)}
    assert {versions[name] for name in before} == {"1"}
    assert {versions[name] for name in after - before} == {"2"}
    asg.set_desired_capacity(AutoScalingGroupName=group, DesiredCapacity=1)
    until(lambda: len(members(asg, NAME)) == 1, "no instance has gone")
    assert serving(asg, 1, NAME)


def test_a_template_that_is_gone_is_named_where_an_instance_is_needed(
    served: Served, ec2: Client, asg: Client, group: str
) -> None:
    (name,) = serving(asg, 1, NAME)
    ec2.delete_launch_template(LaunchTemplateName="mine")
    asg.set_desired_capacity(AutoScalingGroupName=group, DesiredCapacity=2)

    def failed() -> list[str]:
        listed = asg.describe_scaling_activities(AutoScalingGroupName=group)["Activities"]
        return [each["StatusMessage"] for each in listed if each["StatusCode"] == "Failed"]

    until(failed, "nothing has failed")
    assert "launch template" in failed()[0].lower()
    assert {each["InstanceId"] for each in members(asg, NAME)} == {name}
    ec2.create_launch_template(LaunchTemplateName="mine", LaunchTemplateData=DATA)  # for the fixture


def test_what_a_group_cannot_use_is_refused(ec2: Client, asg: Client, group: str, subnets: str) -> None:
    ec2.create_launch_template(LaunchTemplateName="small", LaunchTemplateData={"InstanceType": "t2.small"})
    asg.create_launch_configuration(LaunchConfigurationName="old", ImageId=IMAGE, InstanceType="t2.small")
    mine = {"LaunchTemplateName": "mine"}

    def create(**launch: Any) -> Callable[[], Any]:
        its = {"AutoScalingGroupName": "other", "MinSize": 0, "MaxSize": 1, "VPCZoneIdentifier": subnets}
        return lambda: asg.create_auto_scaling_group(**its, **launch)

    unknown = {**DATA, "CpuOptions": {"CoreCount": 1}}
    disk = [{"DeviceName": "/dev/xvdb", "Ebs": {"VolumeSize": 1, "DeleteOnTermination": False}}]
    version = ec2.create_launch_template_version
    calls: list[tuple[Callable[[], Any], str]] = [
        (create(), "either LaunchTemplate or LaunchConfigurationName"),
        (create(LaunchTemplate=mine, LaunchConfigurationName="old"), "either LaunchTemplate or"),
        (create(LaunchTemplate={"LaunchTemplateName": "none"}), "none"),
        (create(LaunchTemplate={**mine, "Version": "9"}), "9"),
        (create(LaunchTemplate={"LaunchTemplateName": "small"}), "must contain the parameter ImageId"),
        (lambda: version(LaunchTemplateName="mine", LaunchTemplateData=unknown), "CpuOptions"),
        (lambda: version(LaunchTemplateName="mine", LaunchTemplateData={"BlockDeviceMappings": disk}), "OnTermination"),
    ]
    for call, message in calls:
        with pytest.raises(ClientError, match=message):
            call()
    asg.update_auto_scaling_group(AutoScalingGroupName=group, LaunchConfigurationName="old")
    assert asg.describe_auto_scaling_groups()["AutoScalingGroups"][0]["LaunchConfigurationName"] == "old"
    asg.update_auto_scaling_group(AutoScalingGroupName=group, LaunchTemplate=mine)
    (said,) = asg.describe_auto_scaling_groups()["AutoScalingGroups"]
    assert (said["LaunchTemplate"]["Version"], said.get("LaunchConfigurationName")) == ("$Default", None)
    ec2.delete_launch_template(LaunchTemplateName="small")
    asg.delete_launch_configuration(LaunchConfigurationName="old")
