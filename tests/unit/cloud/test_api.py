"""The API as boto3 sees it, with moto behind it and no machines: what is refused, what is checked, what is kept."""

from __future__ import annotations

import json
from http.client import HTTPConnection
from typing import Any

import pytest

from coreos_lab.cloud import view
from coreos_lab.cloud.engine import Engine
from coreos_lab.cloud.monitoring import cbor
from coreos_lab.cloud.network import Route
from coreos_lab.cloud.states import ENDED, PENDING, RUNNING, SHUTTING_DOWN, STOPPED, STOPPING
from coreos_lab.errors import LabError
from tests.unit.cloud.conftest import Client, Served, refusal

ClientError = pytest.importorskip("botocore.exceptions").ClientError
IMAGE = "ami-7d11c51d"


@pytest.fixture
def engine(served: Served) -> Engine:
    return served.engine


def run(ec2: Client, **more: Any) -> dict[str, Any]:
    """Starts an instance and returns what the API says of it."""
    asked = {"ImageId": IMAGE, "InstanceType": "t2.small", "MinCount": 1, "MaxCount": 1, **more}
    started: dict[str, Any] = ec2.run_instances(**asked)["Instances"][0]
    return started


def seen(engine: Engine, name: str) -> view.Instance:
    with engine.objects() as backend:
        return next(each for each in view.instances(backend) if each.name == name)


def test_only_the_cloud_s_own_key_and_secret_are_accepted(served: Served) -> None:
    assert served.client("sts").get_caller_identity()["Account"] == "123456789012"
    assert refusal(served.client("sts", key="AKIAOTHER").get_caller_identity) == "InvalidClientTokenId"
    assert refusal(served.client("ec2", key="AKIAOTHER").describe_vpcs) == "AuthFailure"
    assert refusal(served.client("ec2", secret="x").describe_vpcs) == "AuthFailure"  # noqa: S106


def test_services_actions_parameters_and_regions_that_are_not_there_are_refused_by_name(
    served: Served, ec2: Client
) -> None:
    for call, name in (
        (served.client("sqs").list_queues, "sqs"),
        (ec2.describe_snapshots, "DescribeSnapshots"),
        (lambda: run(ec2, EbsOptimized=True), "EbsOptimized"),
        (served.client("ec2", region="eu-west-1").describe_vpcs, "eu-west-1"),
    ):
        with pytest.raises(ClientError, match=name):
            call()


def test_a_service_that_is_not_there_is_refused_in_the_protocol_of_its_clients(served: Served) -> None:
    for service, call in (
        ("cloudfront", "list_distributions"),  # REST with XML
        ("dynamodb", "list_tables"),  # JSON 1.0
        ("ecs", "list_clusters"),  # JSON 1.1
        ("eks", "list_clusters"),  # REST with JSON
        ("sns", "list_topics"),  # query
        ("sqs", "list_queues"),  # JSON 1.0
    ):
        with pytest.raises(ClientError, match=f"{service}: not part of this cloud, which has: .*ec2") as refused:
            getattr(served.client(service), call)()
        assert refused.value.response["Error"]["Code"] == "UnsupportedOperation"
    assert refusal(served.client("ecs", secret="x").list_clusters) == "InvalidSignatureException"  # noqa: S106
    assert refusal(served.client("sns", secret="x").list_topics) == "SignatureDoesNotMatch"  # noqa: S106


@pytest.mark.parametrize(
    ("headers", "path", "kind"),
    [
        ({"x-amz-target": "DynamoDB_20120810.ListTables", "content-type": "application/x-amz-json-1.0"}, "/", "json"),
        ({"smithy-protocol": "rpc-v2-cbor"}, "/service/X/operation/Y", "cbor"),
        ({"content-type": "application/x-www-form-urlencoded; charset=utf-8"}, "/", "xml"),
        ({}, "/?Action=ListTopics", "xml"),
        ({}, "/bucket/key", "xml"),  # S3's, as far as one can tell
    ],
)
def test_a_request_without_a_signature_is_refused_in_its_protocol(
    served: Served, headers: dict[str, str], path: str, kind: str
) -> None:
    connection = HTTPConnection("127.0.0.1", served.cloud.port, timeout=10)
    connection.request("POST", path, b"", headers)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    assert (answer.status, kind in str(answer.getheader("Content-Type"))) == (403, True)
    if kind == "json":
        assert json.loads(body)["__type"] == answer.getheader("x-amzn-ErrorType")
        assert json.loads(body)["__type"] == "MissingAuthenticationTokenException"
    elif kind == "cbor":
        assert cbor.decode(body)["__type"] == "MissingAuthenticationTokenException"
    else:
        assert b"<Code>MissingAuthenticationToken</Code>" in body


