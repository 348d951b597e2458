"""Functions of a cloud: real processes, confined and in a VPC, behind an API that this machine reaches."""

from __future__ import annotations

import json
import os
import ssl
import urllib.request
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from coreos_lab.cloud.functions import code
from tests.e2e.calls import NAME, SOON, lab
from tests.e2e.test_cloud import FOLDER, api, cloud, kill_process, until
from tests.unit.cloud.run_locally import TRUST

__all__ = ["cloud"]  # a fixture
POLICY = "arn:aws:iam::aws:policy/service-role/AWSLambdaVPCAccessExecutionRole"
TEXT = """
import os, socket, threading, time

def handler(event, context):
    print("event", event)
    if "eat" in event:
        return len(bytearray(event["eat"]))
    if "fill" in event:
        for _each in range(2000):
            threading.Thread(target=time.sleep, args=(300,), daemon=True).start()
    if "connect" in event:
        socket.create_connection(tuple(event["connect"]), timeout=50).close()
    return {
        "user": os.getuid(),
        "root": sorted(os.listdir("/")),
        "writable": [each for each in ("/", "/usr", "/var/task", "/tmp") if os.access(each, os.W_OK)],
        "processes": [each for each in os.listdir("/proc") if each.isdigit()],
        "capabilities": [line.split()[1] for line in open("/proc/self/status") if line.startswith("CapEff")],
        "pid": os.environ["AWS_LAMBDA_LOG_STREAM_NAME"],
    }
"""


@pytest.fixture(scope="module")
def function() -> str:
    """The ARN of a function in the default VPC."""
    iam, ec2, functions = api("iam"), api("ec2"), api("lambda")
    role = iam.create_role(RoleName="worker", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
    iam.attach_role_policy(RoleName="worker", PolicyArn=POLICY)
    subnets = [each["SubnetId"] for each in ec2.describe_subnets()["Subnets"]][:2]
    groups = [each["GroupId"] for each in ec2.describe_security_groups()["SecurityGroups"]]
    made = functions.create_function(
        FunctionName="one",
        Runtime="python3.12",
        Handler="index.handler",
        Role=role,
        Timeout=60,
        Code={"ZipFile": code.of_text("index.py", TEXT)},
        VpcConfig={"SubnetIds": subnets, "SecurityGroupIds": groups},
    )
    until(lambda: functions.get_function(FunctionName="one")["Configuration"]["State"] == "Active", "not active")
    return str(made["FunctionArn"])


def invoke(event: dict[str, Any]) -> tuple[str, Any]:
    """The kind of error, "" for none, and the result."""
    answer = api("lambda").invoke(FunctionName="one", Payload=json.dumps(event))
    return answer.get("FunctionError", ""), json.loads(answer["Payload"].read())


def cells() -> list[Path]:
    """The cgroups of functions' processes."""
    found: list[Path] = []
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _device, top, kind, *_options = line.split()
        if kind in ("cgroup", "cgroup2"):
            with suppress(FileNotFoundError):  # it may go while it is looked at
                found += (Path(top) / "coreos-lab" / f"cloud.{NAME}").iterdir()
    return [each for each in found if each.name.startswith("fn-")]


def test_a_function_is_confined_and_reaches_the_vpc_s_services(function: str) -> None:
    error, said = invoke({"connect": ["ec2.us-west-2.amazonaws.com", 443]})
    assert error == "", said
    assert said["user"] not in (0, os.getuid())
    assert not {"home", "root", "sys", "work"} & set(said["root"])
    assert said["writable"] == ["/tmp"]  # noqa: S108 - the function's own
    assert said["processes"] == ["1"]
    assert int(said["capabilities"][0], 16) == 0
    assert invoke({})[1]["pid"] == said["pid"]  # it is warm
    with pytest.raises(api("ec2").exceptions.ClientError, match="DependencyViolation"):
        api("ec2").delete_subnet(SubnetId=api("ec2").describe_subnets()["Subnets"][0]["SubnetId"])


def test_what_takes_too_much_is_ended_and_the_next_event_gets_a_new_process(function: str) -> None:
    error, said = invoke({"eat": 2**28})
    assert (error, said["errorType"]) == ("Unhandled", "Runtime.OutOfMemory")
    error, said = invoke({"fill": True})
    assert error == "Unhandled"
    assert "can't start new thread" in said["errorMessage"]
    assert invoke({})[0] == ""


def test_the_output_is_in_the_logs(function: str) -> None:
    lines = [each["message"] for each in api("logs").filter_log_events(logGroupName="/aws/lambda/one")["events"]]
    assert "event {}" in lines
    assert {line.partition(" ")[0] for line in lines} >= {"START", "END", "REPORT"}


def test_an_api_answers_on_this_machine(function: str) -> None:
    gateway = api("apigateway")
    made = gateway.create_rest_api(name="door")
    place = {"restApiId": made["id"], "resourceId": made["rootResourceId"], "httpMethod": "POST"}
    uri = f"arn:aws:apigateway:us-west-2:lambda:path/2015-03-31/functions/{function}/invocations"
    gateway.put_method(**place, authorizationType="NONE")
    gateway.put_method_response(**place, statusCode="200")
    gateway.put_integration(**place, type="AWS", integrationHttpMethod="POST", uri=uri)
    gateway.put_integration_response(**place, statusCode="200")
    gateway.create_deployment(restApiId=made["id"], stageName="prod")
    allowed = {"Action": "lambda:InvokeFunction", "Principal": "apigateway.amazonaws.com"}
    api("lambda").add_permission(FunctionName="one", StatementId="door", **allowed)
    line = next(each for each in lab("cloud", "hosts", "--name", NAME).out.splitlines() if made["id"] in each)
    address, host, *_rest = line.split()
    request = urllib.request.Request(f"https://{address}/prod", b"{}", {"Host": host})
    trusted = ssl.create_default_context(cafile=str(FOLDER / "certificates/ca.pem"))
    trusted.check_hostname = False  # the certificate is for the name, and this asks for the address
    with urllib.request.urlopen(request, context=trusted, timeout=SOON) as answer:  # noqa: S310
        assert json.load(answer)["processes"] == ["1"]


def test_a_cloud_that_was_killed_ends_what_it_left_and_goes_on(function: str) -> None:
    invoke({})
    before = {each.name for each in cells()}
    assert before
    kill_process()
    lab("cloud", "up", "--name", NAME)
    until(lambda: not before & {each.name for each in cells()}, "environments are left")
    assert invoke({})[0] == ""
    api("lambda").delete_function(FunctionName="one")
    until(lambda: not cells() and not list((FOLDER / "functions").glob("1")), "something of the function is left")
    interfaces = api("ec2").describe_network_interfaces
    until(lambda: not interfaces()["NetworkInterfaces"], "interfaces are left")
