"""Updates of a stack with a real machine: it gets new user data, and goes back to the old when the cloud is killed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.calls import NAME, lab
from tests.e2e.test_cloud import IMAGE, api, cloud, described, group, key, kill_process, said, ssh, until

__all__ = ["cloud", "group", "key"]  # fixtures
CONFIG = '#cloud-config\nwrite_files:\n  - path: /etc/note\n    content: "${Note}"\n'
RULE = {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "CidrIp": "0.0.0.0/0"}
TEMPLATE = json.dumps(
    {
        "Parameters": {"Note": {"Type": "String"}},
        "Resources": {
            "Machine": {
                "Type": "AWS::EC2::Instance",
                "Properties": {
                    "ImageId": IMAGE,
                    "InstanceType": "t2.small",
                    "KeyName": "mine",
                    "UserData": {"Fn::Base64": {"Fn::Sub": CONFIG}},
                },
            },
            "Group": {
                "Type": "AWS::EC2::SecurityGroup",
                "Properties": {
                    "GroupDescription": {"Ref": "Note"},
                    "SecurityGroupIngress": [RULE],
                },
            },
        },
        "Outputs": {"Machine": {"Value": {"Ref": "Machine"}}},
    }
)


def asked(note: str) -> dict[str, Any]:
    parameters = [{"ParameterKey": "Note", "ParameterValue": note}]
    return {"StackName": "updated", "TemplateBody": TEMPLATE, "Parameters": parameters}


def ends(status: str) -> dict[str, Any]:
    """The stack once it has this state."""

    def found() -> dict[str, Any]:
        (stack,) = api("cloudformation").describe_stacks(StackName="updated")["Stacks"]
        return dict(stack) if not stack["StackStatus"].endswith("IN_PROGRESS") else {}

    stack = dict(until(found, "something is in progress"))
    assert stack["StackStatus"] == status, api("cloudformation").describe_stack_events(StackName="updated")
    return stack


def groups() -> list[str]:
    """The notes of the stack's security groups."""
    listed = api("ec2").describe_security_groups()["SecurityGroups"]
    return [str(each["Description"]) for each in listed if each["GroupName"] != "default"]


@pytest.fixture(scope="module")
def machine(key: Path, group: str) -> Iterator[str]:
    """The stack's instance."""
    del group
    api("cloudformation").create_stack(**asked("one"))
    name = str(ends("CREATE_COMPLETE")["Outputs"][0]["OutputValue"])
    until(lambda: ssh(key, name, "cat /etc/note") == "one", "its first user data is not there")
    yield name
    api("cloudformation").delete_stack(StackName="updated")
    until(lambda: described(name)["State"]["Name"] == "terminated", "not terminated")


def test_an_instance_is_restarted_with_its_new_user_data(key: Path, machine: str) -> None:
    said(key, machine, "sudo touch /var/kept && sync")
    api("cloudformation").update_stack(**asked("two"))
    assert ends("UPDATE_COMPLETE")["Outputs"][0]["OutputValue"] == machine
    until(lambda: ssh(key, machine, "cat /etc/note; test -e /var/kept") == "two", "it does not have the new user data")
    assert groups() == ["two"]


def test_an_update_in_which_the_cloud_is_killed_is_undone(key: Path, machine: str) -> None:
    def is_in_progress() -> bool:
        which = {"StackName": "updated", "LogicalResourceId": "Machine"}
        found = api("cloudformation").describe_stack_resource(**which)["StackResourceDetail"]
        return bool(found["ResourceStatus"] == "UPDATE_IN_PROGRESS")

    # A machine that takes some seconds to shut down keeps its update in progress for as long.
    slowly = "--property=ExecStop='/bin/sleep 10' sleep infinity"
    said(key, machine, f"sudo systemctl stop slow; sudo systemd-run --quiet --unit=slow {slowly}")
    api("cloudformation").update_stack(**asked("three"))
    until(is_in_progress, "the update of the machine has not begun")
    kill_process()
    lab("cloud", "up", "--name", NAME)
    assert ends("UPDATE_ROLLBACK_COMPLETE")["Outputs"][0]["OutputValue"] == machine
    until(lambda: ssh(key, machine, "cat /etc/note") == "two", "it does not have the old user data")
    assert groups() == ["two"]
