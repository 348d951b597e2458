"""Volumes of EC2: what may be attached where, and when it is. Machines only seem to be there."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.unit.cloud.conftest import Client, Served
from tests.unit.cloud.formation.stacks import of, stack
from tests.unit.cloud.test_balancing import state_of
from tests.unit.cloud.test_scaling import until

ClientError = pytest.importorskip("botocore.exceptions").ClientError
pytestmark = pytest.mark.usefixtures("machines")
ZONE, OTHER = "us-west-2a", "us-west-2b"


@pytest.fixture
def instance(ec2: Client) -> Iterator[str]:
    """One that runs, with a disk of its own that stays when it ends."""
    disk = {"DeviceName": "/dev/xvdb", "Ebs": {"VolumeSize": 1, "DeleteOnTermination": False}}
    place: dict[str, Any] = {"Placement": {"AvailabilityZone": ZONE}, "BlockDeviceMappings": [disk]}
    made = ec2.run_instances(ImageId="ami-7d11c51d", InstanceType="t2.small", MinCount=1, MaxCount=1, **place)
    name = str(made["Instances"][0]["InstanceId"])
    until(lambda: state_of(ec2, name) == "running", "not running")
    yield name
    ec2.terminate_instances(InstanceIds=[name])
    until(lambda: state_of(ec2, name) == "terminated", "not terminated")
    for each in ec2.describe_volumes()["Volumes"]:
        if not each.get("Attachments"):
            ec2.delete_volume(VolumeId=each["VolumeId"])


def test_a_change_of_state_with_nothing_to_do_says_so(ec2: Client, instance: str) -> None:
    def states(answer: dict[str, Any], key: str) -> tuple[str, str]:
        (one,) = answer[key]
        return one["PreviousState"]["Name"], one["CurrentState"]["Name"]

    assert states(ec2.start_instances(InstanceIds=[instance]), "StartingInstances") == ("running", "running")
    assert states(ec2.stop_instances(InstanceIds=[instance]), "StoppingInstances") == ("running", "stopping")
    until(lambda: state_of(ec2, instance) == "stopped", "not stopped")
    assert states(ec2.stop_instances(InstanceIds=[instance]), "StoppingInstances") == ("stopped", "stopped")


@pytest.mark.parametrize(
    ("asked", "left"), [({}, 0), ({"DeleteOnTermination": True}, 0), ({"DeleteOnTermination": False}, 1)]
)
def test_a_volume_of_a_mapping_goes_with_its_instance_unless_it_is_to_stay(
    ec2: Client, asked: dict[str, bool], left: int
) -> None:
    mapping = [{"DeviceName": "/dev/xvdb", "Ebs": {"VolumeSize": 1, **asked}}]
    made = ec2.run_instances(
        ImageId="ami-7d11c51d", InstanceType="t2.small", MinCount=1, MaxCount=1, BlockDeviceMappings=mapping
    )
    name = str(made["Instances"][0]["InstanceId"])
    until(lambda: state_of(ec2, name) == "running", "not running")
    (volume,) = [each["VolumeId"] for each in ec2.describe_volumes()["Volumes"]]
    ec2.terminate_instances(InstanceIds=[name])
    until(lambda: state_of(ec2, name) == "terminated", "not terminated")
    assert len(ec2.describe_volumes()["Volumes"]) == left
    if left:
        ec2.delete_volume(VolumeId=volume)


@pytest.fixture
def volume(ec2: Client) -> str:
    asked = {"AvailabilityZone": ZONE, "Size": 2, "ClientToken": "once"}
    made = [ec2.create_volume(**asked)["VolumeId"] for _ in range(2)]
    assert made[0] == made[1]
    return str(made[0])


def status(ec2: Client, volume: str) -> str:
    """What a volume's attachment is doing, or the volume itself."""
    (found,) = ec2.describe_volumes(VolumeIds=[volume])["Volumes"]
    return str(found["Attachments"][0]["State"] if found.get("Attachments") else found["State"])


def test_a_volume_is_attached_when_the_machine_has_it_and_detached_when_not(
    ec2: Client, instance: str, volume: str
) -> None:
    assert ec2.attach_volume(VolumeId=volume, InstanceId=instance, Device="/dev/xvdf")["State"] == "attaching"
    until(lambda: status(ec2, volume) == "attached", "not attached")
    with pytest.raises(ClientError, match="currently attached"):
        ec2.delete_volume(VolumeId=volume)
    assert ec2.detach_volume(VolumeId=volume)["State"] == "detaching"
    until(lambda: status(ec2, volume) == "available", "not detached")
    ec2.delete_volume(VolumeId=volume)
    with pytest.raises(ClientError, match="does not exist"):
        status(ec2, volume)


def test_a_volume_outlives_its_instance_unless_it_is_to_go_with_it(
    served: Served, ec2: Client, instance: str, volume: str
) -> None:
    ec2.attach_volume(VolumeId=volume, InstanceId=instance, Device="/dev/xvdf")
    mine = [{"Name": "attachment.instance-id", "Values": [instance]}]
    there = {each["VolumeId"] for each in ec2.describe_volumes(Filters=mine)["Volumes"]}
    assert len(there) == 2
    ec2.terminate_instances(InstanceIds=[instance])
    until(lambda: state_of(ec2, instance) == "terminated", "not terminated")
    left = [each for each in ec2.describe_volumes()["Volumes"] if each["VolumeId"] in there]
    assert {each["Size"]: each["State"] for each in left} == {1: "available", 2: "available"}
    assert volume in served.engine.volumes()


