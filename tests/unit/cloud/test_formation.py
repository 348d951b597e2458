"""CloudFormation: stacks of real API calls, with instances whose machines only seem to be there."""

from __future__ import annotations

import json
import re
import time
from base64 import b64decode
from typing import Any

import pytest

from coreos_lab.cloud.formation.service import Formation
from tests.unit.cloud.conftest import Client, Served

ClientError = pytest.importorskip("botocore.exceptions").ClientError
pytestmark = pytest.mark.usefixtures("machines")

TEMPLATE = """
AWSTemplateFormatVersion: 2010-09-09
Description: a network and one instance
Parameters:
  Size: {Type: String, Default: t2.small, AllowedValues: [t2.small, t2.micro]}
  Secret: {Type: String, NoEcho: true, MinLength: 3}
  Public: {Type: String, Default: "yes"}
Mappings:
  RegionMap:
    us-west-2: {vpc: 10.7.0.0/16, a: 10.7.1.0/24}
Conditions:
  IsPublic: !Equals [!Ref Public, "yes"]
Resources:
  Machine:
    Type: AWS::EC2::Instance
    Properties:
      ImageId: ami-7d11c51d
      InstanceType: !Ref Size
      UserData:
        Fn::Base64: !Sub |
          #cloud-config
          # ${AWS::StackName} in ${AWS::Region}: ${!literal} ${Network.CidrBlock}
      NetworkInterfaces:
        - DeviceIndex: "0"
          SubnetId: !Ref SubnetA
          AssociatePublicIpAddress: "true"
          GroupSet: [!Ref Group]
  Network:
    Type: AWS::EC2::VPC
    Properties: {CidrBlock: !FindInMap [RegionMap, !Ref "AWS::Region", vpc], EnableDnsHostnames: true}
  SubnetA:
    Type: AWS::EC2::Subnet
    Properties:
      VpcId: !Ref Network
      CidrBlock: !FindInMap [RegionMap, !Ref "AWS::Region", a]
      AvailabilityZone: !Select [0, !GetAZs ""]
  Gateway: {Type: AWS::EC2::InternetGateway, Condition: IsPublic}
  Attached:
    Type: AWS::EC2::VPCGatewayAttachment
    Condition: IsPublic
    Properties: {VpcId: !Ref Network, InternetGatewayId: !Ref Gateway}
  Table: {Type: AWS::EC2::RouteTable, Properties: {VpcId: !Ref Network}}
  Out:
    Type: AWS::EC2::Route
    Condition: IsPublic
    DependsOn: Attached
    Properties: {RouteTableId: !Ref Table, DestinationCidrBlock: 0.0.0.0/0, GatewayId: !Ref Gateway}
  Associated:
    Type: AWS::EC2::SubnetRouteTableAssociation
    Properties: {RouteTableId: !Ref Table, SubnetId: !Ref SubnetA}
  Group:
    Type: AWS::EC2::SecurityGroup
    Properties:
      GroupDescription: of the test
      VpcId: !Ref Network
      SecurityGroupIngress:
        - {IpProtocol: tcp, FromPort: 22, ToPort: 22, CidrIp: 0.0.0.0/0}
        - {IpProtocol: -1, CidrIp: 10.10.0.0/16}
  Peers:
    Type: AWS::EC2::SecurityGroupIngress
    Properties: {GroupId: !Ref Group, IpProtocol: tcp, FromPort: 2380, ToPort: 2380, SourceSecurityGroupId: !Ref Group}
Outputs:
  Address: {Value: !GetAtt Machine.PrivateIp, Description: where it is}
  Joined: {Value: !Join ["-", [a, !Ref "AWS::StackName"]]}
  Never: {Condition: IsPublic, Value: public}
"""
SECRET = [{"ParameterKey": "Secret", "ParameterValue": "abc"}]


@pytest.fixture
def cfn(served: Served) -> Client:
    return served.client("cloudformation")


