"""The type of EC2's instances: complete when the instance runs, gone when its machine is."""

from __future__ import annotations

from base64 import b64decode
from typing import Any

from coreos_lab.cloud.formation import tags
from coreos_lab.cloud.formation.call import TAGS, Attributes, Call, Kind, Values, true
from coreos_lab.cloud.formation.errors import invalid

INSTANCE = (
    *("ImageId", "InstanceType", "KeyName", "SubnetId", "UserData", "PrivateIpAddress", "SecurityGroupIds"),
    *("SecurityGroups", "SourceDestCheck", "NetworkInterfaces", "BlockDeviceMappings", "DisableApiTermination"),
    *("IamInstanceProfile", TAGS),
)
GROUPS, PROFILE = "SecurityGroupIds", "IamInstanceProfile"
RESTARTING = ("InstanceType", "UserData")  # whose update stops the instance and starts it again
FLAGS = {"SourceDestCheck": True, "DisableApiTermination": False}  # with AWS's defaults
DEFAULT_TYPE = "m1.small"  # what RunInstances takes without one


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
    asked["TagSpecifications"] = call.tagged("instance", its)
    name = call.ec2.run_instances(MinCount=1, MaxCount=1, **asked)["Instances"][0]["InstanceId"]
    if "SourceDestCheck" in its:
        call.ec2.modify_instance_attribute(InstanceId=name, SourceDestCheck={"Value": true(its["SourceDestCheck"])})
    call.wait(lambda: state(call, name) == "running", f"{name} did not become running")
    return name, _attributes(call, name)


def _attributes(call: Call, name: str) -> Attributes:
    said = described(call, name)
    return {
        "PrivateIp": said["PrivateIpAddress"],
        "PublicIp": said.get("PublicIpAddress", ""),
        "PrivateDnsName": said["PrivateDnsName"],
        "PublicDnsName": said.get("PublicDnsName", ""),
        "AvailabilityZone": said["Placement"]["AvailabilityZone"],
    }


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


def _update(call: Call, name: str, old: Values, new: Values) -> tuple[str, Attributes]:
    for flag, default in FLAGS.items():
        if true(old.get(flag, default)) != (wanted := true(new.get(flag, default))):
            call.ec2.modify_instance_attribute(InstanceId=name, **{flag: {"Value": wanted}})
    if old.get(GROUPS) != new.get(GROUPS):
        call.ec2.modify_instance_attribute(InstanceId=name, Groups=new.get(GROUPS) or [_default_group(call, name)])
    if old.get(PROFILE) != new.get(PROFILE):
        _give_profile(call, name, str(new.get(PROFILE, "")))
    tags.update_ec2(call, name, old, new)
    if any(old.get(each) != new.get(each) for each in RESTARTING):
        _restart(call, name, new)
        return name, _attributes(call, name)
    return name, {}


def _default_group(call: Call, name: str) -> str:
    """The group of an instance that is given none: its VPC's own."""
    wanted = {"vpc-id": described(call, name)["VpcId"], "group-name": "default"}
    filters = [{"Name": key, "Values": [value]} for key, value in wanted.items()]
    return str(call.ec2.describe_security_groups(Filters=filters)["SecurityGroups"][0]["GroupId"])


def _give_profile(call: Call, name: str, profile: str) -> None:
    own = [{"Name": "instance-id", "Values": [name]}]
    for each in call.ec2.describe_iam_instance_profile_associations(Filters=own)["IamInstanceProfileAssociations"]:
        call.ec2.disassociate_iam_instance_profile(AssociationId=each["AssociationId"])
    if profile:
        call.ec2.associate_iam_instance_profile(InstanceId=name, IamInstanceProfile={"Name": profile})


def _restart(call: Call, name: str, new: Values) -> None:
    """Stops an instance, as its type and its user data cannot be changed while it runs, and starts it again."""
    call.ec2.stop_instances(InstanceIds=[name])
    call.wait(lambda: described(call, name)["State"]["Name"] == "stopped", f"{name} did not stop")
    kind = {"Value": new.get("InstanceType", DEFAULT_TYPE)}
    call.ec2.modify_instance_attribute(InstanceId=name, InstanceType=kind)
    call.ec2.modify_instance_attribute(InstanceId=name, UserData={"Value": b64decode(new.get("UserData", ""))})
    call.ec2.start_instances(InstanceIds=[name])
    call.wait(lambda: described(call, name)["State"]["Name"] == "running", f"{name} did not become running")


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
        in_place=(*FLAGS, GROUPS, PROFILE, *RESTARTING, TAGS),
        update=_update,
        volatile=("PublicIp", "PublicDnsName"),
    ),
}
