"""Load balancers of a cloud in front of real machines: what a client sees, from outside and from within the VPC."""

from __future__ import annotations

import http.client
import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.calls import NAME, STATE, lab
from tests.e2e.test_cloud import FOLDER, api, aws, cloud, key, pid, ssh, state_of, until

__all__ = ["cloud", "key"]  # fixtures
TEMPLATE = Path(__file__).with_name("cloud_balancers.yml")
REQUESTS = 12  # after which each of two machines has had some


@pytest.fixture(scope="module")
def stack(key: Path) -> Iterator[dict[str, str]]:
    """The outputs of a stack with two machines behind load balancers."""
    del key
    given = "ParameterKey=KeyPair,ParameterValue=mine"
    body = ("--template-body", f"file://{TEMPLATE}", "--parameters", given)
    aws("cloudformation", "create-stack", "--stack-name", "balanced", *body)
    until(lambda: status() == "CREATE_COMPLETE", "the stack is not complete")
    outputs = api("cloudformation").describe_stacks(StackName="balanced")["Stacks"][0]["Outputs"]
    found = {str(each["OutputKey"]): str(each["OutputValue"]) for each in outputs}
    until(lambda: list(targets(found).values()) == ["healthy"] * 2, f"not healthy: {targets(found)}")
    yield found
    aws("cloudformation", "delete-stack", "--stack-name", "balanced")
    gone = ["DELETE_COMPLETE"]
    until(lambda: api("cloudformation").list_stacks(StackStatusFilter=gone)["StackSummaries"], "not deleted")
    until(lambda: not list((FOLDER / "balancers").iterdir()), "load balancers are left")
    assert lab("cloud", "status", "--name", NAME, "--json").json["balancers"] == []


def status() -> str:
    found = str(api("cloudformation").describe_stacks(StackName="balanced")["Stacks"][0]["StackStatus"])
    events = api("cloudformation").describe_stack_events
    assert not found.startswith(("ROLLBACK", "DELETE")), events(StackName="balanced")
    return found


def targets(stack: dict[str, str]) -> dict[str, str]:
    """The state of each target."""
    rows = api("elbv2").describe_target_health(TargetGroupArn=stack["TargetGroup"])["TargetHealthDescriptions"]
    return {each["Target"]["Id"]: each["TargetHealth"]["State"] for each in rows}


def in_service(stack: dict[str, str]) -> set[str]:
    """The instances that the classic load balancer calls healthy."""
    rows = api("elb").describe_instance_health(LoadBalancerName=stack["InternalName"])["InstanceStates"]
    return {each["InstanceId"] for each in rows if each["State"] == "InService"}


def addresses(stack: dict[str, str]) -> list[str]:
    """The front's addresses, by the lines for /etc/hosts."""
    lines = [line.split() for line in lab("cloud", "hosts", "--name", NAME).out.splitlines()]
    return [words[0] for words in lines if words[1] == stack["ELB"]]


