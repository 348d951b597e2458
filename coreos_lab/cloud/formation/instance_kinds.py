"""The type of EC2's instances: complete when the instance runs, gone when its machine is."""

from __future__ import annotations

from base64 import b64decode
from typing import Any

from coreos_lab.cloud.formation.call import TAGS, Attributes, Call, Kind, Values, true
from coreos_lab.cloud.formation.errors import invalid

INSTANCE = (
    *("ImageId", "InstanceType", "KeyName", "SubnetId", "UserData", "PrivateIpAddress", "SecurityGroupIds"),
    *("SecurityGroups", "SourceDestCheck", "NetworkInterfaces", "BlockDeviceMappings", "DisableApiTermination"),
    *("IamInstanceProfile", TAGS),
)


def _instance(call: Call, its: Values) -> tuple[str, Attributes]:
    asked = {name: its[name] for name in INSTANCE if name in its and name not in ("SourceDestCheck", "UserData", TAGS)}
    if "UserData" in its:  # boto3 encodes it, and in a template it is encoded already
        asked["UserData"] = b64decode(its["UserData"])
    if "IamInstanceProfile" in asked:
        asked["IamInstanceProfile"] = {"Name": asked["IamInstanceProfile"]}
    for interface in asked.get("NetworkInterfaces", []):
        interface["DeviceIndex"] = int(interface["DeviceIndex"])
        if "GroupSet" in interface:
            interface["Groups"] = interface.pop("GroupSet")
        for flag in ("AssociatePublicIpAddress", "DeleteOnTermination"):
            if flag in interface:
                interface[flag] = true(interface[flag])
    for mapping in asked.get("BlockDeviceMappings", []):
        disk = mapping.get("Ebs", {})
        disk |= {"VolumeSize": int(disk["VolumeSize"])} if "VolumeSize" in disk else {}
        disk |= {"DeleteOnTermination": true(disk["DeleteOnTermination"])} if "DeleteOnTermination" in disk else {}
    tags = call.tagged("instance", its)
    name = call.ec2.run_instances(MinCount=1, MaxCount=1, TagSpecifications=tags, **asked)["Instances"][0]["InstanceId"]
    if "SourceDestCheck" in its:
        call.ec2.modify_instance_attribute(InstanceId=name, SourceDestCheck={"Value": true(its["SourceDestCheck"])})
    call.wait(lambda: state(call, name) == "running", f"{name} did not become running")
    said = described(call, name)
    found = {
        "PrivateIp": said["PrivateIpAddress"],
        "PublicIp": said.get("PublicIpAddress", ""),
        "PrivateDnsName": said["PrivateDnsName"],
        "PublicDnsName": said.get("PublicDnsName", ""),
        "AvailabilityZone": said["Placement"]["AvailabilityZone"],
    }
    return name, found


def described(call: Call, name: str) -> dict[str, Any]:
    """What EC2 says of an instance."""
    found: dict[str, Any] = call.ec2.describe_instances(InstanceIds=[name])["Reservations"][0]["Instances"][0]
    return found


def state(call: Call, name: str) -> str:
    """What an instance is doing. RefusedError when it cannot become running any more."""
    said = described(call, name)
    if said["State"]["Name"] in ("terminated", "shutting-down", "stopped"):
        raise invalid(f"{name} is {said['State']['Name']}: {said.get('StateReason', {}).get('Message', '')}")
    return str(said["State"]["Name"])


def _terminate(call: Call, name: str, _its: Values) -> None:
    call.ec2.terminate_instances(InstanceIds=[name])
    call.wait(lambda: described(call, name)["State"]["Name"] == "terminated", f"{name} did not terminate")


KINDS = {
    "AWS::EC2::Instance": Kind(
        INSTANCE,
        ("ImageId",),
        _instance,
        _terminate,
        ("PrivateIp", "PublicIp", "PrivateDnsName", "PublicDnsName", "AvailabilityZone"),
        "instance",
    ),
}
