"""Auto Scaling: how many instances, where, which go, and who replaces them. Machines only seem to be there."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from coreos_lab.cloud.scaling.group import Configuration, Group, Kept, Member, Refresh, next_subnet, victims
from coreos_lab.cloud.scaling.keeper import Keeper
from coreos_lab.cloud.scaling.policies import wanted
from coreos_lab.cloud.scaling.refreshing import step
from coreos_lab.cloud.sigv4 import RefusedError
from coreos_lab.cloud.states import RUNNING, STOPPED
from tests.unit.cloud.conftest import Client, Served
from tests.unit.cloud.test_formation import deleted, settled

ClientError = pytest.importorskip("botocore.exceptions").ClientError
ReadTimeoutError = pytest.importorskip("botocore.exceptions").ReadTimeoutError
pytestmark = pytest.mark.usefixtures("machines")
IMAGE = "ami-7d11c51d"
LAUNCH = {"LaunchConfigurationName": "two", "ImageId": IMAGE, "InstanceType": "t2.small"}
DEADLINE = 90.0  # seconds, on a host that is busy with other tests


def until(true: Callable[[], Any], missing: str) -> None:
    end = time.monotonic() + DEADLINE
    while not true():
        assert time.monotonic() < end, missing
        time.sleep(0.1)


@pytest.fixture
def asg(served: Served) -> Client:
    return served.client("autoscaling")


@pytest.fixture
def group(asg: Client, ec2: Client) -> Iterator[str]:
    """A group of three over three zones."""
    subnets = [each["SubnetId"] for each in ec2.describe_subnets()["Subnets"] if each["DefaultForAz"]][:3]
    asg.create_launch_configuration(LaunchConfigurationName="one", ImageId=IMAGE, InstanceType="t2.small", UserData="x")
    asg.create_auto_scaling_group(
        AutoScalingGroupName="web",
        LaunchConfigurationName="one",
        MinSize=1,
        MaxSize=6,
        DesiredCapacity=3,
        VPCZoneIdentifier=",".join(subnets),
        Tags=[{"Key": "role", "Value": "web", "PropagateAtLaunch": True}],
    )
    yield "web"
    asg.delete_auto_scaling_group(AutoScalingGroupName="web", ForceDelete=True)
    until(lambda: not asg.describe_auto_scaling_groups()["AutoScalingGroups"], "the group is not gone")
    asg.delete_launch_configuration(LaunchConfigurationName="one")


def members(asg: Client, name: str = "web") -> list[dict[str, Any]]:
    (group,) = asg.describe_auto_scaling_groups(AutoScalingGroupNames=[name])["AutoScalingGroups"]
    return list(group["Instances"])


def serving(asg: Client, count: int, name: str = "web") -> set[str]:
    """The ids of the group's instances once so many serve and no other is there."""
    until(
        lambda: [each["LifecycleState"] for each in members(asg, name)] == ["InService"] * count,
        f"not {count}: {members(asg, name)}",
    )
    return {each["InstanceId"] for each in members(asg, name)}


def test_a_group_launches_its_instances_over_its_zones_with_its_tags(asg: Client, ec2: Client, group: str) -> None:
    serving(asg, 3)
    assert Counter(each["AvailabilityZone"] for each in members(asg)) == {f"us-west-2{zone}": 1 for zone in "abc"}
    wanted = [{"Name": "tag:aws:autoscaling:groupName", "Values": [group]}]
    found = [each for one in ec2.describe_instances(Filters=wanted)["Reservations"] for each in one["Instances"]]
    assert {"Key": "role", "Value": "web"} in found[0]["Tags"]
    activities = asg.describe_scaling_activities(AutoScalingGroupName=group)["Activities"]
    assert [each["StatusCode"] for each in activities] == ["Successful"] * 3


