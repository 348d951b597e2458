"""Signals: creation policies, and rolling updates of groups. Machines only seem to be there."""

from __future__ import annotations

from typing import Any

import pytest

from coreos_lab.cloud.formation import rolling, signals
from coreos_lab.cloud.formation.template_url import place
from coreos_lab.cloud.sigv4 import RefusedError
from tests.unit.cloud.conftest import Client, Served
from tests.unit.cloud.formation.stacks import Tried, body, of, stack
from tests.unit.cloud.test_formation import reasons
from tests.unit.cloud.test_scaling import until

ClientError = pytest.importorskip("botocore.exceptions").ClientError
pytestmark = pytest.mark.usefixtures("machines")
IMAGE = "ami-7d11c51d"
LAUNCH = {"ImageId": IMAGE, "InstanceType": "t2.small"}


def signal(cfn: Client, stack: str, name: str, sender: str, status: str = "SUCCESS") -> None:
    cfn.signal_resource(StackName=stack, LogicalResourceId=name, UniqueId=sender, Status=status)


def instance(**policy: Any) -> dict[str, Any]:
    return {**of("EC2::Instance", **LAUNCH), "CreationPolicy": {"ResourceSignal": policy}}


def test_a_resource_is_complete_once_it_has_been_signalled(served: Served) -> None:
    with stack(served, "signalled") as tried:
        text = body({"One": instance(Count=2, Timeout="PT2M")})
        tried.cfn.create_stack(StackName="signalled", TemplateBody=text)
        until(lambda: "CREATE_IN_PROGRESS" in tried.statuses("One"), "not begun")
        signal(tried.cfn, "signalled", "One", "a")
        signal(tried.cfn, "signalled", "One", "a")  # the same sender once more
        assert "CREATE_COMPLETE" not in tried.statuses("One")
        signal(tried.cfn, "signalled", "One", "b")
        tried.ends("CREATE_COMPLETE")
        with pytest.raises(ClientError, match="is in CREATE_COMPLETE state and cannot be signaled"):
            signal(tried.cfn, "signalled", "One", "c")
        with pytest.raises(ClientError, match="Resource Two does not exist"):
            signal(tried.cfn, "signalled", "Two", "c")


@pytest.mark.parametrize(
    ("timeout", "status", "reason"),
    [
        ("PT1S", "", "Failed to receive 1 resource signal(s) within 1 s"),
        ("PT2M", "FAILURE", "Received FAILURE signal with UniqueId a"),
    ],
)
def test_a_resource_without_its_signals_fails(served: Served, timeout: str, status: str, reason: str) -> None:
    with stack(served, "unsignalled") as tried:
        tried.cfn.create_stack(StackName="unsignalled", TemplateBody=body({"One": instance(Timeout=timeout)}))
        until(lambda: "CREATE_IN_PROGRESS" in tried.statuses("One"), "not begun")
        if status:
            signal(tried.cfn, "unsignalled", "One", "a", status)
        tried.ends("ROLLBACK_COMPLETE")
        assert reason in str(reasons(tried.cfn, "unsignalled"))


def group(served: Served, user_data: str, **policy: Any) -> str:
    subnets = [each["SubnetId"] for each in served.client("ec2").describe_subnets()["Subnets"] if each["DefaultForAz"]]
    launch = of("AutoScaling::LaunchConfiguration", **LAUNCH, UserData={"Fn::Base64": user_data})
    sizes = {"MinSize": "2", "MaxSize": "3", "DesiredCapacity": "2", "VPCZoneIdentifier": subnets[:2]}
    its = of("AutoScaling::AutoScalingGroup", **sizes, LaunchConfigurationName={"Ref": "Launch"})
    return body({"Launch": launch, "Group": {**its, "UpdatePolicy": {"AutoScalingRollingUpdate": policy}}})


def there(served: Served, tried: Tried) -> set[str]:
    named = [tried.ids()["Group"]]
    (found,) = served.client("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=named)[
        "AutoScalingGroups"
    ]
    return {each["InstanceId"] for each in found["Instances"] if each["LifecycleState"] == "InService"}


def test_a_rolling_update_replaces_instances_and_keeps_enough_of_them(served: Served) -> None:
    with stack(served, "rolling") as tried:
        tried.create(group(served, "one"))
        before = there(served, tried)
        tried.update(group(served, "two", MinInstancesInService="2"))
        after = there(served, tried)
        assert len(after) == 2
        assert not after & before
        name = tried.ids()["Group"]
        asg = served.client("autoscaling")
        done = asg.describe_scaling_activities(AutoScalingGroupName=name)["Activities"]
        order = [each["Description"].split()[0] for each in reversed(done)]
        assert order[:4] == ["Launching", "Launching", "Launching", "Terminating"], "a third one comes first"
        (found,) = asg.describe_auto_scaling_groups(AutoScalingGroupNames=[name])["AutoScalingGroups"]
        assert found["DesiredCapacity"] == 2


