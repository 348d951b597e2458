"""What docs/the-book.md shows by the cloud. Machines only seem to be there."""

from __future__ import annotations

import pytest

from coreos_lab import wait
from tests.unit.cloud.conftest import Served

pytestmark = pytest.mark.usefixtures("machines")
MACHINE = {"ImageId": "ami-7d11c51d", "InstanceType": "t2.small"}
DEADLINE = 30.0


def test_a_network_acl_without_entries_and_subnet_has_no_effect(served: Served) -> None:
    ec2 = served.client("ec2")
    made = ec2.create_network_acl(VpcId=ec2.describe_vpcs()["Vpcs"][0]["VpcId"])["NetworkAcl"]
    ec2.delete_network_acl(NetworkAclId=made["NetworkAclId"])
    assert made["Associations"] == []


def test_the_first_instance_of_each_reservation_is_not_every_instance(served: Served) -> None:
    ec2 = served.client("ec2")
    started = ec2.run_instances(MinCount=2, MaxCount=2, **MACHINE)
    ids = [each["InstanceId"] for each in started["Instances"]]
    reservations = ec2.describe_instances(InstanceIds=ids)["Reservations"]
    ec2.terminate_instances(InstanceIds=ids)
    assert [len(each["Instances"]) for each in reservations] == [2]


def test_the_instances_of_a_group_stay_when_it_gets_another_launch_configuration(served: Served) -> None:
    asg, ec2 = served.client("autoscaling"), served.client("ec2")
    for name in ("first", "other"):
        asg.create_launch_configuration(LaunchConfigurationName=name, **MACHINE)
    subnet = ec2.describe_subnets()["Subnets"][0]["SubnetId"]
    group = {"AutoScalingGroupName": "of-the-book"}
    asg.create_auto_scaling_group(
        **group, LaunchConfigurationName="first", MinSize=1, MaxSize=1, VPCZoneIdentifier=subnet
    )

    def states(name: str) -> list[str]:
        (found,) = asg.describe_auto_scaling_groups(AutoScalingGroupNames=["of-the-book"])["AutoScalingGroups"]
        return [each[name] for each in found["Instances"]]

    try:
        wait.until(
            lambda: states("LifecycleState") == ["InService"], deadline=DEADLINE, missing="an instance in service"
        )
        before = states("InstanceId")
        asg.update_auto_scaling_group(**group, LaunchConfigurationName="other")
        assert states("InstanceId") == before
        assert states("LaunchConfigurationName") == ["first"]
    finally:
        asg.delete_auto_scaling_group(**group, ForceDelete=True)
        wait.until(
            lambda: not asg.describe_auto_scaling_groups()["AutoScalingGroups"], deadline=DEADLINE, missing="its end"
        )
        for name in ("first", "other"):
            asg.delete_launch_configuration(LaunchConfigurationName=name)