def settled(cfn: Client, name: str) -> dict[str, Any]:
    """A stack once nothing is in progress any more."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        (stack,) = cfn.describe_stacks(StackName=name)["Stacks"]
        if not stack["StackStatus"].endswith("IN_PROGRESS"):
            return dict(stack)
        time.sleep(0.1)
    raise AssertionError(f"{name}: {stack['StackStatus']}")


def reasons(cfn: Client, name: str) -> list[str]:
    """Why something did not go well in a stack."""
    events = cfn.describe_stack_events(StackName=name)["StackEvents"]
    return [each["ResourceStatusReason"] for each in events if "ResourceStatusReason" in each]


def deleted(cfn: Client, name: str) -> None:
    stack = cfn.describe_stacks(StackName=name)["Stacks"][0]["StackId"]
    cfn.delete_stack(StackName=name)
    assert settled(cfn, stack)["StackStatus"] == "DELETE_COMPLETE"


def refusal(call: Any, **more: Any) -> str:
    with pytest.raises(ClientError) as refused:
        call(**more)
    return str(refused.value.response["Error"]["Message"])


def resource(type_: str, **properties: Any) -> str:
    return json.dumps({"Resources": {"One": {"Type": type_, "Properties": properties}}})


def with_more(**sections: Any) -> str:
    return json.dumps({**json.loads(resource("AWS::EC2::InternetGateway")), **sections})


def test_a_stack_from_its_creation_to_its_deletion(cfn: Client, ec2: Client) -> None:
    before = len(ec2.describe_vpcs()["Vpcs"])
    cfn.create_stack(StackName="first", TemplateBody=TEMPLATE, Parameters=SECRET)
    stack = settled(cfn, "first")
    assert stack["StackStatus"] == "CREATE_COMPLETE", reasons(cfn, "first")
    shown = {each["ParameterKey"]: each["ParameterValue"] for each in stack["Parameters"]}
    assert shown == {"Size": "t2.small", "Secret": "****", "Public": "yes"}
    outputs = {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}
    assert outputs["Address"].startswith("10.7.1.")
    assert (outputs["Joined"], outputs["Never"]) == ("a-first", "public")
    wanted = [{"Name": "tag:aws:cloudformation:stack-name", "Values": ["first"]}]
    (instance,) = ec2.describe_instances(Filters=wanted)["Reservations"][0]["Instances"]
    assert instance["State"]["Name"] == "running"
    assert instance["PublicIpAddress"].startswith("198.18.")
    said = ec2.describe_instance_attribute(InstanceId=instance["InstanceId"], Attribute="userData")["UserData"]["Value"]
    assert b64decode(said).decode() == "#cloud-config\n# first in us-west-2: ${literal} 10.7.0.0/16\n"
    rows = {
        each["LogicalResourceId"]: each for each in cfn.describe_stack_resources(StackName="first")["StackResources"]
    }
    assert len(rows) == 10
    assert {each["ResourceStatus"] for each in rows.values()} == {"CREATE_COMPLETE"}
    deleted(cfn, "first")
    assert len(ec2.describe_vpcs()["Vpcs"]) == before
    assert "does not exist" in refusal(cfn.describe_stacks, StackName="first")


def test_what_a_resource_needs_is_made_before_it_and_deleted_after_it(cfn: Client) -> None:
    cfn.create_stack(StackName="ordered", TemplateBody=TEMPLATE, Parameters=SECRET)
    settled(cfn, "ordered")
    stack = cfn.describe_stacks(StackName="ordered")["Stacks"][0]["StackId"]
    deleted(cfn, "ordered")
    events = [
        (each["LogicalResourceId"], each["ResourceStatus"])
        for each in reversed(cfn.describe_stack_events(StackName=stack)["StackEvents"])
    ]
    for one, other in (("Network", "SubnetA"), ("Attached", "Out"), ("Group", "Machine"), ("Network", "Machine")):
        assert events.index((one, "CREATE_COMPLETE")) < events.index((other, "CREATE_IN_PROGRESS"))
        assert events.index((other, "DELETE_COMPLETE")) < events.index((one, "DELETE_IN_PROGRESS"))


def test_resources_whose_condition_does_not_hold_are_not_made(cfn: Client) -> None:
    private = [*SECRET, {"ParameterKey": "Public", "ParameterValue": "no"}]
    cfn.create_stack(StackName="private", TemplateBody=TEMPLATE, Parameters=private)
    stack = settled(cfn, "private")
    assert {each["OutputKey"] for each in stack["Outputs"]} == {"Address", "Joined"}
    made = {each["LogicalResourceId"] for each in cfn.describe_stack_resources(StackName="private")["StackResources"]}
    assert made.isdisjoint({"Gateway", "Attached", "Out"})
    deleted(cfn, "private")


def test_a_failure_rolls_back_what_was_made_and_says_why(cfn: Client, ec2: Client) -> None:
    before = len(ec2.describe_vpcs()["Vpcs"])
    broken = TEMPLATE.replace("ami-7d11c51d", "ami-00000000")
    cfn.create_stack(StackName="broken", TemplateBody=broken, Parameters=SECRET)
    stack = settled(cfn, "broken")
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    events = cfn.describe_stack_events(StackName="broken")["StackEvents"]
    (failed,) = [each for each in events if each["ResourceStatus"] == "CREATE_FAILED"]
    assert "ami-00000000" in failed["ResourceStatusReason"]
    assert len(ec2.describe_vpcs()["Vpcs"]) == before
    assert "already exists" in refusal(cfn.create_stack, StackName="broken", TemplateBody=TEMPLATE, Parameters=SECRET)
    deleted(cfn, "broken")


def test_on_failure_do_nothing_keeps_what_was_made(cfn: Client, ec2: Client) -> None:
    broken = TEMPLATE.replace("ami-7d11c51d", "ami-00000000")
    cfn.create_stack(StackName="kept", TemplateBody=broken, Parameters=SECRET, OnFailure="DO_NOTHING")
    assert settled(cfn, "kept")["StackStatus"] == "CREATE_FAILED"
    assert [each for each in ec2.describe_vpcs()["Vpcs"] if each["CidrBlock"] == "10.7.0.0/16"]
    deleted(cfn, "kept")
    assert not [each for each in ec2.describe_vpcs()["Vpcs"] if each["CidrBlock"] == "10.7.0.0/16"]


def test_what_was_interrupted_is_found_by_its_tags_and_rolled_back(served: Served, cfn: Client, ec2: Client) -> None:
    cfn.create_stack(StackName="cut", TemplateBody=TEMPLATE, Parameters=SECRET)
    settled(cfn, "cut")
    stack = served.api.formation.stacks.find("cut")
    assert stack
    stack.status = stack.resources["Machine"].status = "CREATE_IN_PROGRESS"
    stack.resources["Machine"].physical = ""  # the answer was never read
    served.api.formation.stacks.save(stack)
    again = Formation(served.cloud, served.folder / "stacks", served.client, lambda: ())
    again.resume()
    found = again.stacks.find("cut")
    end = time.monotonic() + 60
    while found and found.status.endswith("IN_PROGRESS") and time.monotonic() < end:
        time.sleep(0.1)
    assert found and found.status == "ROLLBACK_COMPLETE"
    assert not [each for each in ec2.describe_vpcs()["Vpcs"] if each["CidrBlock"] == "10.7.0.0/16"]
    served.api.formation.stacks.all.remove(stack)


def test_deleting_a_stack_that_is_being_made(cfn: Client, ec2: Client) -> None:
    stack = cfn.create_stack(StackName="early", TemplateBody=TEMPLATE, Parameters=SECRET)["StackId"]
    cfn.delete_stack(StackName="early")
    end = time.monotonic() + 60
    while settled(cfn, stack)["StackStatus"] != "DELETE_COMPLETE" and time.monotonic() < end:
        time.sleep(0.1)
    assert settled(cfn, stack)["StackStatus"] == "DELETE_COMPLETE"
    assert not [each for each in ec2.describe_vpcs()["Vpcs"] if each["CidrBlock"] == "10.7.0.0/16"]


@pytest.mark.parametrize("status", ["CREATE_IN_PROGRESS", "ROLLBACK_IN_PROGRESS"])
def test_a_deletion_that_was_asked_for_survives_the_process(
    served: Served, cfn: Client, monkeypatch: pytest.MonkeyPatch, status: str
) -> None:
    cfn.create_stack(StackName="doomed", TemplateBody=resource("AWS::EC2::VPC", CidrBlock="10.9.0.0/16"))
    settled(cfn, "doomed")
    stack = served.api.formation.stacks.find("doomed")
    assert stack
    stack.status = status
    cfn.delete_stack(StackName="doomed")
    again = Formation(served.cloud, served.folder / "stacks", served.client, lambda: ())
    monkeypatch.setattr(again.stacks, "all", [each for each in again.stacks.all if each.id == stack.id])
    again.resume()
    (found,) = again.stacks.all
    end = time.monotonic() + 60
    while found.status.endswith("IN_PROGRESS") and time.monotonic() < end:
        time.sleep(0.1)
    assert found.status == "DELETE_COMPLETE"
    served.api.formation.stacks.all.remove(stack)


def test_what_is_to_be_retained_stays(cfn: Client, ec2: Client) -> None:
    template = json.loads(resource("AWS::EC2::VPC", CidrBlock="10.8.0.0/16"))
    template["Resources"]["One"]["DeletionPolicy"] = "Retain"
    cfn.create_stack(StackName="retain", TemplateBody=json.dumps(template))
    settled(cfn, "retain")
    deleted(cfn, "retain")
    (vpc,) = [each for each in ec2.describe_vpcs()["Vpcs"] if each["CidrBlock"] == "10.8.0.0/16"]
    ec2.delete_vpc(VpcId=vpc["VpcId"])


ROLE = {
    "Resources": {
        "Role": {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "Path": "/",
                "AssumeRolePolicyDocument": {
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Principal": {"Service": ["ec2.amazonaws.com"]},
                            "Action": ["sts:AssumeRole"],
                        }
                    ]
                },
                "Policies": [
                    {
                        "PolicyName": "coreos",
                        "PolicyDocument": {
                            "Version": "2012-10-17",
                            "Statement": [{"Effect": "Allow", "Action": ["ec2:CreateRoute"], "Resource": "*"}],
                        },
                    }
                ],
            },
        },
        "Profile": {
            "Type": "AWS::IAM::InstanceProfile",
            "Properties": {"Path": "/", "Roles": [{"Ref": "Role"}]},
        },
        "Acl": {"Type": "AWS::EC2::NetworkAcl", "Properties": {"VpcId": {"Ref": "Vpc"}}},
        "Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.9.0.0/16"}},
    },
    "Outputs": {"Role": {"Value": {"Fn::GetAtt": ["Role", "Arn"]}}, "Profile": {"Value": {"Ref": "Profile"}}},
}


def test_a_stack_with_a_role_needs_that_capability(served: Served, cfn: Client) -> None:
    body = json.dumps(ROLE)
    assert "CAPABILITY_IAM" in refusal(cfn.create_stack, StackName="role", TemplateBody=body)
    cfn.create_stack(StackName="role", TemplateBody=body, Capabilities=["CAPABILITY_IAM"])
    stack = settled(cfn, "role")
    assert stack["StackStatus"] == "CREATE_COMPLETE", reasons(cfn, "role")
    outputs = {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}
    assert outputs["Role"].startswith("arn:aws:iam::123456789012:role/role-Role-")
    found = served.api.credentials(outputs["Profile"], "i-1")
    assert found
    assert served.engine.policies(found[0])
    deleted(cfn, "role")
    assert served.api.credentials(outputs["Profile"], "i-1") is None


FUNCTIONS: list[dict[str, Any]] = [  # whose arguments have another shape
    {"Ref": []},
    {"Fn::GetAtt": "One"},
    {"Fn::GetAtt": [1, "Arn"]},
    {"Fn::Sub": []},
    {"Fn::Sub": ["${a}", []]},
    {"Fn::If": [{}, 1, 2]},
    {"Fn::Join": ["", "text"]},
    {"Fn::Split": ["", "text"]},
    {"Fn::Not": ["text"]},
]


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{a: b", "line 1"),
        ("Resources: !python/object:os.system {}", "YAML not well-formed"),
        ("Resources: {}", "At least one Resources member"),
        (resource("AWS::SNS::Topic"), r"Unrecognized resource types: \[AWS::SNS::Topic\]"),
        (resource("AWS::EC2::VPC", CidrBlock="10.0.0.0/16", Ipv6=1), "One.*unsupported property Ipv6"),
        (resource("AWS::EC2::VPC"), "CidrBlock cannot be empty"),
        (resource("AWS::EC2::VPC", CidrBlock={"Ref": "Nothing"}), r"Unresolved resource dependencies \[Nothing\]"),
        (resource("AWS::EC2::VPC", CidrBlock={"Fn::GetAtt": ["One", "CidrBlock"]}), r"Circular dependency.*\[One\]"),
        (
            '{"Resources": {"One": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16"}, '
            '"UpdatePolicy": {}}}}',
            "UpdatePolicy",
        ),
        ("Resources: \x01", "YAML not well-formed"),
        ('{"Resources": {"One": {"Type": "AWS::EC2::VPC", "Properties": [1]}}}', "Properties must be an object"),
        ('{"Resources": {"One": {"Type": "AWS::EC2::VPC", "DependsOn": [{}]}}}', "DependsOn must be"),
        (with_more(Parameters={"A": {"Type": "String", "AllowedPattern": "["}}), "AllowedPattern: unterminated"),
        (with_more(Parameters={"A": {"Type": "Number", "MinValue": {}}}), "MinValue must be a number"),
        (with_more(Conditions={"A": {"Fn::Not": [{"Condition": "A"}]}}), r"Circular dependency in conditions: \[A\]"),
        (with_more(Conditions={"A": "yes"}), "a condition is one of"),
        *[(resource("AWS::EC2::VPC", CidrBlock=wrong), "One. Fn::|One. Ref|One. a condition") for wrong in FUNCTIONS],
    ],
)
def test_a_template_that_is_wrong_is_refused_before_anything_is_made(cfn: Client, template: str, message: str) -> None:
    assert re.search(message, refusal(cfn.validate_template, TemplateBody=template))
    assert re.search(message, refusal(cfn.create_stack, StackName="wrong", TemplateBody=template))


def test_a_cycle_is_named(cfn: Client) -> None:
    resources = {
        name: {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": {"Ref": other}}}
        for name, other in ("AB", "BC", "CA")
    }
    said = refusal(cfn.create_stack, StackName="cycle", TemplateBody=json.dumps({"Resources": resources}))
    assert said == "Circular dependency between resources: [A, B, C]"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, r"\[Secret\] must have values"),
        ({"Secret": "ab"}, "Secret.*3"),
        ({"Secret": "abc", "Size": "m5.large"}, "Size.*t2.small, t2.micro"),
        ({"Secret": "abc", "Other": "x"}, r"\[Other\] do not exist"),
    ],
)
def test_parameters_that_break_a_rule_are_refused(cfn: Client, given: dict[str, str], message: str) -> None:
    listed = [{"ParameterKey": key, "ParameterValue": value} for key, value in given.items()]
    assert re.search(message, refusal(cfn.create_stack, StackName="bad", TemplateBody=TEMPLATE, Parameters=listed))


def test_a_key_pair_that_is_a_parameter_must_be_there(cfn: Client) -> None:
    template = json.loads(resource("AWS::EC2::VPC", CidrBlock="10.8.0.0/16"))
    template["Parameters"] = {"Key": {"Type": "AWS::EC2::KeyPair::KeyName"}}
    key = [{"ParameterKey": "Key", "ParameterValue": "nobody"}]
    said = refusal(cfn.create_stack, StackName="key", TemplateBody=json.dumps(template), Parameters=key)
    assert "nobody for parameter name Key does not exist" in said