@pytest.mark.parametrize(
    ("asked", "refusal"),
    [
        ({"AvailabilityZone": "us-west-2z", "Size": 1}, "The zone 'us-west-2z' does not exist"),
        ({"AvailabilityZone": ZONE, "Size": 0}, "VolumeSize must be from 1 to 1024"),
        ({"AvailabilityZone": ZONE, "Size": 2000}, "VolumeSize must be from 1 to 1024"),
        ({"AvailabilityZone": ZONE}, "VolumeSize must be"),
        ({"AvailabilityZone": ZONE, "Size": 4, "VolumeType": "io1", "Iops": 100}, "Iops: not part of this cloud"),
        ({"AvailabilityZone": ZONE, "Size": 4, "VolumeType": "io1"}, "VolumeType: io1: this cloud has"),
        ({"AvailabilityZone": ZONE, "SnapshotId": "snap-1"}, "SnapshotId: not part of this cloud"),
    ],
)
def test_a_volume_that_cannot_be(ec2: Client, asked: dict[str, Any], refusal: str) -> None:
    with pytest.raises(ClientError, match=refusal):
        ec2.create_volume(**asked)


def test_what_an_instance_was_started_with_is_detached_while_it_is_stopped(ec2: Client, instance: str) -> None:
    mine = [{"Name": "attachment.instance-id", "Values": [instance]}]
    own = ec2.describe_volumes(Filters=mine)["Volumes"][0]["VolumeId"]
    ec2.stop_instances(InstanceIds=[instance])
    until(lambda: state_of(ec2, instance) == "stopped", "not stopped")
    ec2.detach_volume(VolumeId=own)
    until(lambda: status(ec2, own) == "available", "not detached")
    ec2.attach_volume(VolumeId=own, InstanceId=instance, Device="/dev/xvdc")
    assert status(ec2, own) == "attached", "there is no machine to wait for"


def test_what_cannot_be_attached_or_detached(ec2: Client, instance: str, volume: str) -> None:
    far = ec2.create_volume(AvailabilityZone=OTHER, Size=1)["VolumeId"]
    mine = [{"Name": "attachment.instance-id", "Values": [instance]}]
    disks = {
        each["Attachments"][0]["Device"]: each["VolumeId"] for each in ec2.describe_volumes(Filters=mine)["Volumes"]
    }
    own = disks["/dev/xvdb"]
    refused: list[tuple[Callable[..., Any], dict[str, str], str]] = [
        (ec2.attach_volume, {"VolumeId": far, "Device": "/dev/xvdf"}, "not in the same availability zone"),
        (ec2.attach_volume, {"VolumeId": volume, "Device": "/dev/sdb"}, "already in use"),
        (ec2.attach_volume, {"VolumeId": volume, "Device": "/dev/sda1"}, "disks here are"),
        (ec2.attach_volume, {"VolumeId": own, "Device": "/dev/xvdf"}, "already attached"),
        (ec2.attach_volume, {"VolumeId": "vol-0123456789abcdef0", "Device": "/dev/xvdf"}, "does not exist"),
        (ec2.detach_volume, {"VolumeId": volume}, "is not attached"),
        (ec2.detach_volume, {"VolumeId": own}, "was there when the instance was started"),
        (ec2.detach_volume, {"VolumeId": own, "Device": "/dev/xvdz"}, "as that device"),
        (ec2.detach_volume, {"VolumeId": own, "Force": "true"}, "Force: not part of this cloud"),
    ]
    for call, asked, refusal in refused:
        more: dict[str, Any] = {**asked, "Force": True} if "Force" in asked else asked
        with pytest.raises(ClientError, match=refusal):
            call(InstanceId=instance, **more)


def test_a_stack_with_a_volume(served: Served, ec2: Client, instance: str) -> None:
    where = {"Device": "/dev/xvdg", "InstanceId": instance, "VolumeId": {"Ref": "Data"}}
    data = of("EC2::Volume", Size="3", AvailabilityZone=ZONE, Tags=[{"Key": "of", "Value": "one"}])
    parts = {"Data": data, "Attached": of("EC2::VolumeAttachment", **where)}
    with stack(served, "volumes") as tried:
        tried.create(json.dumps({"Resources": parts}))
        ids = tried.ids()
        assert status(ec2, ids["Data"]) == "attached"
        data["Properties"]["Tags"][0]["Value"] = "two"
        tried.update(json.dumps({"Resources": parts}))
        assert tried.ids() == ids
        data["Properties"]["Size"] = 4  # AWS would let it grow; a new one in its place would be empty
        tried.update(json.dumps({"Resources": parts}), end="UPDATE_ROLLBACK_COMPLETE")
        assert tried.ids() == ids
        assert status(ec2, ids["Data"]) == "attached"
        data["Properties"]["Size"] = "3"
        tried.update(json.dumps({"Resources": {"Data": data}}))
        assert tried.ids()["Data"] == ids["Data"]