@pytest.mark.parametrize("how", ["terminated", "its machine went off", "unhealthy"])
def test_an_instance_that_died_is_replaced(asg: Client, ec2: Client, served: Served, group: str, how: str) -> None:
    before = serving(asg, 3)
    victim = sorted(before)[0]
    if how == "terminated":
        ec2.terminate_instances(InstanceIds=[victim])
    elif how == "unhealthy":
        asg.set_instance_health(InstanceId=victim, HealthStatus="Unhealthy")
    else:
        served.engine.become(victim, RUNNING, STOPPED)
    until(lambda: victim not in {each["InstanceId"] for each in members(asg)}, "it is still a member")
    after = serving(asg, 3)
    assert len(after & before) == 2
    causes = [each["Cause"] for each in asg.describe_scaling_activities(AutoScalingGroupName=group)["Activities"]]
    assert any("health" in cause for cause in causes)


def test_more_and_fewer_instances_within_the_limits(asg: Client, group: str) -> None:
    before = serving(asg, 3)
    asg.set_desired_capacity(AutoScalingGroupName=group, DesiredCapacity=5)
    assert before < serving(asg, 5)
    asg.update_auto_scaling_group(AutoScalingGroupName=group, MaxSize=2)
    serving(asg, 2)
    for wrong in (0, 3):
        with pytest.raises(ClientError, match="not between 1 and 2"):
            asg.set_desired_capacity(AutoScalingGroupName=group, DesiredCapacity=wrong)


@pytest.mark.parametrize(
    ("kind", "change", "least", "desired", "expected"),
    [
        ("ChangeInCapacity", 2, 0, 3, 5),
        ("ChangeInCapacity", -1, 0, 3, 2),
        ("ExactCapacity", 4, 0, 3, 4),
        ("PercentChangeInCapacity", 50, 0, 4, 6),
        ("PercentChangeInCapacity", 50, 0, 3, 4),  # 1.5 is 1
        ("PercentChangeInCapacity", 10, 0, 3, 4),  # 0.3 is 1
        ("PercentChangeInCapacity", -10, 0, 3, 2),
        ("PercentChangeInCapacity", -70, 0, 3, 1),  # 2.1 is 2
        ("PercentChangeInCapacity", 10, 2, 3, 5),
        ("PercentChangeInCapacity", 0, 0, 3, 3),
    ],
)
def test_what_a_policy_makes_of_a_capacity(kind: str, change: int, least: int, desired: int, expected: int) -> None:
    policy = {"AdjustmentType": kind, "ScalingAdjustment": change, "MinAdjustmentMagnitude": least}
    assert wanted(policy, desired) == expected


def test_a_policy_is_executed_within_the_limits_and_not_too_often(asg: Client, group: str) -> None:
    before = serving(asg, 3)
    which = {"AutoScalingGroupName": group, "PolicyName": "out"}
    arn = asg.put_scaling_policy(**which, AdjustmentType="ChangeInCapacity", ScalingAdjustment=2)["PolicyARN"]
    asg.execute_policy(PolicyName=arn, HonorCooldown=True)
    assert before < serving(asg, 5)
    with pytest.raises(ClientError, match="cooldown of 300 s"):
        asg.execute_policy(**which, HonorCooldown=True)
    asg.execute_policy(**which)
    serving(asg, 6)  # its most
    again = asg.put_scaling_policy(**which, AdjustmentType="ExactCapacity", ScalingAdjustment=1, Cooldown=0)
    assert again["PolicyARN"] == arn
    (said,) = asg.describe_policies(AutoScalingGroupName=group)["ScalingPolicies"]
    assert (said["AdjustmentType"], said["ScalingAdjustment"], said["Cooldown"]) == ("ExactCapacity", 1, 0)
    asg.execute_policy(**which, HonorCooldown=True)
    serving(asg, 1)
    put = asg.put_scaling_policy
    calls: list[tuple[Callable[[], Any], str]] = [
        (lambda: put(**which, AdjustmentType="Change", ScalingAdjustment=1), "AdjustmentType Change"),
        (lambda: put(**which, AdjustmentType="ExactCapacity", ScalingAdjustment=-1), "not be negative"),
        (lambda: put(**which, AdjustmentType="ExactCapacity"), "ScalingAdjustment is needed"),
        (lambda: put(**which, PolicyType="TargetTrackingScaling"), "SimpleScaling alone"),
        (lambda: put(**which, PolicyType="StepScaling", StepAdjustments=[{"ScalingAdjustment": 1}]), "StepAdjustments"),
        (lambda: asg.execute_policy(AutoScalingGroupName=group, PolicyName="none"), "none not found"),
    ]
    for call, message in calls:
        with pytest.raises(ClientError, match=message):
            call()
    asg.delete_policy(**which)
    assert asg.describe_policies(AutoScalingGroupName=group)["ScalingPolicies"] == []