def test_a_rolling_update_waits_for_its_instances_signals(served: Served) -> None:
    with stack(served, "told") as tried:
        policy = {"WaitOnResourceSignals": "true", "PauseTime": "PT2M", "MaxBatchSize": 2}
        tried.create(group(served, "one", **policy))
        before = there(served, tried)
        tried.cfn.update_stack(StackName="told", TemplateBody=group(served, "two", **policy))
        until(lambda: len(there(served, tried) - before) == 2, "not replaced")
        assert tried.statuses()[-1] == "UPDATE_IN_PROGRESS"
        for each in there(served, tried) - before:
            signal(tried.cfn, "told", "Group", each)
        tried.ends("UPDATE_COMPLETE")


def test_a_rolling_update_whose_instances_fail_is_rolled_back(served: Served) -> None:
    with stack(served, "failing") as tried:
        tried.create(group(served, "one"))
        policy = {"WaitOnResourceSignals": True, "PauseTime": "PT1S"}
        tried.update(group(served, "two", **policy), "UPDATE_ROLLBACK_COMPLETE")
        assert "resource signal(s) within 1 s" in str(reasons(tried.cfn, "failing"))


@pytest.mark.parametrize(
    ("resource", "refusal"),
    [
        (
            {**of("EC2::VPC", CidrBlock="10.0.0.0/16"), "CreationPolicy": {"ResourceSignal": {}}},
            "CreationPolicy is for",
        ),
        ({**of("EC2::VPC", CidrBlock="10.0.0.0/16"), "UpdatePolicy": {"X": {}}}, "UpdatePolicy is for"),
    ],
)
def test_a_policy_of_a_type_that_has_none(served: Served, resource: dict[str, Any], refusal: str) -> None:
    with pytest.raises(ClientError, match=refusal):
        served.client("cloudformation").create_stack(StackName="wrong", TemplateBody=body({"One": resource}))


@pytest.mark.parametrize(
    ("policy", "refusal"),
    [
        ({"AutoScalingReplacingUpdate": {"WillReplace": True}}, "AutoScalingReplacingUpdate: not part of this cloud"),
        ({"AutoScalingRollingUpdate": {"SuspendProcesses": []}}, "SuspendProcesses: not part of this cloud"),
        ({"AutoScalingRollingUpdate": {"MaxBatchSize": "none"}}, "MaxBatchSize none"),
        ({"AutoScalingRollingUpdate": {"PauseTime": "5 min"}}, "must be a duration such as PT5M"),
        ({"AutoScalingRollingUpdate": {"PauseTime": "PT13H"}}, "PT12H at most"),
    ],
)
def test_what_a_rolling_update_does_not_know(policy: dict[str, Any], refusal: str) -> None:
    with pytest.raises(RefusedError) as refused:
        rolling.rolling(policy)
    assert refusal in refused.value.message


def test_durations() -> None:
    assert [signals.seconds(each) for each in ("PT5M", "PT1H30M", "PT2S", "PT0S")] == [300, 5400, 2, 0]


LARGE = "#" * 60_000


def test_a_template_in_a_bucket(served: Served) -> None:
    s3, text = served.client("s3"), f"{LARGE}\n{body({'Net': of('EC2::VPC', CidrBlock='10.9.0.0/16')})}"
    s3.create_bucket(Bucket="templates", CreateBucketConfiguration={"LocationConstraint": "us-west-2"})
    s3.put_object(Bucket="templates", Key="a/b.yml", Body=text.encode())
    cfn = served.client("cloudformation")
    with pytest.raises(ClientError, match="at most 51200 bytes; more by TemplateURL"):
        cfn.validate_template(TemplateBody=text)
    with pytest.raises(ClientError, match="Either Template URL or Template Body"):
        cfn.validate_template()
    url = "https://templates.s3.us-west-2.amazonaws.com/a/b.yml"
    with pytest.raises(ClientError, match=r"TemplateURL .*none.yml: .*NoSuchKey"):
        cfn.validate_template(TemplateURL=url.replace("b.yml", "none.yml"))
    with stack(served, "large") as tried:
        cfn.create_stack(StackName="large", TemplateURL=url)
        tried.ends("CREATE_COMPLETE")
    s3.put_object(Bucket="templates", Key="a/b.yml", Body=b"#" * 460_801)
    with pytest.raises(ClientError, match="may not exceed 460800 bytes"):
        cfn.validate_template(TemplateURL=url)
    s3.delete_object(Bucket="templates", Key="a/b.yml")
    s3.delete_bucket(Bucket="templates")


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("https://b.s3.us-west-2.amazonaws.com/k/x.yml", ("b", "k/x.yml")),
        ("https://b.s3.amazonaws.com/k%20x", ("b", "k x")),
        ("https://b.s3-us-west-2.amazonaws.com/k", ("b", "k")),
        ("https://s3.us-west-2.amazonaws.com/b/k/x", ("b", "k/x")),
        ("http://127.0.0.1:5820/b/k", ("b", "k")),
    ],
)
def test_the_forms_of_a_template_s_url(url: str, found: tuple[str, str]) -> None:
    assert place(url) == found


@pytest.mark.parametrize("url", ["file:///etc/passwd", "https://example.com/b/k", "https://b.s3.amazonaws.com/", "x"])
def test_a_url_of_something_else(url: str) -> None:
    with pytest.raises(RefusedError):
        place(url)