def test_a_new_account_has_a_default_vpc_with_a_way_to_the_internet(ec2: Client) -> None:
    (vpc,) = ec2.describe_vpcs()["Vpcs"]
    assert (vpc["CidrBlock"], vpc["IsDefault"]) == ("172.31.0.0/16", True)
    (table,) = ec2.describe_route_tables()["RouteTables"]
    assert {route["DestinationCidrBlock"] for route in table["Routes"]} == {"172.31.0.0/16", "0.0.0.0/0"}
    (image,) = ec2.describe_images(Owners=["595879546273"])["Images"]
    assert image["ImageId"] == IMAGE


def test_an_instance_without_a_subnet_goes_into_the_default_one_with_the_default_group(ec2: Client) -> None:
    instance = run(ec2)
    assert instance["State"]["Name"] == "pending"
    assert instance["PrivateIpAddress"].startswith("172.31.")
    assert instance["PublicIpAddress"].startswith("198.18.1")
    assert [group["GroupName"] for group in instance["SecurityGroups"]] == ["default"]


def test_what_cannot_be_started_is_refused(ec2: Client) -> None:
    assert refusal(lambda: run(ec2, ImageId="ami-12345678")) == "InvalidAMIID.NotFound"
    assert refusal(lambda: run(ec2, KeyName="none")) == "InvalidKeyPair.NotFound"
    assert refusal(lambda: run(ec2, InstanceType="t2.enormous")) == "InvalidInstanceType"
    assert refusal(lambda: run(ec2, UserData="x" * (16 * 1024 + 1))) == "InvalidParameterValue"
    assert refusal(lambda: run(ec2, MinCount=99, MaxCount=99)) == "InstanceLimitExceeded"
    run(ec2, UserData="x" * 16 * 1024)


def test_a_token_that_is_used_twice_starts_one_instance(ec2: Client) -> None:
    assert run(ec2, ClientToken="once")["InstanceId"] == run(ec2, ClientToken="once")["InstanceId"]
    assert run(ec2, ClientToken="twice")["InstanceId"] != run(ec2, ClientToken="once")["InstanceId"]


def test_states_change_when_the_machine_has(ec2: Client, engine: Engine) -> None:
    name = run(ec2)["InstanceId"]
    ids = {"InstanceIds": [name]}

    def state() -> int:
        return int(ec2.describe_instances(**ids)["Reservations"][0]["Instances"][0]["State"]["Code"])

    assert state() == PENDING
    engine.become(name, PENDING, RUNNING)
    ec2.reboot_instances(**ids)
    assert (state(), seen(engine, name).reboots) == (RUNNING, 1)
    engine.rebooted(name, 1)
    assert seen(engine, name).reboots == 0
    ec2.stop_instances(**ids)
    assert state() == STOPPING
    assert refusal(ec2.start_instances, **ids) == refusal(ec2.reboot_instances, **ids) == "IncorrectInstanceState"
    engine.become(name, RUNNING, STOPPED)  # what was observed is older than the request
    assert state() == STOPPING
    engine.become(name, STOPPING, STOPPED)
    ec2.stop_instances(**ids)
    ec2.start_instances(**ids)
    assert state() == PENDING
    ec2.terminate_instances(**ids)
    ec2.terminate_instances(**ids)
    assert state() == SHUTTING_DOWN
    engine.become(name, SHUTTING_DOWN, ENDED)
    assert state() == ENDED
    assert refusal(ec2.start_instances, **ids) == "IncorrectInstanceState"


