"""The types of EC2's volumes: complete when the volume is there, or when the instance has it."""

from __future__ import annotations

from typing import Any

from coreos_lab.cloud.formation.call import TAGS, Attributes, Call, Kind, Values
from coreos_lab.cloud.formation.ec2_kinds import update_tags
from coreos_lab.cloud.formation.errors import invalid

SIZE, ZONE, KIND = "Size", "AvailabilityZone", "VolumeType"
WHERE = ("Device", "InstanceId", "VolumeId")


def _volume(call: Call, its: Values) -> tuple[str, Attributes]:
    kind = {KIND: its[KIND]} if KIND in its else {}
    tags = call.tagged("volume", its)
    made = call.ec2.create_volume(AvailabilityZone=its[ZONE], Size=int(its[SIZE]), TagSpecifications=tags, **kind)
    return made["VolumeId"], {"VolumeId": made["VolumeId"]}


def _update(call: Call, name: str, old: Values, new: Values) -> tuple[str, Attributes]:
    """AWS changes a volume's size and type; a new volume in its place would be an empty one."""
    said = call.ec2.describe_volumes(VolumeIds=[name])["Volumes"][0]
    for key in (SIZE, KIND, ZONE):
        if str(new.get(key, said[key])) != str(said[key]):
            wanted = f"{new[key]} instead of {said[key]}"
            raise invalid(f"{name}: {key}: {wanted}: changes of a volume are not part of this cloud")
    return update_tags(call, name, old, new)


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
        in_place=(SIZE, ZONE, KIND, TAGS),
        update=_update,
    ),
    "AWS::EC2::VolumeAttachment": Kind(WHERE, WHERE, _attach, _detach),
}
