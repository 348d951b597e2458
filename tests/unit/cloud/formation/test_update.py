"""Updates of stacks: in place, by replacement, with a rollback, and after the end of the cloud's process."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest

from coreos_lab.cloud.formation import work
from coreos_lab.cloud.formation.service import Formation
from coreos_lab.cloud.formation.stack import Stack, Version
from coreos_lab.cloud.formation.template import Template
from tests.unit.cloud.conftest import Client, Served
from tests.unit.cloud.formation.stacks import Tried, body, given, of, stack
from tests.unit.cloud.test_formation import reasons, refusal, settled
from tests.unit.cloud.test_scaling import until

pytest.importorskip("botocore.exceptions")
pytestmark = pytest.mark.usefixtures("machines")
NETWORK = {
    "Vpc": of("EC2::VPC", CidrBlock="10.11.0.0/16"),
    "Subnet": of("EC2::Subnet", VpcId={"Ref": "Vpc"}, CidrBlock="10.11.1.0/24"),
    "Group": of("EC2::SecurityGroup", GroupDescription="first", VpcId={"Ref": "Vpc"}),
    "Machine": of(
        "EC2::Instance",
        ImageId="ami-7d11c51d",
        InstanceType={"Ref": "Size"},
        SubnetId={"Ref": "Subnet"},
        SecurityGroupIds=[{"Ref": "Group"}],
    ),
}
SIZE = {"Size": {"Type": "String", "Default": "t2.small"}}
OUTPUTS = {"Machine": {"Value": {"Ref": "Machine"}}}


def network(**changes: Any) -> str:
    """The template, with other properties: network(Group={"GroupDescription": "second"})."""
    resources = deepcopy(NETWORK)
    for name, properties in changes.items():
        resources[name]["Properties"] |= properties
    return body(resources, Parameters=SIZE, Outputs=OUTPUTS)


@pytest.fixture
def tried(served: Served) -> Iterator[Tried]:
    with stack(served, "updated") as one:
        yield one


def groups(ec2: Client, vpc: str) -> dict[str, str]:
    """The names of a VPC's security groups by their descriptions, without the default one."""
    found = ec2.describe_security_groups(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["SecurityGroups"]
    return {each["Description"]: each["GroupId"] for each in found if each["GroupName"] != "default"}


def test_what_can_be_changed_in_place_stays_the_same_thing(tried: Tried, ec2: Client) -> None:
    tried.create(network())
    before = tried.ids()
    rule = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "CidrIp": "0.0.0.0/0"}
    stack = tried.update(network(Group={"SecurityGroupIngress": [rule]}))
    assert "LastUpdatedTime" in stack
    assert tried.ids() == before
    (group,) = ec2.describe_security_groups(GroupIds=[before["Group"]])["SecurityGroups"]
    assert [each["FromPort"] for each in group["IpPermissions"]] == [22]
    assert tried.statuses("Group")[2:] == ["UPDATE_IN_PROGRESS", "UPDATE_COMPLETE"]
    assert tried.statuses("Machine") == ["CREATE_IN_PROGRESS", "CREATE_COMPLETE"]
    assert tried.statuses()[2:] == ["UPDATE_IN_PROGRESS", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "UPDATE_COMPLETE"]
    tried.cfn.get_waiter("stack_update_complete").wait(StackName="updated", WaiterConfig={"Delay": 1, "MaxAttempts": 1})