def test_type_and_user_data_are_changed_while_an_instance_is_stopped(ec2: Client, engine: Engine) -> None:
    name = run(ec2, UserData="#cloud-config")["InstanceId"]
    change = ec2.modify_instance_attribute
    engine.become(name, PENDING, RUNNING)
    micro, other, none = {"Value": "t2.micro"}, {"Value": b"#!/bin/sh"}, {"Value": b""}
    assert refusal(change, InstanceId=name, InstanceType=micro) == "IncorrectInstanceState"
    assert refusal(change, InstanceId=name, UserData=other) == "IncorrectInstanceState"
    ec2.stop_instances(InstanceIds=[name])
    engine.become(name, STOPPING, STOPPED)
    assert refusal(change, InstanceId=name, InstanceType={"Value": "none"}) == "InvalidInstanceType"
    assert refusal(change, InstanceId=name, UserData={"Value": b"x" * (16 * 1024 + 1)}) == "InvalidParameterValue"
    change(InstanceId=name, InstanceType=micro)
    change(InstanceId=name, UserData=other)
    found = seen(engine, name)
    assert (found.size, found.memory, found.user_data) == ("t2.micro", 2**30, b"#!/bin/sh")
    change(InstanceId=name, UserData=none)
    assert seen(engine, name).user_data is None
    ec2.terminate_instances(InstanceIds=[name])
    engine.become(name, SHUTTING_DOWN, ENDED)


def test_a_terminated_instance_is_shown_for_an_hour(ec2: Client, engine: Engine) -> None:
    from coreos_lab.cloud import moto_instances

    name = run(ec2)["InstanceId"]
    ec2.terminate_instances(InstanceIds=[name])
    engine.become(name, SHUTTING_DOWN, ENDED)
    with engine.objects() as backend:
        end = backend.get_instance(name).lab_ended
        moto_instances.forget(backend, end + 3599)
        assert backend.get_instance(name)
        assert moto_instances.forget(backend, end + 3601)
    assert refusal(ec2.describe_instances, InstanceIds=[name]) == "InvalidInstanceID.NotFound"


def test_a_private_address_is_free_again_when_the_machine_is_gone(ec2: Client, engine: Engine) -> None:
    first = run(ec2)
    ec2.terminate_instances(InstanceIds=[first["InstanceId"]])
    second = run(ec2)
    assert second["PrivateIpAddress"] != first["PrivateIpAddress"]
    engine.become(first["InstanceId"], SHUTTING_DOWN, ENDED)
    assert run(ec2)["PrivateIpAddress"] == first["PrivateIpAddress"]


def test_groups_and_check_are_the_same_of_an_instance_and_of_its_interface(ec2: Client, engine: Engine) -> None:
    instance = run(ec2)
    name, interface = instance["InstanceId"], instance["NetworkInterfaces"][0]["NetworkInterfaceId"]
    group = ec2.create_security_group(GroupName="one", Description="one")["GroupId"]
    ec2.modify_instance_attribute(InstanceId=name, Groups=[group])
    ec2.modify_instance_attribute(InstanceId=name, SourceDestCheck={"Value": False})
    port = seen(engine, name).port
    assert (port.groups, port.checked) == ((group,), False)
    assert ec2.describe_network_interfaces(NetworkInterfaceIds=[interface])["NetworkInterfaces"][0]["Groups"]
    ec2.modify_network_interface_attribute(NetworkInterfaceId=interface, SourceDestCheck={"Value": True})
    assert seen(engine, name).port.checked
    assert ec2.describe_instances(InstanceIds=[name])["Reservations"][0]["Instances"][0]["SourceDestCheck"]


def test_the_router_s_view_of_a_vpc(ec2: Client, engine: Engine) -> None:
    vpc = ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.1.1.0/24", AvailabilityZone="us-west-2b")["Subnet"]
    assert not subnet["MapPublicIpOnLaunch"]
    assert refusal(ec2.create_subnet, VpcId=vpc, CidrBlock="10.1.1.128/25") == "InvalidSubnet.Conflict"
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    name = run(ec2, SubnetId=subnet["SubnetId"])["InstanceId"]

    def routes() -> tuple[Route, ...]:
        with engine.objects() as backend:
            return next(each for each in view.vpcs(backend) if each.name == vpc).subnets[0].routes

    assert routes() == ()  # the main table's
    ec2.associate_route_table(RouteTableId=table, SubnetId=subnet["SubnetId"])
    assert routes() == (Route("0.0.0.0/0"),)  # the gateway is not attached
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="10.10.1.0/24", InstanceId=name)
    found = seen(engine, name)
    address = found.port.address
    assert (found.subnet_cidr, found.vpc_cidr, found.interface[:4]) == ("10.1.1.0/24", "10.1.0.0/16", "eni-")
    assert routes() == (Route("0.0.0.0/0", internet=True), Route("10.10.1.0/24", address=address))


