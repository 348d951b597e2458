"""The type of EC2's launch templates. An update makes another version; groups refer to one by its number."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from coreos_lab.cloud.formation import comparing, tags
from coreos_lab.cloud.formation.call import TAGS as OF_EC2
from coreos_lab.cloud.formation.call import Attributes, Call, Kind, Values, name_of, true
from coreos_lab.cloud.formation.errors import invalid

DATA, NOTE, TAGS = "LaunchTemplateData", "VersionDescription", "TagSpecifications"
KIND = "launch-template"


def _make(call: Call, its: Values) -> tuple[str, Attributes]:
    own = [*_own(its), *tags.listed(dict(call.tags))]
    made = call.ec2.create_launch_template(
        LaunchTemplateName=its.get("LaunchTemplateName") or name_of(call),
        TagSpecifications=[{"ResourceType": KIND, "Tags": own}],
        **_version(its),
    )["LaunchTemplate"]
    return made["LaunchTemplateId"], _attributes(made)


def _own(its: Values) -> list[dict[str, Any]]:
    """The tags that a template gives the launch template itself."""
    specified = its.get(TAGS, [])
    if other := [each["ResourceType"] for each in specified if each["ResourceType"] != KIND]:
        raise invalid(f"AWS::EC2::LaunchTemplate: {TAGS}: {other[0]}: those of the template itself are {KIND}")
    return [tag for each in specified for tag in each["Tags"]]


def _attributes(made: Values) -> Attributes:
    found = {key: str(made[key]) for key in ("DefaultVersionNumber", "LatestVersionNumber")}
    return {**found, "LaunchTemplateId": made["LaunchTemplateId"]}


def _version(its: Values) -> dict[str, Any]:
    """A version as the API has it: numbers and booleans are texts in many templates."""
    data = deepcopy(dict(its[DATA]))
    for interface in data.get("NetworkInterfaces", []):
        interface["DeviceIndex"] = int(interface.get("DeviceIndex", 0))
        for flag in ("AssociatePublicIpAddress", "DeleteOnTermination"):
            if flag in interface:
                interface[flag] = true(interface[flag])
    for mapping in data.get("BlockDeviceMappings", []):
        disk = mapping.get("Ebs", {})
        disk |= {"VolumeSize": int(disk["VolumeSize"])} if "VolumeSize" in disk else {}
        disk |= {"DeleteOnTermination": true(disk["DeleteOnTermination"])} if "DeleteOnTermination" in disk else {}
    if "DisableApiTermination" in data:
        data["DisableApiTermination"] = true(data["DisableApiTermination"])
    return {DATA: data, **({NOTE: str(its[NOTE])} if NOTE in its else {})}


def _update(call: Call, name: str, old: Values, new: Values) -> tuple[str, Attributes]:
    """Tags are the template's and no version's, so changed ones alone make none."""
    tags.update_ec2(call, name, {OF_EC2: _own(old)}, {OF_EC2: _own(new)})
    if comparing.changed({**old, TAGS: None}, {**new, TAGS: None}):
        call.ec2.create_launch_template_version(LaunchTemplateId=name, **_version(new))
    return name, _attributes(call.ec2.describe_launch_templates(LaunchTemplateIds=[name])["LaunchTemplates"][0])


KINDS: dict[str, Kind] = {
    "AWS::EC2::LaunchTemplate": Kind(
        ("LaunchTemplateName", DATA, NOTE, TAGS),
        (DATA,),
        _make,
        lambda call, name, _its: call.ec2.delete_launch_template(LaunchTemplateId=name),
        ("DefaultVersionNumber", "LatestVersionNumber", "LaunchTemplateId"),
        KIND,
        in_place=(DATA, NOTE, TAGS),
        update=_update,
        volatile=("DefaultVersionNumber", "LatestVersionNumber"),
        name="LaunchTemplateName",
    ),
}
