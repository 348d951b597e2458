"""Auto Scaling's API: what a request asks for, and the answer to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

from coreos_lab.cloud import query
from coreos_lab.cloud.metadata import ACCOUNT
from coreos_lab.cloud.moments import now
from coreos_lab.cloud.scaling import asked_for, shown
from coreos_lab.cloud.scaling.asked_for import Asked
from coreos_lab.cloud.scaling.attachments import Attachments
from coreos_lab.cloud.scaling.configurations import Configurations
from coreos_lab.cloud.scaling.group import Group, Kept, Member
from coreos_lab.cloud.scaling.keeper import Keeper
from coreos_lab.cloud.scaling.policies import Policies
from coreos_lab.cloud.scaling.refreshes import Refreshes
from coreos_lab.cloud.scaling.tags import Tags
from coreos_lab.cloud.sigv4 import RefusedError
from coreos_lab.model import Cloud

NAMESPACE = "http://autoscaling.amazonaws.com/doc/2011-01-01/"
HEALTH = ("EC2", "ELB")
TAKEN_BACK = ("least", "most", "desired", "health", "grace", "cooldown", "configuration", "template", "subnets")


class Scaling:
    """The groups of one cloud. `client` returns boto3's client for a service, `alarms` those that execute a policy."""

    def __init__(
        self,
        cloud: Cloud,
        path: Path,
        client: Callable[[str], Any],
        say: Callable[[str], None],
        alarms: Callable[[str], list[Asked]],
    ) -> None:
        self.cloud, self.client = cloud, client
        self.kept = Kept.load(path)
        self.keeper = Keeper(self.kept, client, say)
        self.attachments = Attachments(self.keeper, client, self._require)
        self.parts = (
            self,
            Attachments(self.keeper, client, self._require),
            Configurations(self.keeper, client, self._arn),
            Tags(self.keeper, self._require),
            Policies(cloud.region, self.keeper, self._require, alarms),
            Refreshes(self.keeper, self._require),
        )

    def call(self, action: str, asked: Mapping[str, str]) -> bytes:
        """Carries a request out; returns the answer's body."""
        name = query.method(action)
        part = next(each for each in self.parts if hasattr(each, name))
        values = {key: value for key, value in query.nested(asked).items() if key not in ("Action", "Version")}
        asked_for.check(values)
        result = getattr(part, name)(values)
        self.keeper.changed.set()
        return query.answer(action, NAMESPACE, result)

    def groups(self) -> dict[str, str]:
        """The name of each instance's group."""
        with self.keeper.lock:
            return {each.instance: group.name for group in self.kept.groups.values() for each in group.members}

    def _arn(self, kind: str, name: str) -> str:
        return f"arn:aws:autoscaling:{self.cloud.region}:{ACCOUNT}:{kind}:{uuid4()}:{kind}Name/{name}"

    def _create_auto_scaling_group(self, asked: Asked) -> Asked:
        name = asked_for.name(asked, "AutoScalingGroupName")
        least, most = asked_for.count(asked, "MinSize"), asked_for.count(asked, "MaxSize")
        desired = asked_for.count(asked, "DesiredCapacity", least)
        subnets, (targets, balancers) = self._subnets(asked), self.attachments.asked(asked)
        with self.keeper.lock:
            if name in self.kept.groups:
                raise RefusedError("AlreadyExists", f"AutoScalingGroup by this name already exists: {name}")
            group = Group(name, self._arn("autoScalingGroup", name), now(), "", least, most, desired, subnets)
            self._configure(group, asked)
            group.targets, group.balancers = targets, balancers
            group.tags = [asked_for.tag(each) for each in asked.get("Tags", [])]
            self.kept.groups[name] = group
            self.kept.save()
        return {}

    def _subnets(self, asked: Asked) -> dict[str, str]:
        names = [each.strip() for each in asked.get("VPCZoneIdentifier", "").split(",") if each.strip()]
        if not names:
            raise asked_for.invalid("VPCZoneIdentifier is needed: this cloud has no EC2-Classic")
        found = self.client("ec2").describe_subnets(SubnetIds=names)["Subnets"]
        return {each["SubnetId"]: each["AvailabilityZone"] for each in found}

    def _configure(self, group: Group, asked: Asked) -> None:
        """What creating and updating a group have in common. LookupErrors are the caller's mistakes."""
        self._give_launch(group, asked)
        group.grace = asked_for.count(asked, "HealthCheckGracePeriod", group.grace, most=7200)
        group.cooldown = asked_for.count(asked, "DefaultCooldown", group.cooldown, most=86400)
        group.health = asked.get("HealthCheckType", group.health)
        if group.health not in HEALTH:
            raise asked_for.invalid(f"HealthCheckType: {group.health}: must be one of {', '.join(HEALTH)}")
        if not group.least <= group.desired <= group.most:
            raise asked_for.invalid(f"Desired capacity:{group.desired} must be between {group.least} and {group.most}")

    def _give_launch(self, group: Group, asked: Asked) -> None:
        """Sets what a group's instances are started with: one thing, which may be what it has already."""
        named = [key for key in ("LaunchConfigurationName", "LaunchTemplate") if key in asked]
        if len(named) > 1 or not (named or group.configuration or group.template):
            raise asked_for.invalid("Valid requests must contain either LaunchTemplate or LaunchConfigurationName")
        if "LaunchTemplate" in asked:
            group.template, group.configuration = self.keeper.launching.template(asked["LaunchTemplate"]), ""
        elif named:
            if asked["LaunchConfigurationName"] not in self.kept.configurations:
                raise asked_for.invalid(f"Launch configuration name not found - {asked['LaunchConfigurationName']}")
            group.template, group.configuration = {}, asked["LaunchConfigurationName"]

    def _update_auto_scaling_group(self, asked: Asked) -> Asked:
        with self.keeper.lock:
            group = self._require(asked)
            before = {name: getattr(group, name) for name in TAKEN_BACK}
            group.least = asked_for.count(asked, "MinSize", group.least)
            group.most = asked_for.count(asked, "MaxSize", group.most)
            wanted = asked_for.count(asked, "DesiredCapacity", min(max(group.desired, group.least), group.most))
            group.desired = wanted
            try:
                if "VPCZoneIdentifier" in asked:
                    group.subnets = self._subnets(asked)
                self._configure(group, asked)
            except Exception:  # also what EC2 refuses
                for name, value in before.items():
                    setattr(group, name, value)
                raise
            self.kept.save()
        return {}

    def _set_desired_capacity(self, asked: Asked) -> Asked:
        with self.keeper.lock:
            group = self._require(asked)
            wanted = asked_for.count(asked, "DesiredCapacity")
            if not group.least <= wanted <= group.most:
                raise asked_for.invalid(
                    f"New SetDesiredCapacity value {wanted} is not between {group.least} and {group.most}"
                )
            group.desired = wanted
            self.kept.save()
        return {}

    def _delete_auto_scaling_group(self, asked: Asked) -> Asked:
        with self.keeper.lock:
            group = self._require(asked)
            if group.members and asked.get("ForceDelete") != "true":
                raise RefusedError("ResourceInUse", "You cannot delete an AutoScalingGroup while there are instances")
            group.deleting = True
            self.kept.save()
        return {}

    def _describe_auto_scaling_groups(self, asked: Asked) -> Asked:
        wanted = asked.get("AutoScalingGroupNames")
        with self.keeper.lock:
            found = [group for name, group in self.kept.groups.items() if not wanted or name in wanted]
            return {"AutoScalingGroups": [shown.group(group) for group in found]}

    def _describe_auto_scaling_instances(self, asked: Asked) -> Asked:
        wanted = asked.get("InstanceIds")
        with self.keeper.lock:
            rows = [
                {**shown.member(member), "AutoScalingGroupName": group.name}
                for group in self.kept.groups.values()
                for member in group.members
                if member.instance and (not wanted or member.instance in wanted)
            ]
        return {"AutoScalingInstances": rows}

    def _describe_scaling_activities(self, asked: Asked) -> Asked:
        with self.keeper.lock:
            groups = [self._require(asked)] if "AutoScalingGroupName" in asked else list(self.kept.groups.values())
            rows = [
                {
                    "ActivityId": each.id,
                    "AutoScalingGroupName": group.name,
                    "Description": each.description,
                    "Cause": each.cause,
                    "StartTime": each.begun,
                    "EndTime": each.ended,
                    "StatusCode": each.status,
                    "StatusMessage": each.reason,
                    "Progress": 0 if each.status == "InProgress" else 100,
                }
                for group in groups
                for each in group.activities
            ]
        return {"Activities": rows}

    def _terminate_instance_in_auto_scaling_group(self, asked: Asked) -> Asked:
        with self.keeper.lock:
            group, member = self._member(asked)
            if asked.get("ShouldDecrementDesiredCapacity") == "true":
                if group.desired - 1 < group.least:
                    raise asked_for.invalid(
                        f"Currently, desiredSize equals minSize ({group.least}). Terminating would go below it."
                    )
                group.desired -= 1
            self.client("ec2").terminate_instances(InstanceIds=[member.instance])
            self.kept.save()
        return {}

    def _set_instance_health(self, asked: Asked) -> Asked:
        with self.keeper.lock:
            self._member(asked)[1].healthy = asked.get("HealthStatus") == "Healthy"
            self.kept.save()
        return {}

    def _member(self, asked: Asked) -> tuple[Group, Member]:
        for group in self.kept.groups.values():
            for member in group.members:
                if member.instance and member.instance == asked.get("InstanceId"):
                    return group, member
        raise asked_for.invalid(f"Instance Id not found - {asked.get('InstanceId')}")

    def _require(self, asked: Asked) -> Group:
        group = self.kept.groups.get(asked.get("AutoScalingGroupName", ""))
        if group is None or group.deleting:
            raise asked_for.invalid(f"AutoScalingGroup name not found - {asked.get('AutoScalingGroupName')}")
        return group
