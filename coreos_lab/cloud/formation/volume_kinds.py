"""The types of EC2's volumes: complete when the volume is there, or when the instance has it."""

from __future__ import annotations

from typing import Any

from coreos_lab.cloud.formation.call import TAGS, Attributes, Call, Kind, Values
from coreos_lab.cloud.formation.ec2_kinds import update_tags

SIZE, ZONE, KIND = "Size", "AvailabilityZone", "VolumeType"
WHERE = ("Device", "InstanceId", "VolumeId")


def _volume(call: Call, its: Values) -> tuple[str, Attributes]:
    kind = {KIND: its[KIND]} if KIND in its else {}
    tags = call.tagged("volume", its)
    made = call.ec2.create_volume(AvailabilityZone=its[ZONE], Size=int(its[SIZE]), TagSpecifications=tags, **kind)
    return made["VolumeId"], {"VolumeId": made["VolumeId"]}


def _attach(call: Call, its: Values) -> tuple[str, Attributes]:
    name = its["VolumeId"]
    if not _attachments(call, its):  # a call that was interrupted may have done it
        call.ec2.attach_volume(**{key: its[key] for key in WHERE})
    call.wait(lambda: _attachments(call, its) == ["attached"], f"{name} is not attached to {its['InstanceId']}")
    return f"{name}|{its['InstanceId']}", {}


def _detach(call: Call, _name: str, its: Values) -> None:
    if _attachments(call, its):
        call.ec2.detach_volume(**{key: its[key] for key in WHERE})
    missing = f"{its['VolumeId']} is still in use on {its['InstanceId']}: unmount {its['Device']}"
    call.wait(lambda: not _attachments(call, its), missing)


def _attachments(call: Call, its: Values) -> list[str]:
    """What the volume's attachment to the instance is doing; nothing where there is none."""
    volume: dict[str, Any] = call.ec2.describe_volumes(VolumeIds=[its["VolumeId"]])["Volumes"][0]
    return [each["State"] for each in volume.get("Attachments", []) if each["InstanceId"] == its["InstanceId"]]


KINDS: dict[str, Kind] = {
    "AWS::EC2::Volume": Kind(
        (SIZE, ZONE, KIND, TAGS),
        (SIZE, ZONE),
        _volume,
        lambda call, name, _its: call.ec2.delete_volume(VolumeId=name),
        ("VolumeId",),
        "volume",
        in_place=(TAGS,),
        update=update_tags,
    ),
    "AWS::EC2::VolumeAttachment": Kind(WHERE, WHERE, _attach, _detach),
}
