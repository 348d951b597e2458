"""Exports, imports, and what else the API tells of stacks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.unit.cloud.conftest import Client, Served
from tests.unit.cloud.formation.stacks import Tried, body, given, of, stack
from tests.unit.cloud.formation.test_update import NETWORK
from tests.unit.cloud.test_formation import reasons, refusal, settled

pytest.importorskip("botocore.exceptions")
VPC = {"Vpc": NETWORK["Vpc"]}
NAME = {"Fn::Sub": "${AWS::StackName}-vpc"}


def exporting(value: Any, name: Any = NAME) -> str:
    parameters = {"Note": {"Type": "String", "Default": "a"}}
    outputs = {"Vpc": {"Value": value, "Export": {"Name": name}}, "Note": {"Value": {"Ref": "Note"}}}
    return body(VPC, Outputs=outputs, Parameters=parameters)


REF = exporting({"Ref": "Vpc"})
USER = body(
    {"Subnet": of("EC2::Subnet", VpcId={"Fn::ImportValue": {"Fn::Sub": "${Of}-vpc"}}, CidrBlock="10.11.1.0/24")},
    Parameters={"Of": {"Type": "String"}},
)


@pytest.fixture
def owner(served: Served) -> Iterator[Tried]:
    with stack(served, "owner") as one:
        one.create(REF)
        yield one


@pytest.fixture
def user(served: Served, owner: Tried) -> Iterator[Tried]:
    with stack(served, "user") as one:
        yield one


def test_a_stack_uses_what_another_exports(owner: Tried, user: Tried, ec2: Client) -> None:
    user.create(USER, Parameters=given(Of="owner"))
    (subnet,) = ec2.describe_subnets(SubnetIds=[user.ids()["Subnet"]])["Subnets"]
    assert subnet["VpcId"] == owner.ids()["Vpc"]
    (export,) = user.cfn.list_exports()["Exports"]
    assert (export["Name"], export["Value"]) == ("owner-vpc", owner.ids()["Vpc"])
    assert ":stack/owner/" in export["ExportingStackId"]
    assert user.cfn.list_imports(ExportName="owner-vpc")["Imports"] == ["user"]
    (said,) = owner.cfn.describe_stacks(StackName="owner")["Stacks"]
    assert {each["OutputKey"]: each.get("ExportName") for each in said["Outputs"]} == {"Vpc": "owner-vpc", "Note": None}


def test_an_export_in_use_is_neither_deleted_nor_changed(owner: Tried, user: Tried) -> None:
    user.create(USER, Parameters=given(Of="owner"))
    owner.cfn.delete_stack(StackName="owner")
    stack = settled(owner.cfn, "owner")
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    assert stack["StackStatusReason"] == "Export owner-vpc cannot be deleted as it is in use by user"
    owner.update(exporting({"Fn::GetAtt": ["Vpc", "CidrBlock"]}), "UPDATE_ROLLBACK_COMPLETE")
    assert "Export owner-vpc cannot be updated as it is in use by user" in reasons(owner.cfn, "owner")
    owner.update(body(VPC, Outputs={"Vpc": {"Value": "x"}}), "UPDATE_ROLLBACK_COMPLETE")
    assert "Export owner-vpc cannot be deleted as it is in use by user" in reasons(owner.cfn, "owner")
    owner.update(REF, Parameters=given(Note="b"))  # the other outputs are free
    assert owner.outputs()["Note"] == "b"
    user.update(body({"Alone": NETWORK["Vpc"]}))
    assert "not imported by any stack" in refusal(owner.cfn.list_imports, ExportName="owner-vpc")
    owner.update(body(VPC, Outputs={"Vpc": {"Value": "x"}}))


def test_an_import_that_is_not_there_fails_the_stack(owner: Tried, user: Tried) -> None:
    user.cfn.create_stack(StackName="user", TemplateBody=USER, Parameters=given(Of="nobody"))
    stack = user.ends("ROLLBACK_COMPLETE")
    assert "No export named nobody-vpc found. Rollback requested by user." in reasons(user.cfn, "user")
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "No export named" in refusal(user.cfn.list_imports, ExportName="nobody-vpc")


def test_a_failed_update_gives_its_imports_back(owner: Tried, user: Tried) -> None:
    user.create(body({"Alone": NETWORK["Vpc"]}))
    resources = json.loads(USER)["Resources"]
    broken = of("EC2::Subnet", VpcId={"Ref": "Alone"}, CidrBlock="192.168.0.0/24")
    text = body(
        {"Alone": NETWORK["Vpc"], **resources, "Broken": {**broken, "DependsOn": "Subnet"}},
        Parameters={"Of": {"Type": "String"}},
    )
    user.update(text, "UPDATE_ROLLBACK_COMPLETE", Parameters=given(Of="owner"))
    assert "not imported by any stack" in refusal(owner.cfn.list_imports, ExportName="owner-vpc")


def test_a_name_is_exported_once(served: Served, owner: Tried) -> None:
    with stack(served, "second") as second:
        text = exporting({"Ref": "Vpc"}, "owner-vpc")
        second.cfn.create_stack(StackName="second", TemplateBody=text)
        second.ends("ROLLBACK_COMPLETE")
        said = "Export with name owner-vpc is already exported by stack owner. Rollback requested by user."
        assert said in reasons(second.cfn, "second")


@pytest.mark.parametrize(
    ("outputs", "message"),
    [
        ({"A": {"Description": "b"}}, "must contain a Value"),
        ({"A": {"Value": "b", "Export": "c"}}, "/Outputs/A/Export"),
        ({"A": {"Value": "b", "Exports": {}}}, "not part of this cloud: Exports"),
    ],
)
def test_outputs_that_are_wrong(served: Served, outputs: dict[str, Any], message: str) -> None:
    cfn = served.client("cloudformation")
    assert message in refusal(cfn.validate_template, TemplateBody=body(VPC, Outputs=outputs))


def test_a_protected_stack_is_not_deleted(served: Served) -> None:
    with stack(served, "protected") as one:
        one.create(body(VPC), EnableTerminationProtection=True)
        said = refusal(one.cfn.delete_stack, StackName="protected")
        assert said == "Stack [protected] cannot be deleted while TerminationProtection is enabled"
        one.cfn.update_termination_protection(StackName="protected", EnableTerminationProtection=False)
        assert one.cfn.describe_stacks(StackName="protected")["Stacks"][0]["EnableTerminationProtection"] is False


def test_resources_that_cannot_be_deleted_are_retained(served: Served, ec2: Client) -> None:
    s3 = served.client("s3")
    with stack(served, "stuck") as one:
        one.create(body({"Bucket": of("S3::Bucket"), "Gateway": of("EC2::InternetGateway")}))
        bucket = one.ids()["Bucket"]
        s3.put_object(Bucket=bucket, Key="k")
        early = refusal(one.cfn.delete_stack, StackName="stuck", RetainResources=["Bucket"])
        assert "RetainResources is for a stack that is DELETE_FAILED" in early
        one.cfn.delete_stack(StackName="stuck")
        arn = one.ends("DELETE_FAILED")["StackId"]
        assert "not a resource" in refusal(one.cfn.delete_stack, StackName="stuck", RetainResources=["Nothing"])
        one.cfn.delete_stack(StackName="stuck", RetainResources=["Bucket"])
        assert settled(one.cfn, arn)["StackStatus"] == "DELETE_COMPLETE"
        s3.delete_object(Bucket=bucket, Key="k")
        s3.delete_bucket(Bucket=bucket)


def test_what_a_cleanup_could_not_delete_is_retained(served: Served) -> None:
    s3 = served.client("s3")
    with stack(served, "left") as one:
        one.create(body({"Bucket": of("S3::Bucket"), "Gateway": of("EC2::InternetGateway")}))
        bucket = one.ids()["Bucket"]
        s3.put_object(Bucket=bucket, Key="k")
        found = one.update(body({"Gateway": of("EC2::InternetGateway")}))
        assert found["StackStatusReason"] == "One or more resources could not be deleted."
        one.cfn.delete_stack(StackName="left")
        arn = one.ends("DELETE_FAILED")["StackId"]
        one.cfn.delete_stack(StackName="left", RetainResources=["Bucket"])
        assert settled(one.cfn, arn)["StackStatus"] == "DELETE_COMPLETE"
        s3.delete_object(Bucket=bucket, Key="k")
        s3.delete_bucket(Bucket=bucket)


def test_what_is_only_to_be_kept_once_it_is_complete_goes_with_a_failed_creation(served: Served, ec2: Client) -> None:
    kept = {**NETWORK["Vpc"], "DeletionPolicy": "RetainExceptOnCreate"}
    broken = of("EC2::Subnet", VpcId={"Ref": "Vpc"}, CidrBlock="192.168.0.0/24")
    before = len(ec2.describe_vpcs()["Vpcs"])
    with stack(served, "kept") as one:
        one.cfn.create_stack(StackName="kept", TemplateBody=body({"Vpc": kept, "Broken": broken}))
        one.ends("ROLLBACK_COMPLETE")
        assert len(ec2.describe_vpcs()["Vpcs"]) == before
    with stack(served, "kept") as one:
        one.create(body({"Vpc": kept}))
        vpc = one.ids()["Vpc"]
    ec2.delete_vpc(VpcId=vpc)


def test_a_resource_is_described(served: Served) -> None:
    with stack(served, "described") as one:
        one.create(body({"Vpc": {**NETWORK["Vpc"], "Metadata": {"Note": "of the test"}}}))
        which = {"StackName": "described", "LogicalResourceId": "Vpc"}
        detail = one.cfn.describe_stack_resource(**which)["StackResourceDetail"]
        assert (detail["ResourceType"], detail["ResourceStatus"]) == ("AWS::EC2::VPC", "CREATE_COMPLETE")
        assert json.loads(detail["Metadata"]) == {"Note": "of the test"}
        (found,) = one.cfn.describe_stack_resources(PhysicalResourceId=detail["PhysicalResourceId"])["StackResources"]
        assert found["StackName"] == "described"
        (summary,) = one.cfn.list_stack_resources(StackName="described")["StackResourceSummaries"]
        assert summary["PhysicalResourceId"] == detail["PhysicalResourceId"]
        missing = refusal(one.cfn.describe_stack_resource, StackName="described", LogicalResourceId="None")
        assert missing == "Resource None does not exist for stack described"


def test_a_template_is_summed_up(served: Served) -> None:
    cfn = served.client("cloudformation")
    role = of("IAM::Role", AssumeRolePolicyDocument={"Statement": []})
    rules = {"Size": {"Type": "String", "Default": "small", "AllowedValues": ["small", "big"]}}
    text = body({**VPC, "Role": role}, Parameters=rules, Description="two things")
    found = cfn.get_template_summary(TemplateBody=text)
    assert found["Description"] == "two things"
    assert found["ResourceTypes"] == ["AWS::EC2::VPC", "AWS::IAM::Role"]
    assert found["Capabilities"] == ["CAPABILITY_IAM"]
    assert "[AWS::IAM::Role]" in found["CapabilitiesReason"]
    (parameter,) = found["Parameters"]
    assert parameter["ParameterConstraints"] == {"AllowedValues": ["small", "big"]}
    with stack(served, "summed") as one:
        one.create(text)
        assert one.cfn.get_template_summary(StackName="summed")["ResourceTypes"] == found["ResourceTypes"]