def test_what_cannot_is_replaced_first_and_deleted_in_the_cleanup(tried: Tried, ec2: Client) -> None:
    tried.create(network())
    before = tried.ids()
    tried.update(network(Group={"GroupDescription": "second"}))
    after = tried.ids()
    assert {name for name in before if before[name] != after[name]} == {"Group"}
    assert groups(ec2, after["Vpc"]) == {"second": after["Group"]}
    said = ec2.describe_instances(InstanceIds=[after["Machine"]])["Reservations"][0]["Instances"][0]
    assert [each["GroupId"] for each in said["SecurityGroups"]] == [after["Group"]]
    assert tried.events("Group")[2:] == [
        ("UPDATE_IN_PROGRESS", before["Group"]),
        ("UPDATE_IN_PROGRESS", ""),
        ("UPDATE_COMPLETE", after["Group"]),
        ("DELETE_IN_PROGRESS", before["Group"]),
        ("DELETE_COMPLETE", before["Group"]),
    ]
    every = tried.cfn.describe_stack_events(StackName="updated")["StackEvents"]
    order = [(each["LogicalResourceId"], each["ResourceStatus"]) for each in reversed(every)]
    cleanup = order.index(("updated", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"))
    assert order.index(("Machine", "UPDATE_COMPLETE")) < cleanup < order.index(("Group", "DELETE_IN_PROGRESS"))


def test_the_previous_template_with_another_parameter(tried: Tried, ec2: Client) -> None:
    tried.create(network())
    before = tried.ids()
    again = {"StackName": "updated", "UsePreviousTemplate": True}
    said = refusal(tried.cfn.update_stack, **again, Parameters=given(Size=""))
    assert said == "No updates are to be performed."
    tried.cfn.update_stack(**again, Parameters=given(Size="t2.micro"))
    stack = tried.ends("UPDATE_COMPLETE")
    assert stack["Parameters"] == [{"ParameterKey": "Size", "ParameterValue": "t2.micro"}]
    assert tried.ids() == before  # a stop and a start are enough
    said = ec2.describe_instances(InstanceIds=[before["Machine"]])["Reservations"][0]["Instances"][0]
    assert (said["InstanceType"], said["State"]["Name"]) == ("t2.micro", "running")
    tried.cfn.update_stack(**again)  # a parameter that is not named gets the template's default
    assert tried.ends("UPDATE_COMPLETE")["Parameters"][0]["ParameterValue"] == "t2.small"


def test_resources_outputs_and_tags_come_and_go(tried: Tried, ec2: Client) -> None:
    condition = {"IsWide": {"Fn::Equals": [{"Ref": "Wide"}, "yes"]}}
    parameters = {"Wide": {"Type": "String", "Default": "no"}}
    more = {**of("EC2::Subnet", VpcId={"Ref": "Vpc"}, CidrBlock="10.11.2.0/24"), "Condition": "IsWide"}
    resources = {"Vpc": NETWORK["Vpc"], "More": more}
    wide = {"Condition": "IsWide", "Value": {"Ref": "More"}}
    sections = {"Parameters": parameters, "Conditions": condition, "Outputs": {"More": wide}}
    tried.create(body(resources, **sections))
    assert set(tried.ids()) == {"Vpc"}
    tried.update(body(resources, **sections), Parameters=given(Wide="yes"), Tags=[{"Key": "team", "Value": "one"}])
    assert tried.outputs() == {"More": tried.ids()["More"]}
    assert tried.statuses("More") == ["CREATE_IN_PROGRESS", "CREATE_COMPLETE"]
    vpc = ec2.describe_vpcs(VpcIds=[tried.ids()["Vpc"]])["Vpcs"][0]
    assert {"Key": "team", "Value": "one"} in vpc["Tags"]
    subnet = tried.ids()["More"]
    tried.update(body(resources, **sections), Tags=[])
    assert set(tried.ids()) == {"Vpc"}
    assert tried.outputs() == {}
    assert tried.events("More")[2:] == [("DELETE_IN_PROGRESS", subnet), ("DELETE_COMPLETE", subnet)]
    assert "team" not in {each["Key"] for each in ec2.describe_vpcs(VpcIds=[vpc["VpcId"]])["Vpcs"][0]["Tags"]}


def test_an_update_that_fails_is_undone(tried: Tried, ec2: Client) -> None:
    tried.create(network())
    before = tried.ids()
    rule = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "CidrIp": "0.0.0.0/0"}
    resources = deepcopy(NETWORK)
    resources["Vpc"]["Properties"]["EnableDnsHostnames"] = True
    resources["Group"]["Properties"] |= {"GroupDescription": "second", "SecurityGroupIngress": [rule]}
    resources["Subnet"]["Properties"]["MapPublicIpOnLaunch"] = True
    resources["Table"] = {**of("EC2::RouteTable", VpcId={"Ref": "Vpc"}), "DependsOn": ["Machine", "Subnet"]}
    resources["Broken"] = of("EC2::Route", RouteTableId={"Ref": "Table"}, DestinationCidrBlock="0.0.0.0/0")
    text = body(resources, Parameters={"Size": {"Type": "String", "Default": "t2.micro"}})
    tried.update(text, "UPDATE_ROLLBACK_COMPLETE")
    assert tried.ids() == before
    assert groups(ec2, before["Vpc"]) == {"first": before["Group"]}
    said = ec2.describe_instances(InstanceIds=[before["Machine"]])["Reservations"][0]["Instances"][0]
    assert (said["InstanceType"], said["State"]["Name"]) == ("t2.small", "running")
    assert [each["GroupId"] for each in said["SecurityGroups"]] == [before["Group"]]
    hosts = ec2.describe_vpc_attribute(VpcId=before["Vpc"], Attribute="enableDnsHostnames")["EnableDnsHostnames"]
    assert hosts["Value"] is False
    assert ec2.describe_subnets(SubnetIds=[before["Subnet"]])["Subnets"][0]["MapPublicIpOnLaunch"] is False
    assert tried.outputs() == {"Machine": before["Machine"]}
    assert tried.statuses()[2:] == [
        "UPDATE_IN_PROGRESS",
        "UPDATE_ROLLBACK_IN_PROGRESS",
        "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
        "UPDATE_ROLLBACK_COMPLETE",
    ]
    assert tried.statuses("Table") == ["CREATE_IN_PROGRESS", "CREATE_COMPLETE", "DELETE_IN_PROGRESS", "DELETE_COMPLETE"]
    assert any("exactly one of" in reason for reason in reasons(tried.cfn, "updated"))
    tables = ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [before["Vpc"]]}])["RouteTables"]
    assert len(tables) == 1
    stack = settled(tried.cfn, "updated")
    assert stack["Parameters"][0]["ParameterValue"] == "t2.small"
    tried.update(network(Group={"GroupDescription": "third"}))  # it can be updated again