def test_what_is_not_there_or_in_use_is_refused(asg: Client, ec2: Client, group: str) -> None:
    serving(asg, 3)
    calls: list[tuple[Callable[[], Any], str]] = [
        (lambda: asg.delete_launch_configuration(LaunchConfigurationName="one"), "attached"),
        (lambda: asg.delete_auto_scaling_group(AutoScalingGroupName=group), "while there are instances"),
        (lambda: asg.update_auto_scaling_group(AutoScalingGroupName="none", MinSize=1), "not found - none"),
        (lambda: asg.update_auto_scaling_group(AutoScalingGroupName=group, HealthCheckType="EBS"), "one of EC2, ELB"),
        (lambda: asg.create_launch_configuration(**{**LAUNCH, "ImageId": "ami-00000000"}), "ami-00000000"),
        (lambda: asg.create_launch_configuration(**{**LAUNCH, "InstanceType": "z9.huge"}), "z9.huge"),
        (lambda: asg.suspend_processes(AutoScalingGroupName=group), "SuspendProcesses"),
    ]
    for call, message in calls:
        with pytest.raises(ClientError, match=message):
            call()


def test_what_was_kept_is_read_again(asg: Client, served: Served, group: str) -> None:
    ids = serving(asg, 3)
    again = Kept.load(served.folder / "scaling.json")
    assert {member.instance for member in again.groups[group].members} == ids


def test_a_stack_with_a_group(served: Served, asg: Client, ec2: Client) -> None:
    cfn = served.client("cloudformation")
    template = {
        "Resources": {
            "Launch": {
                "Type": "AWS::AutoScaling::LaunchConfiguration",
                "Properties": {
                    "ImageId": IMAGE,
                    "InstanceType": "t2.small",
                    "AssociatePublicIpAddress": True,
                    "BlockDeviceMappings": [{"DeviceName": "/dev/xvdb", "Ebs": {"VolumeSize": "10"}}],
                    "UserData": {"Fn::Base64": "#cloud-config"},
                },
            },
            "Servers": {
                "Type": "AWS::AutoScaling::AutoScalingGroup",
                "Properties": {
                    "LaunchConfigurationName": {"Ref": "Launch"},
                    "MinSize": "2",
                    "MaxSize": "4",
                    "VPCZoneIdentifier": [ec2.describe_subnets()["Subnets"][0]["SubnetId"]],
                },
            },
        },
        "Outputs": {"Group": {"Value": {"Ref": "Servers"}}},
    }
    cfn.create_stack(StackName="scaled", TemplateBody=json.dumps(template))
    stack = settled(cfn, "scaled")
    assert stack["StackStatus"] == "CREATE_COMPLETE", cfn.describe_stack_events(StackName="scaled")["StackEvents"]
    name = stack["Outputs"][0]["OutputValue"]
    assert name.startswith("scaled-Servers-")
    (group,) = asg.describe_auto_scaling_groups(AutoScalingGroupNames=[name])["AutoScalingGroups"]
    assert [each["LifecycleState"] for each in group["Instances"]] == ["InService"] * 2
    wanted = [{"Name": "tag:aws:cloudformation:stack-name", "Values": ["scaled"]}]
    assert (
        len([each for one in ec2.describe_instances(Filters=wanted)["Reservations"] for each in one["Instances"]]) == 2
    )
    deleted(cfn, "scaled")
    assert not asg.describe_auto_scaling_groups()["AutoScalingGroups"]
    assert not asg.describe_launch_configurations()["LaunchConfigurations"]