def answers(stack: dict[str, str]) -> set[str]:
    """Which machines answer a client outside, by their addresses; or a status that is not 200."""
    found = set()
    for address in addresses(stack) * (REQUESTS // 2):
        connection = http.client.HTTPConnection(address, timeout=5)
        connection.request("GET", "/", headers={"Host": stack["ELB"]})
        answer = connection.getresponse()
        found.add(answer.read().decode() if answer.status == http.client.OK else str(answer.status))
        connection.close()
    return found


def group_name() -> str:
    return str(api("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"][0]["AutoScalingGroupName"])


def private(instances: set[str]) -> set[str]:
    found = api("ec2").describe_instances(InstanceIds=sorted(instances))["Reservations"]
    return {each["PrivateIpAddress"] for one in found for each in one["Instances"]}


def test_both_machines_answer_and_only_by_way_of_the_load_balancer(stack: dict[str, str]) -> None:
    assert len(addresses(stack)) == 2
    assert answers(stack) == private(set(targets(stack)))
    public = api("ec2").describe_instances(InstanceIds=list(targets(stack)))["Reservations"][0]["Instances"][0]
    with pytest.raises(TimeoutError):
        http.client.HTTPConnection(public["PublicIpAddress"], 3000, timeout=1).connect()


def test_names_resolve_within_the_vpc(key: Path, stack: dict[str, str]) -> None:
    one = sorted(targets(stack))[0]
    until(lambda: in_service(stack) == set(targets(stack)), "the classic one's instances are not in service")
    asked = f"curl -s -m 5 http://{stack['Internal']}:2379/; echo; curl -s -m 5 http://{stack['ELB']}/"
    said = (ssh(key, one, asked) or "").splitlines()
    assert len(said) == 2, said
    assert set(said) <= private(set(targets(stack))), said


def test_load_balancers_outlive_the_cloud_s_process(stack: dict[str, str]) -> None:
    before = [json.loads(path.read_text())["pid"] for path in sorted((FOLDER / "balancers").glob("*/haproxy.pid"))]
    front, machines = addresses(stack), private(set(targets(stack)))
    os.kill(pid(), signal.SIGKILL)
    connection = http.client.HTTPConnection(front[0], timeout=5)
    connection.request("GET", "/")
    assert connection.getresponse().read().decode() in machines
    lab("cloud", "up", "--name", NAME)
    after = [json.loads(path.read_text())["pid"] for path in sorted((FOLDER / "balancers").glob("*/haproxy.pid"))]
    assert after == before
    assert set(targets(stack).values()) == {"healthy"}


def test_a_machine_that_fails_its_checks_gets_no_requests_and_is_replaced(key: Path, stack: dict[str, str]) -> None:
    before, group = targets(stack), group_name()
    sick = sorted(before)[0]
    ssh(key, sick, "sudo touch /run/sick")
    until(lambda: targets(stack)[sick] == "unhealthy", "it is not noticed")
    assert answers(stack) == private(set(before) - {sick})
    asg = api("autoscaling")
    asg.update_auto_scaling_group(AutoScalingGroupName=group, HealthCheckType="ELB", HealthCheckGracePeriod=0)
    until(lambda: sick not in targets(stack), "it is not deregistered")
    asg.update_auto_scaling_group(AutoScalingGroupName=group, HealthCheckType="EC2")  # one that boots slowly is spared
    until(lambda: state_of(sick) == "terminated", "it is not ended")
    until(lambda: list(targets(stack).values()) == ["healthy"] * 2, "it is not replaced")
    assert len(set(targets(stack)) - set(before)) == 1
    assert answers(stack) == private(set(targets(stack)))
    activities = api("autoscaling").describe_scaling_activities()["Activities"]
    assert any("ELB system health check" in each["Cause"] for each in activities)


def test_destroy_removes_the_load_balancers_of_a_killed_cloud() -> None:
    other = f"{NAME}-2"
    lab("cloud", "up", "--name", other)
    folder = STATE / "clouds" / other
    subnets = [each["SubnetId"] for each in api("ec2", other).describe_subnets()["Subnets"]][:2]
    aws("elbv2", "create-load-balancer", "--name", "web", "--subnets", *subnets, name=other)
    elb = api("elbv2", other)
    until(lambda: elb.describe_load_balancers()["LoadBalancers"][0]["State"]["Code"] == "active", "not active")
    process = Path("/proc") / str(json.loads((folder / "balancers/1/haproxy.pid").read_text())["pid"]) / "cmdline"
    os.kill(int(json.loads((folder / "supervisor.pid").read_text())["pid"]), signal.SIGKILL)
    assert b"haproxy" in process.read_bytes()
    assert "nothing is left over" in lab("cloud", "destroy", "--name", other).out
    assert not process.exists() or process.read_bytes() == b"", "it lives"
