"""Auto Scaling's API: launch configurations."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable
from typing import Any

from coreos_lab.cloud.moments import now
from coreos_lab.cloud.scaling import asked_for, shown
from coreos_lab.cloud.scaling.asked_for import Asked
from coreos_lab.cloud.scaling.group import Configuration
from coreos_lab.cloud.scaling.keeper import Keeper
from coreos_lab.cloud.sigv4 import RefusedError


class Configurations:
    """Makes, shows and deletes them. `client` returns boto3's client for a service, `arn` makes a new ARN."""

    def __init__(self, keeper: Keeper, client: Callable[[str], Any], arn: Callable[[str, str], str]) -> None:
        self.keeper, self.client, self.arn = keeper, client, arn

    def _create_launch_configuration(self, asked: Asked) -> Asked:
        name = asked_for.name(asked, "LaunchConfigurationName")
        taken: Asked = {
            key: asked[key] for key in ("ImageId", "InstanceType", "KeyName", "IamInstanceProfile") if key in asked
        }
        if not {"ImageId", "InstanceType"} <= set(taken):
            raise asked_for.invalid("ImageId and InstanceType are needed")
        self.client("ec2").describe_images(ImageIds=[taken["ImageId"]])
        self.client("ec2").describe_instance_types(InstanceTypes=[taken["InstanceType"]])
        if "SecurityGroups" in asked:
            taken["SecurityGroupIds"] = asked["SecurityGroups"]
        if "UserData" in asked:
            try:
                taken["UserData"] = b64decode(asked["UserData"]).hex()
            except ValueError:
                raise asked_for.invalid("UserData: not Base64") from None
        if "AssociatePublicIpAddress" in asked:
            taken["AssociatePublicIpAddress"] = asked["AssociatePublicIpAddress"] == "true"
        disks = [asked_for.disk(each) for each in asked.get("BlockDeviceMappings", [])]
        if disks:
            taken["BlockDeviceMappings"] = disks
        with self.keeper.lock:
            if name in self.keeper.kept.configurations:
                raise RefusedError("AlreadyExists", f"Launch Configuration by this name already exists: {name}")
            self.keeper.kept.configurations[name] = Configuration(
                name, self.arn("launchConfiguration", name), now(), taken
            )
            self.keeper.kept.save()
        return {}

    def _describe_launch_configurations(self, asked: Asked) -> Asked:
        wanted = asked.get("LaunchConfigurationNames")
        found = [each for name, each in self.keeper.kept.configurations.items() if not wanted or name in wanted]
        return {"LaunchConfigurations": [shown.configuration(each) for each in found]}

    def _delete_launch_configuration(self, asked: Asked) -> Asked:
        name = asked_for.name(asked, "LaunchConfigurationName")
        with self.keeper.lock:
            if any(group.configuration == name for group in self.keeper.kept.groups.values()):
                raise RefusedError("ResourceInUse", f"{name} is attached to an AutoScalingGroup")
            if self.keeper.kept.configurations.pop(name, None) is None:
                raise asked_for.invalid(f"Launch configuration name not found - {name}")
            self.keeper.kept.save()
        return {}
