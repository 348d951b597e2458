"""Load balancers of a cloud in front of real machines: what a client sees, from outside and from within the VPC."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.e2e.calls import NAME, SOON, STATE, comes_to, lab
from tests.e2e.test_cloud import FOLDER, api, aws, cloud, key, kill_process, said, state_of, until

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
    comes_to(lambda: list(targets(found).values()), ["healthy"] * 2)
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
    """Which machines answer a client outside, by their addresses; or a status that is not 200, or an error."""
    return {answer(address, stack["ELB"]) for address in addresses(stack) * (REQUESTS // 2)}


def answer(address: str, host: str) -> str:
    """What one of the load balancer's addresses answers: a machine's address, a status that is not 200, or an error."""
    connection = http.client.HTTPConnection(address, timeout=SOON)
    try:
        connection.request("GET", "/", headers={"Host": host})
        given = connection.getresponse()
        return given.read().decode() if given.status == http.client.OK else str(given.status)
    except (OSError, http.client.HTTPException) as error:
        return str(error)
    finally:
        connection.close()


def group_name() -> str:
    return str(api("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"][0]["AutoScalingGroupName"])


def private(instances: set[str]) -> set[str]:
    found = api("ec2").describe_instances(InstanceIds=sorted(instances))["Reservations"]
    return {each["PrivateIpAddress"] for one in found for each in one["Instances"]}


def test_both_machines_answer_and_only_by_way_of_the_load_balancer(stack: dict[str, str]) -> None:
    assert len(addresses(stack)) == 2
    comes_to(lambda: answers(stack), private(set(targets(stack))))
    public = api("ec2").describe_instances(InstanceIds=list(targets(stack)))["Reservations"][0]["Instances"][0]
    with pytest.raises(TimeoutError):
        http.client.HTTPConnection(public["PublicIpAddress"], 3000, timeout=1).connect()


def test_names_resolve_within_the_vpc(key: Path, stack: dict[str, str]) -> None:
    one = sorted(targets(stack))[0]
    until(lambda: in_service(stack) == set(targets(stack)), "the classic one's instances are not in service")
    asked = f"curl -sf http://{stack['Internal']}:2379/ && echo && curl -sf http://{stack['ELB']}/"
    told = said(key, one, asked).splitlines()
    assert len(told) == 2, told
    assert set(told) <= private(set(targets(stack))), told


def test_load_balancers_outlive_the_cloud_s_process(stack: dict[str, str]) -> None:
    before = [json.loads(path.read_text())["pid"] for path in sorted((FOLDER / "balancers").glob("*/haproxy.pid"))]
    front, machines = addresses(stack), private(set(targets(stack)))
    kill_process()
    until(lambda: answer(front[0], stack["ELB"]) in machines, "it does not pass on requests")
    lab("cloud", "up", "--name", NAME)
    after = [json.loads(path.read_text())["pid"] for path in sorted((FOLDER / "balancers").glob("*/haproxy.pid"))]
    assert after == before
    comes_to(lambda: set(targets(stack).values()), {"healthy"})


def test_a_machine_that_fails_its_checks_gets_no_requests_and_is_replaced(key: Path, stack: dict[str, str]) -> None:
    before, group = targets(stack), group_name()
    sick = sorted(before)[0]
    said(key, sick, "sudo touch /run/sick")
    comes_to(lambda: targets(stack)[sick], "unhealthy")
    comes_to(lambda: answers(stack), private(set(before) - {sick}))
    asg = api("autoscaling")
    asg.update_auto_scaling_group(AutoScalingGroupName=group, HealthCheckType="ELB", HealthCheckGracePeriod=0)
    until(lambda: sick not in targets(stack), "it is not deregistered")
    asg.update_auto_scaling_group(AutoScalingGroupName=group, HealthCheckType="EC2")  # one that boots slowly is spared
    until(lambda: state_of(sick) == "terminated", "it is not ended")
    comes_to(lambda: list(targets(stack).values()), ["healthy"] * 2)
    assert len(set(targets(stack)) - set(before)) == 1
    comes_to(lambda: answers(stack), private(set(targets(stack))))
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
    kill_process(other)
    assert b"haproxy" in process.read_bytes()
    assert "nothing is left over" in lab("cloud", "destroy", "--name", other).out
    with suppress(OSError):  # it is no longer there
        assert process.read_bytes() == b"", "it lives"