def member(name: str, zone: str, configuration: str = "new") -> Member:
    return Member(name, f"subnet-{zone}", zone, configuration, name, instance=name, state="InService")


def test_the_zone_with_the_fewest_gets_the_next_one() -> None:
    subnets = {"subnet-a": "a", "subnet-b": "b", "subnet-b2": "b"}
    found = Group("web", "", "", "new", 1, 9, 3, subnets, members=[member("1", "a"), member("2", "b")])
    assert next_subnet(found) == "subnet-b2"
    found.members.append(member("3", "b"))
    assert next_subnet(found) == "subnet-a"
    found.members += [member("4", "a")]
    found.members[-2].state = found.members[1].state = "Terminating"
    assert next_subnet(found) == "subnet-b"


def test_the_zone_with_the_most_loses_one_and_there_the_old_configuration_then_the_oldest() -> None:
    all_of = [member("1", "a"), member("2", "b"), member("3", "b", "old"), member("4", "b")]
    assert [each.instance for each in victims(all_of, 3, "new")] == ["3", "2", "1"]
    assert victims(all_of, 0, "new") == []


def test_an_instance_refresh_replaces_every_instance(asg: Client, group: str) -> None:
    before = serving(asg, 3)
    preferences = {"MinHealthyPercentage": 60, "InstanceWarmup": 0}
    name = asg.start_instance_refresh(AutoScalingGroupName=group, Preferences=preferences)["InstanceRefreshId"]
    with pytest.raises(ClientError, match="has a refresh in progress already"):
        asg.start_instance_refresh(AutoScalingGroupName=group)

    def said() -> dict[str, Any]:
        (found,) = asg.describe_instance_refreshes(AutoScalingGroupName=group)["InstanceRefreshes"]
        return dict(found)

    until(lambda: said()["Status"] == "Successful", f"not done: {said()}")
    assert (said()["InstanceRefreshId"], said()["PercentageComplete"], said()["InstancesToUpdate"]) == (name, 100, 0)
    assert not serving(asg, 3) & before
    with pytest.raises(ClientError, match="has no refresh in progress"):
        asg.cancel_instance_refresh(AutoScalingGroupName=group)


@pytest.mark.parametrize(
    ("least", "serve", "replaced"),
    [(90, 3, 1), (100, 3, 1), (60, 3, 1), (50, 3, 1), (34, 3, 1), (33, 3, 2), (0, 3, 3), (60, 2, 0), (0, 2, 2)],
)
def test_how_many_a_refresh_replaces_at_once(least: int, serve: int, replaced: int) -> None:
    """Of three; the percentage is rounded up, and stops a refresh only while some instance does not serve."""
    its = made_of(serve)
    its.refreshes = [Refresh("one", "", [each.instance for each in its.members], 3, least, 0)]
    assert len(step(its, set(), 100.0)) == replaced


def made_of(serve: int) -> Group:
    """A group of three, of which so many serve."""
    members = [Member(f"t{n}", "s", "z", "c", "", f"i-{n}", "InService" if n < serve else "Pending") for n in range(3)]
    return Group("web", "", "", "c", 0, 3, 3, {"s": "z"}, members=members)


def test_a_refresh_goes_on_only_when_new_instances_are_warm_and_healthy() -> None:
    its = made_of(3)
    its.refreshes = [Refresh("one", "", ["i-1", "i-2"], 3, 90, 60)]
    its.members[0].serving = 100.0
    assert step(its, set(), 159.0) == []
    assert step(its, {"i-0"}, 160.0) == []
    assert [each.instance for each in step(its, set(), 160.0)] == ["i-1"]