def test_console_keys_and_user_data_are_the_instance_s(ec2: Client, engine: Engine) -> None:
    made = ec2.create_key_pair(KeyName="mine", KeyType="ed25519")
    assert "PRIVATE KEY" in made["KeyMaterial"]
    name = run(ec2, KeyName="mine", UserData="#cloud-config\n")["InstanceId"]
    found = seen(engine, name)
    assert found.public_key.startswith("ssh-ed25519 ")
    assert found.user_data == b"#cloud-config\n"
    assert ec2.get_console_output(InstanceId=name)["Output"] == f"console of {name}"


def test_disks_of_the_mapping_are_the_machine_s(ec2: Client, engine: Engine) -> None:
    name = run(ec2, BlockDeviceMappings=[{"DeviceName": "/dev/xvdb", "Ebs": {"VolumeSize": 10}}])["InstanceId"]
    (volume,) = seen(engine, name).disks
    assert (volume.device, volume.size) == ("/dev/xvdb", 10 * 2**30)
    ec2.terminate_instances(InstanceIds=[name])
    for device, disk, message in (
        ("/dev/xvda", {"VolumeSize": 10}, "/dev/xvda"),
        ("/dev/xvdb", {"VolumeSize": 2000}, "from 1 to 1024"),
    ):
        with pytest.raises(ClientError, match=message):
            run(ec2, BlockDeviceMappings=[{"DeviceName": device, "Ebs": disk}])


def test_an_elastic_address_is_the_instance_s_public_one(ec2: Client, engine: Engine) -> None:
    name = run(ec2)["InstanceId"]
    before = seen(engine, name).port.public
    address = ec2.allocate_address(Domain="vpc")
    assert address["PublicIp"].startswith("198.18.1")
    assert address["PublicIp"] != before
    ec2.associate_address(InstanceId=name, AllocationId=address["AllocationId"])
    assert seen(engine, name).port.public == address["PublicIp"]
    ec2.terminate_instances(InstanceIds=[name])


def test_what_moto_lacks_is_refused_in_our_words(ec2: Client) -> None:
    with pytest.raises(ClientError, match=r"UnsupportedOperation.*route.origin.*not part of this cloud"):
        ec2.describe_route_tables(Filters=[{"Name": "route.origin", "Values": ["CreateRoute"]}])


def test_a_route_to_an_instance_that_is_off_is_a_blackhole(ec2: Client, engine: Engine) -> None:
    name = run(ec2)["InstanceId"]
    table = ec2.describe_route_tables()["RouteTables"][0]["RouteTableId"]
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="10.10.9.0/24", InstanceId=name)

    def states() -> dict[str, str]:
        (found,) = ec2.describe_route_tables(RouteTableIds=[table])["RouteTables"]
        return {each["DestinationCidrBlock"]: each["State"] for each in found["Routes"]}

    assert states()["10.10.9.0/24"] == "active"
    ec2.terminate_instances(InstanceIds=[name])
    assert states() == {**dict.fromkeys(states(), "active"), "10.10.9.0/24": "blackhole"}
    ec2.delete_route(RouteTableId=table, DestinationCidrBlock="10.10.9.0/24")


def test_another_process_has_the_same_objects(ec2: Client, served: Served) -> None:
    from coreos_lab.cloud.state import Store

    name = run(ec2)["InstanceId"]
    again = Store(served.folder / "services", served.engine.version).load("ec2")
    assert again
    assert name in {each.id for each in again.all_instances()}
    with pytest.raises(LabError, match="another version of moto than 0.1"):
        Store(served.folder / "services", "0.1").load("ec2")


def test_a_subnet_that_was_read_again_gives_out_no_address_of_the_router(served: Served, ec2: Client) -> None:
    from coreos_lab.cloud.state import Store

    again = Store(served.folder / "services", served.engine.version).load("ec2")
    assert again
    subnet = next(each for zone in again.subnets.values() for each in zone.values())
    last = int(subnet.get_available_subnet_ip(instance=None).rpartition(".")[2])
    assert last > 3  # router, name server, and one that AWS keeps
