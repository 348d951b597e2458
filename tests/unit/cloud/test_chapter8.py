"""Chapter 8's template: its parts, and that a stack of it is complete, with machines that only seem to be there."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from collections.abc import Iterator
from ipaddress import IPv4Network
from itertools import combinations
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests import chapter8
from tests.unit.cloud.conftest import Client, Served
from tests.unit.cloud.test_formation import reasons, settled

pytestmark = pytest.mark.usefixtures("machines")
TOKEN = "https://discovery.etcd.io/0123456789abcdef0123456789abcdef"  # noqa: S105 - a discovery token
UNITS = [
    *("etcd2.service", "fleet.service", "set-metadata.service", "format-docker.service", "var-lib-docker.mount"),
    *("flanneld.service", "set-sdcheck-off.service"),
]
LIMIT = 16384  # bytes of user data


def given(**more: str) -> list[dict[str, str]]:
    values = {"DiscoveryURL": TOKEN, "KeyPair": "chapter8", **more}
    return [{"ParameterKey": key, "ParameterValue": value} for key, value in values.items()]


@pytest.fixture(scope="module")
def stack(served: Served) -> Iterator[dict[str, Any]]:
    cfn = served.client("cloudformation")
    served.client("ec2").create_key_pair(KeyName="chapter8", KeyType="ed25519")
    body, capable = chapter8.without_balancers(), ["CAPABILITY_IAM"]
    cfn.create_stack(StackName="coreos", TemplateBody=body, Parameters=given(), Capabilities=capable)
    found = settled(cfn, "coreos")
    assert found["StackStatus"] == "CREATE_COMPLETE", reasons(cfn, "coreos")
    yield found
    cfn.delete_stack(StackName="coreos")
    with pytest.raises(cfn.exceptions.ClientError, match="does not exist"):
        pytest.fail(f"{settled(cfn, 'coreos')['StackStatus']}: {reasons(cfn, 'coreos')}")
    served.client("ec2").delete_key_pair(KeyName="chapter8")
    assert served.client("s3").list_buckets()["Buckets"] == []


def instances(ec2: Client) -> list[dict[str, Any]]:
    mine = [{"Name": "tag:aws:cloudformation:stack-name", "Values": ["coreos"]}]
    return [each for part in ec2.describe_instances(Filters=mine)["Reservations"] for each in part["Instances"]]


def test_names_and_types_are_the_chapter_s() -> None:
    template = chapter8.whole()
    assert set(template.parameters) == {"InstanceType", "DiscoveryURL", "AllowSSHFrom", "KeyPair"}
    assert set(template.outputs) == {"ELB", "Backup"}
    assert "Default" not in template.parameters["DiscoveryURL"]
    assert {name: each.type.removeprefix("AWS::") for name, each in template.resources.items()} == {
        **dict.fromkeys(["SubnetA", "SubnetB", "SubnetC"], "EC2::Subnet"),
        **{f"AssociationSubnet{zone}": "EC2::SubnetRouteTableAssociation" for zone in "ABC"},
        **{f"Ingress{port}": "EC2::SecurityGroupIngress" for port in (4001, 2379, 2380)},
        **dict.fromkeys(["ELBSecurityGroup", "CoreOSSecurityGroup"], "EC2::SecurityGroup"),
        **dict.fromkeys(["WebTargetGroup", "CouchbaseTargetGroup"], "ElasticLoadBalancingV2::TargetGroup"),
        **dict.fromkeys(["WebListener", "CouchbaseListener"], "ElasticLoadBalancingV2::Listener"),
        "VPC": "EC2::VPC",
        "InternetGateway": "EC2::InternetGateway",
        "AttachGateway": "EC2::VPCGatewayAttachment",
        "RouteTable": "EC2::RouteTable",
        "InternetEgressRoute": "EC2::Route",
        "InternetNetworkAcl": "EC2::NetworkAcl",
        "CoreOSRole": "IAM::Role",
        "CoreOSInstanceProfile": "IAM::InstanceProfile",
        "CoreOSServerAutoScale": "AutoScaling::AutoScalingGroup",
        "CoreOSServerLaunchConfig": "AutoScaling::LaunchConfiguration",
        "LoadBalancer": "ElasticLoadBalancingV2::LoadBalancer",
        "InternalEtcdbLB": "ElasticLoadBalancing::LoadBalancer",
        "S3Backup": "S3::Bucket",
        "BackupPolicy": "S3::BucketPolicy",
    }


def test_no_networks_overlap() -> None:
    for region in chapter8.whole().mappings["RegionMap"].values():
        subnets = [IPv4Network(region[f"Subnet{zone}"]) for zone in "ABC"]
        assert not any(one.overlaps(other) for one, other in combinations(subnets, 2))
        assert all(each.subnet_of(IPv4Network(region["VPC"])) for each in subnets)
        assert not IPv4Network(region["VPC"]).overlaps(IPv4Network("10.10.0.0/16"))


def test_three_instances_are_in_three_zones_and_know_what_to_be(served: Served, stack: dict[str, Any]) -> None:
    ec2 = served.client("ec2")
    found = instances(ec2)
    assert sorted(each["Placement"]["AvailabilityZone"][-1] for each in found) == ["a", "b", "c"]
    assert all("PublicIpAddress" in each for each in found)
    (data,) = {
        ec2.describe_instance_attribute(InstanceId=each["InstanceId"], Attribute="userData")["UserData"]["Value"]
        for each in found
    }
    text = b64decode(data).decode()
    assert len(text) < LIMIT
    assert text.startswith("#cloud-config\n")
    config = YAML(typ="safe").load(text)
    assert config["coreos"]["etcd2"]["discovery"] == TOKEN
    assert [each["name"] for each in config["coreos"]["units"]] == UNITS
    assert not re.search(r"\$\{[!A-Z]", text)
    scripts = {each["path"]: each["content"] for each in config["write_files"]}
    assert "${zone%?}" in scripts["/opt/set-metadata"]


def test_only_what_everybody_may_reach_is_open_to_everybody(served: Served, stack: dict[str, Any]) -> None:
    groups = {
        each["GroupName"]: each
        for each in served.client("ec2").describe_security_groups()["SecurityGroups"]
        if "CoreOSSecurityGroup" in each["GroupName"] or "ELBSecurityGroup" in each["GroupName"]
    }
    open_ports = {
        rule.get("FromPort")
        for group in groups.values()
        for rule in group["IpPermissions"]
        if any(each["CidrIp"] == "0.0.0.0/0" for each in rule["IpRanges"])
    }
    assert open_ports == {80, 8091, 22}


def test_the_bucket_has_the_rule_and_the_policy(served: Served, stack: dict[str, Any]) -> None:
    (output,) = stack["Outputs"]
    bucket, s3 = output["OutputValue"], served.client("s3")
    assert output["OutputKey"] == "Backup"
    assert bucket.startswith("coreos-s3backup-")
    (rule,) = s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
    assert rule["Expiration"] == {"Days": 10}
    assert ":role/coreos-CoreOSRole-" in s3.get_bucket_policy(Bucket=bucket)["Policy"]


@pytest.mark.parametrize("wrong", [{"KeyPair": "none"}, {"DiscoveryURL": "token"}, {"AllowSSHFrom": "everybody"}])
def test_parameters_that_are_wrong(served: Served, stack: dict[str, Any], wrong: dict[str, str]) -> None:
    cfn = served.client("cloudformation")
    with pytest.raises(cfn.exceptions.ClientError, match=next(iter(wrong))):
        cfn.create_stack(
            StackName="wrong",
            TemplateBody=chapter8.without_balancers(),
            Parameters=given(**wrong),
            Capabilities=["CAPABILITY_IAM"],
        )


def test_an_update_of_the_template_leaves_instances_bucket_and_network_as_they_are(
    served: Served, stack: dict[str, Any]
) -> None:
    cfn, ec2 = served.client("cloudformation"), served.client("ec2")

    def kept() -> tuple[list[str], dict[str, str]]:
        rows = cfn.describe_stack_resources(StackName="coreos")["StackResources"]
        ids = {each["LogicalResourceId"]: each["PhysicalResourceId"] for each in rows}
        return sorted(each["InstanceId"] for each in instances(ec2)), ids

    template = json.loads(chapter8.without_balancers())
    template["Parameters"]["DeployKeyPath"] = {
        **{"Type": "String", "MinLength": 64, "MaxLength": 128, "NoEcho": True},
        "AllowedPattern": "[a-z0-9]*",
    }
    template["Outputs"]["DeployHook"] = {"Value": {"Fn::Sub": "https://example.org/prod/${DeployKeyPath}"}}
    previous = [
        {"ParameterKey": name, "UsePreviousValue": True}
        for name in ("InstanceType", "DiscoveryURL", "AllowSSHFrom", "KeyPair")
    ]
    before, its = (
        kept(),
        {"StackName": "coreos", "TemplateBody": json.dumps(template), "Capabilities": ["CAPABILITY_IAM"]},
    )
    with pytest.raises(cfn.exceptions.ClientError, match="DeployKeyPath"):
        cfn.update_stack(**its, Parameters=[*previous, {"ParameterKey": "DeployKeyPath", "ParameterValue": "a" * 63}])
    cfn.update_stack(**its, Parameters=[*previous, {"ParameterKey": "DeployKeyPath", "ParameterValue": "a" * 64}])
    found = settled(cfn, "coreos")
    assert found["StackStatus"] == "UPDATE_COMPLETE", reasons(cfn, "coreos")
    assert kept() == before
    outputs = {each["OutputKey"]: each["OutputValue"] for each in found["Outputs"]}
    assert re.search(r"/prod/[a-z0-9]{64,128}$", outputs["DeployHook"])
    assert outputs["Backup"] == stack["Outputs"][0]["OutputValue"]
    hidden = {each["ParameterKey"]: each["ParameterValue"] for each in found["Parameters"]}
    assert (hidden["DeployKeyPath"], hidden["DiscoveryURL"]) == ("****", TOKEN)


def test_a_larger_type_is_for_instances_that_are_launched_later(served: Served, stack: dict[str, Any]) -> None:
    cfn, ec2, asg = (served.client(service) for service in ("cloudformation", "ec2", "autoscaling"))
    before = {each["InstanceId"] for each in instances(ec2)}
    template = json.loads(chapter8.without_balancers())
    group = template["Resources"]["CoreOSServerAutoScale"]["Properties"]
    group |= {"MinSize": 4, "DesiredCapacity": 4}
    cfn.update_stack(
        StackName="coreos",
        TemplateBody=json.dumps(template),
        Capabilities=["CAPABILITY_IAM"],
        Parameters=given(InstanceType="t2.medium"),
    )
    assert settled(cfn, "coreos")["StackStatus"] == "UPDATE_COMPLETE", reasons(cfn, "coreos")
    sizes = {each["InstanceId"]: each["InstanceType"] for each in instances(ec2)}
    assert set(sizes) > before
    assert {name: sizes[name] for name in before} == dict.fromkeys(before, "t2.small")
    assert [sizes[name] for name in set(sizes) - before] == ["t2.medium"]
    (launch,) = asg.describe_launch_configurations()["LaunchConfigurations"]
    assert launch["InstanceType"] == "t2.medium"