def test_a_refresh_that_is_cancelled_replaces_nothing_more() -> None:
    its = made_of(2)
    its.refreshes = [Refresh("one", "", ["i-1"], 3, 90, 0, "Cancelling")]
    assert step(its, set(), 0.0) == []
    assert its.refresh is not None, "what was begun is not over"
    its.members[2].state = "InService"
    step(its, set(), 0.0)
    assert [each.status for each in its.refreshes] == ["Cancelled"]


@pytest.mark.parametrize(
    ("action", "asked"),
    [
        ("CreateAutoScalingGroup", {"AutoScalingGroupName": "x", "MinSize": "\u00b2", "MaxSize": "1"}),
        ("CreateAutoScalingGroup", {"AutoScalingGroupName": "x", "MinSize": "1" * 5000, "MaxSize": "1"}),
        ("CreateAutoScalingGroup", {"AutoScalingGroupName": "x", "LaunchTemplate": "text"}),
        ("CreateAutoScalingGroup", {"AutoScalingGroupName": "x", "MinSize": "1", "MinSize.More": "1"}),
        ("CreateOrUpdateTags", {"Tags.member.1": "text"}),
        ("CreateOrUpdateTags", {"Tags": "text"}),
        ("DescribeAutoScalingGroups", {"AutoScalingGroupNames.member.1.Name": "x"}),
        ("CreateLaunchConfiguration", {**LAUNCH, "LaunchConfigurationName": "x", "UserData": "no"}),
        (
            "CreateLaunchConfiguration",
            {**LAUNCH, "LaunchConfigurationName": "x", "BlockDeviceMappings.member.1.DeviceName": "/dev/xvdb"},
        ),
    ],
)
def test_a_request_of_another_shape_is_refused(served: Served, action: str, asked: dict[str, str]) -> None:
    with pytest.raises(RefusedError):
        served.api.scaling.call(action, asked)


def test_an_update_that_ec2_refuses_changes_nothing(asg: Client, group: str) -> None:
    with pytest.raises(ClientError, match="subnet-00000000"):
        asg.update_auto_scaling_group(
            AutoScalingGroupName=group, MinSize=0, MaxSize=99, VPCZoneIdentifier="subnet-00000000"
        )
    (found,) = asg.describe_auto_scaling_groups(AutoScalingGroupNames=[group])["AutoScalingGroups"]
    assert found["MaxSize"] < 99


def test_tags_of_several_groups_are_set_for_all_or_for_none(asg: Client, group: str) -> None:
    tag = {"ResourceType": "auto-scaling-group", "Key": "half", "Value": "1", "PropagateAtLaunch": False}
    listed = [{**tag, "ResourceId": name} for name in (group, "none")]
    with pytest.raises(ClientError, match="not found - none"):
        asg.create_or_update_tags(Tags=listed)
    (found,) = asg.describe_auto_scaling_groups(AutoScalingGroupNames=[group])["AutoScalingGroups"]
    assert "half" not in [each["Key"] for each in found["Tags"]]


def test_a_launch_without_an_answer_is_asked_for_again_by_its_token(tmp_path: Path) -> None:
    tokens: list[str] = []

    class Ec2:
        def run_instances(self, **asked: Any) -> dict[str, Any]:
            tokens.append(asked["ClientToken"])
            if len(tokens) == 1:
                raise ReadTimeoutError(endpoint_url="ec2")
            return {"Instances": [{"InstanceId": "i-1"}]}

        def describe_instances(self, **_asked: Any) -> dict[str, Any]:
            return {"Reservations": []}

    kept = Kept(tmp_path / "scaling.json")
    kept.configurations["one"] = Configuration("one", "arn", "", {"ImageId": IMAGE})
    kept.groups["web"] = Group("web", "arn", "", "one", 1, 1, 1, {"subnet-a": "a"})
    keeper = Keeper(kept, lambda _service: Ec2(), print)
    keeper.look("web")
    assert [each.instance for each in kept.groups["web"].members] == [""]
    keeper.look("web")
    assert [each.instance for each in kept.groups["web"].members] == ["i-1"]
    assert len(set(tokens)) == 1