def test_a_failed_resource_that_somebody_else_has_is_left_to_them(tried: Tried, ec2: Client) -> None:
    gateway = {
        "Vpc": NETWORK["Vpc"],
        "Gateway": of("EC2::InternetGateway"),
        "Attached": of("EC2::VPCGatewayAttachment", VpcId={"Ref": "Vpc"}, InternetGatewayId={"Ref": "Gateway"}),
        "Table": of("EC2::RouteTable", VpcId={"Ref": "Vpc"}),
    }
    out = of(
        "EC2::Route",
        RouteTableId={"Ref": "Table"},
        DestinationCidrBlock="0.0.0.0/0",
        GatewayId={"Ref": "Gateway"},
    )
    tried.create(body({**gateway, "Out": {**out, "DependsOn": "Attached"}}))
    tried.update(body({**gateway, "Renamed": {**out, "DependsOn": "Attached"}}), "UPDATE_ROLLBACK_COMPLETE")
    (table,) = ec2.describe_route_tables(RouteTableIds=[tried.ids()["Table"]])["RouteTables"]
    assert "0.0.0.0/0" in {each.get("DestinationCidrBlock") for each in table["Routes"]}


def test_a_named_resource_is_not_replaced_under_the_same_name(tried: Tried) -> None:
    named = {"Vpc": NETWORK["Vpc"], "Group": deepcopy(NETWORK["Group"])}
    named["Group"]["Properties"]["GroupName"] = "mine"
    tried.create(body(named))
    named["Group"]["Properties"]["GroupDescription"] = "second"
    tried.update(body(named), "UPDATE_ROLLBACK_COMPLETE")
    assert any("Rename mine and update the stack again" in each for each in reasons(tried.cfn, "updated"))
    named["Group"]["Properties"]["GroupName"] = "other"
    tried.update(body(named))


def test_what_cannot_be_updated_at_all_is_as_before_after_a_refusal(tried: Tried) -> None:
    its = {"LaunchConfigurationName": "mine", "ImageId": "ami-7d11c51d", "InstanceType": "t2.small"}
    tried.create(body({"Launch": of("AutoScaling::LaunchConfiguration", **its)}))
    its["InstanceType"] = "t2.micro"
    tried.update(body({"Launch": of("AutoScaling::LaunchConfiguration", **its)}), "UPDATE_ROLLBACK_COMPLETE")
    assert tried.events("Launch")[2:] == [("UPDATE_FAILED", "mine"), ("UPDATE_COMPLETE", "mine")]


