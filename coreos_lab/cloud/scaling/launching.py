"""What an instance of a group is started with: a launch configuration, or a version of a launch template.

Both have a key, by which it is seen whether an instance was started with what its group has now: the configuration's
name, or the template's id with the number of the version, such as lt-0123456789abcdef0:2.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable
from typing import Any

from coreos_lab.cloud.scaling import asked_for
from coreos_lab.cloud.scaling.asked_for import Asked
from coreos_lab.cloud.scaling.group import Group, Kept, version_of

DEFAULT = "$Default"
AS_IN_EC2 = (
    *("ImageId", "InstanceType", "KeyName", "SecurityGroupIds", "BlockDeviceMappings", "MetadataOptions"),
    *("InstanceInitiatedShutdownBehavior", "DisableApiTermination"),
)
NEEDED = ("ImageId", "InstanceType")


class Launching:
    """`client` returns boto3's client for a service."""

    def __init__(self, kept: Kept, client: Callable[[str], Any]) -> None:
        self.kept, self.client = kept, client

    def template(self, asked: Asked) -> dict[str, str]:
        """The launch template of a request, with its id and its name. ValidationError where no group can use it."""
        named = [key for key in ("LaunchTemplateId", "LaunchTemplateName") if key in asked]
        if len(named) != 1:
            raise asked_for.invalid("Valid requests must contain either launchTemplateId or LaunchTemplateName")
        version = str(asked.get("Version", DEFAULT))
        found = self._version({named[0]: asked[named[0]]}, version)
        for each in NEEDED:
            if not found["LaunchTemplateData"].get(each):
                message = "You must use a valid fully-formed launch template."
                raise asked_for.invalid(f"{message} The request must contain the parameter {each}")
        return {**{key: found[key] for key in ("LaunchTemplateId", "LaunchTemplateName")}, "Version": version}

    def _version(self, which: dict[str, str], version: str) -> dict[str, Any]:
        listed = self.client("ec2").describe_launch_template_versions(**which, Versions=[version])
        found: dict[str, Any] = listed["LaunchTemplateVersions"][0]
        return found

    def key(self, group: Group) -> str:
        """The key of what the group's next instance is started with.

        Where the template is gone, it has the version that was asked for, and the launch says what is wrong.
        """
        if not group.template:
            return group.configuration
        name, version = group.template["LaunchTemplateId"], group.template["Version"]
        try:
            version = self._version({"LaunchTemplateId": name}, version)["VersionNumber"]
        except Exception as error:
            if not hasattr(error, "response"):
                raise
        return f"{name}:{version}"

    def asked(self, key: str) -> dict[str, Any]:
        """The parameters of RunInstances. LookupError where the launch configuration is gone."""
        which = version_of(key)
        if which is None:
            return dict(self.kept.configurations[key].asked)
        data = self._version({"LaunchTemplateId": which[0]}, which[1])["LaunchTemplateData"]
        found = {each: data[each] for each in AS_IN_EC2 if each in data}
        for interface in data.get("NetworkInterfaces", []):
            if "Groups" in interface:
                found["SecurityGroupIds"] = interface["Groups"]
            if "AssociatePublicIpAddress" in interface:
                found["AssociatePublicIpAddress"] = interface["AssociatePublicIpAddress"]
        if profile := data.get("IamInstanceProfile"):
            found["IamInstanceProfile"] = profile.get("Arn") or profile["Name"]
        if data.get("UserData"):
            found["UserData"] = b64decode(data["UserData"]).hex()
        specified = [each for each in data.get("TagSpecifications", []) if each["ResourceType"] == "instance"]
        found["Tags"] = [tag for each in specified for tag in each["Tags"]]
        return found