def test_what_others_still_use_is_waited_for_once(tried: Tried, ec2: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "PATIENCE", 3.0)
    tried.create(body({"Vpc": NETWORK["Vpc"], "Group": NETWORK["Group"]}))
    vpc, first = tried.ids()["Vpc"], tried.ids()["Group"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.11.9.0/24")["Subnet"]["SubnetId"]
    user = ec2.run_instances(ImageId="ami-7d11c51d", MinCount=1, MaxCount=1, SubnetId=subnet, SecurityGroupIds=[first])[
        "Instances"
    ][0]["InstanceId"]

    def update(note: str) -> float:
        group = deepcopy(NETWORK["Group"])
        group["Properties"]["GroupDescription"] = note
        began = time.monotonic()
        tried.update(body({"Vpc": NETWORK["Vpc"], "Group": group}))
        return time.monotonic() - began

    assert update("second") > 3
    assert set(groups(ec2, vpc)) == {"first", "second"}
    monkeypatch.setattr(work, "PATIENCE", 1000.0)
    update("third")  # which the test would not outlast if it waited
    assert set(groups(ec2, vpc)) == {"first", "third"}
    ec2.terminate_instances(InstanceIds=[user])
    until(
        lambda: ec2.describe_instances(InstanceIds=[user])["Reservations"][0]["Instances"][0]["State"]["Code"] == 48, ""
    )
    update("fourth")
    assert set(groups(ec2, vpc)) == {"fourth"}
    ec2.delete_subnet(SubnetId=subnet)


def test_policies_keep_what_is_replaced_or_removed(tried: Tried, ec2: Client) -> None:
    kept = {**NETWORK["Group"], "UpdateReplacePolicy": "Retain"}
    resources = {"Vpc": {**NETWORK["Vpc"], "DeletionPolicy": "Retain"}, "Group": kept}
    tried.create(body(resources))
    vpc = tried.ids()["Vpc"]
    second = deepcopy(resources)
    second["Group"]["Properties"]["GroupDescription"] = "second"
    tried.update(body(second))
    assert set(groups(ec2, vpc)) == {"first", "second"}
    assert tried.statuses("Group")[-1] == "DELETE_SKIPPED"
    tried.update(body({"Other": of("EC2::VPC", CidrBlock="10.12.0.0/16")}))
    assert set(groups(ec2, vpc)) == {"first"}
    assert tried.statuses("Vpc")[-1] == "DELETE_SKIPPED"
    ec2.delete_security_group(GroupId=groups(ec2, vpc)["first"])
    ec2.delete_vpc(VpcId=vpc)


def test_an_update_is_cancelled(served: Served, tried: Tried, monkeypatch: pytest.MonkeyPatch) -> None:
    tried.create(network())
    before = tried.ids()
    text = network(Group={"GroupDescription": "second"})
    go_on = threading.Event()
    bring = served.api.formation.worker.work.bring

    def slow(stack: Stack, template: Template, name: str) -> None:
        assert name != "Subnet" or go_on.wait(60)
        bring(stack, template, name)

    monkeypatch.setattr(served.api.formation.worker.work, "bring", slow)
    tried.cfn.update_stack(StackName="updated", TemplateBody=text, Parameters=given(Size="t2.micro"))
    until(lambda: tried.statuses("Group")[-1] == "UPDATE_COMPLETE", "not replaced")
    tried.cfn.cancel_update_stack(StackName="updated")
    busy = refusal(tried.cfn.delete_stack, StackName="updated")
    assert re.search("cannot be deleted while in status UPDATE_", busy)
    assert "can not be updated" in refusal(tried.cfn.update_stack, StackName="updated", TemplateBody=text)
    go_on.set()
    tried.ends("UPDATE_ROLLBACK_COMPLETE")
    assert tried.ids() == before
    assert "cannot be called" in refusal(tried.cfn.cancel_update_stack, StackName="updated")


def test_a_rollback_that_fails_can_go_on_without_the_resource(tried: Tried, ec2: Client) -> None:
    resources = {"Vpc": NETWORK["Vpc"], "Group": NETWORK["Group"], "Subnet": NETWORK["Subnet"]}
    tried.create(body(resources))
    subnet = tried.ids()["Subnet"]
    second = deepcopy(resources)
    second["Group"]["Properties"]["GroupDescription"] = "second"
    second["Subnet"]["Properties"]["MapPublicIpOnLaunch"] = True
    ec2.delete_subnet(SubnetId=subnet)
    tried.update(body(second), "UPDATE_ROLLBACK_FAILED")
    assert "can not be updated" in refusal(tried.cfn.update_stack, StackName="updated", TemplateBody=body(second))
    call = tried.cfn.continue_update_rollback
    assert "Vpc" in refusal(call, StackName="updated", ResourcesToSkip=["Vpc"])
    call(StackName="updated")
    tried.ends("UPDATE_ROLLBACK_FAILED")
    call(StackName="updated", ResourcesToSkip=["Subnet"])
    tried.ends("UPDATE_ROLLBACK_COMPLETE")
    assert set(groups(ec2, tried.ids()["Vpc"])) == {"first"}


def test_a_stack_whose_rollback_failed_is_deleted_whole(tried: Tried, ec2: Client) -> None:
    before = len(ec2.describe_vpcs()["Vpcs"])
    tried.create(body({"Vpc": NETWORK["Vpc"], "Group": NETWORK["Group"], "Subnet": NETWORK["Subnet"]}))
    vpc = tried.ids()["Vpc"]
    second = {"Vpc": NETWORK["Vpc"], "Group": deepcopy(NETWORK["Group"]), "Subnet": deepcopy(NETWORK["Subnet"])}
    second["Group"]["Properties"]["GroupDescription"] = "second"
    second["Subnet"]["Properties"]["MapPublicIpOnLaunch"] = True
    second["Table"] = of("EC2::RouteTable", VpcId={"Ref": "Vpc"})
    ec2.delete_subnet(SubnetId=tried.ids()["Subnet"])
    tried.update(body(second), "UPDATE_ROLLBACK_FAILED")
    arn = settled(tried.cfn, "updated")["StackId"]
    tried.cfn.delete_stack(StackName="updated")
    assert settled(tried.cfn, arn)["StackStatus"] == "DELETE_COMPLETE", reasons(tried.cfn, arn)
    assert groups(ec2, vpc) == {}
    assert len(ec2.describe_vpcs()["Vpcs"]) == before


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"Size": "", "Other": ""}, "Other.*not in the previous template"),
        ({"Other": "x"}, "do not exist"),
    ],
)
def test_parameters_of_an_update_that_are_wrong(tried: Tried, values: dict[str, str], message: str) -> None:
    tried.create(body({"Vpc": NETWORK["Vpc"]}, Parameters=SIZE))
    call = {"StackName": "updated", "UsePreviousTemplate": True, "Parameters": given(**values)}
    assert re.search(message, refusal(tried.cfn.update_stack, **call))


def test_another_type_under_the_same_name_is_refused(tried: Tried) -> None:
    tried.create(body({"One": NETWORK["Vpc"]}))
    text = body({"One": of("EC2::InternetGateway")})
    said = refusal(tried.cfn.update_stack, StackName="updated", TemplateBody=text)
    assert said.startswith("Update of resource type is not permitted")
    assert "[One]" in said


# What the process had on record when it was killed: the request, then the answer, may not have been there yet.
KILLED = {
    "Group": {"status": "UPDATE_IN_PROGRESS", "physical": ""},
    "Machine": {"status": "UPDATE_IN_PROGRESS"},
}


@pytest.mark.parametrize("cut", ["Group", "Machine"])
def test_an_update_that_was_cut_off_is_rolled_back(served: Served, tried: Tried, ec2: Client, cut: str) -> None:
    tried.create(network())
    before, known = tried.ids(), served.api.formation.stacks.find("updated")
    assert known
    old = deepcopy(known)
    tried.update(network(Group={"GroupDescription": "second"}), Parameters=given(Size="t2.micro"))
    # As it was after the work on one resource, before the answer was read and before the cleanup, whose deletion of
    # the old group is taken back.
    again = ec2.create_security_group(GroupName="again", Description="first", VpcId=before["Vpc"])["GroupId"]
    known.before = Version(old.template, old.parameters, old.tags, deepcopy(old.resources), [])
    known.before.resources["Group"].physical = again
    known.before.resources["Machine"].properties["SecurityGroupIds"] = [again]
    known.status = "UPDATE_IN_PROGRESS"
    for part, value in KILLED[cut].items():
        setattr(known.resources[cut], part, value)
    served.api.formation.stacks.save(known)
    fresh = Formation(served.cloud, served.folder / "stacks", served.client, lambda: ("us-west-2a",))
    fresh.resume()
    found = fresh.stacks.find("updated")
    end = time.monotonic() + 60
    while found and found.is_busy and time.monotonic() < end:
        time.sleep(0.1)
    assert found and found.status == "UPDATE_ROLLBACK_COMPLETE", found and found.events
    assert groups(ec2, before["Vpc"]) == {"first": again}
    said = ec2.describe_instances(InstanceIds=[before["Machine"]])["Reservations"][0]["Instances"][0]
    assert (said["InstanceType"], said["State"]["Name"]) == ("t2.small", "running")
    assert [each["GroupId"] for each in said["SecurityGroups"]] == [again]
    stacks = served.api.formation.stacks
    stacks.all[stacks.all.index(known)] = found


def test_records_of_stacks_are_read_as_they_were_written(served: Served, tried: Tried) -> None:
    tried.create(network())
    tried.update(network(Group={"GroupDescription": "second"}))
    known = served.api.formation.stacks.find("updated")
    again = Formation(served.cloud, served.folder / "stacks", served.client, lambda: ()).stacks.find("updated")
    assert known == again
    assert json.loads(known.template if known else "")["Parameters"] == SIZE
