"""Makes each group have the instances that it should: launches, replaces, ends. Asks EC2 as any client does."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

from coreos_lab.cloud.moments import now
from coreos_lab.cloud.scaling import refreshing
from coreos_lab.cloud.scaling.attached import Attached
from coreos_lab.cloud.scaling.group import (
    ACTIVITIES_KEPT,
    SERVICE,
    Activity,
    Group,
    Kept,
    Member,
    is_within,
    next_subnet,
    victims,
)
from coreos_lab.cloud.scaling.launching import Launching

LIVE = ("pending", "running")
LOOK = 0.5  # seconds between two looks
RETRY = 10.0  # seconds until a launch that has failed is tried again


class Keeper:
    """The loop over all groups. `lock` is held while anything of them changes."""

    def __init__(self, kept: Kept, client: Callable[[str], Any], say: Callable[[str], None]) -> None:
        self.kept, self.client, self.say = kept, client, say
        self.attached = Attached(client, say)
        self.launching = Launching(kept, client)
        self.lock = threading.RLock()
        self.changed = threading.Event()

    def begin(self) -> None:
        """Goes on for as long as the process does."""
        threading.Thread(target=self._run, daemon=True, name="auto scaling").start()

    def _run(self) -> None:
        while True:
            self.changed.wait(LOOK)
            self.changed.clear()
            for name in list(self.kept.groups):
                try:
                    self.look(name)
                except Exception as error:
                    self.say(f"{name}: {type(error).__name__}: {error}")

    def look(self, name: str) -> None:
        """Compares one group with what it should be, and does what is missing."""
        with self.lock:
            group = self.kept.groups.get(name)
            if group is None:
                return
            states = self._states(group)
            failed = self.attached.unhealthy(group) if group.health == "ELB" else set()
            for member in list(group.members):
                self._judge(group, member, states, failed)
                if member.state == SERVICE:
                    self.attached.join(group, member)
            for member in refreshing.step(group, failed, time.time()):
                cause = f"At {now()} an instance was taken out of service in response to an instance refresh."
                self._terminate(group, member, cause)
            gone = not group.members and group.deleting
            if gone:
                del self.kept.groups[name]
            else:
                self._size(group)
            self.kept.save()

    def _states(self, group: Group) -> dict[str, str]:
        """What the group's instances are doing, by their ids."""
        ids = [member.instance for member in group.members if member.instance]
        if not ids:
            return {}
        listed = self.client("ec2").describe_instances(Filters=[{"Name": "instance-id", "Values": ids}])["Reservations"]
        return {each["InstanceId"]: each["State"]["Name"] for one in listed for each in one["Instances"]}

    def _judge(self, group: Group, member: Member, states: dict[str, str], failed: set[str]) -> None:
        """Whether a member serves, is to be replaced, or is gone."""
        state = states.get(member.instance, "terminated") if member.instance else ""
        if member.state == "Terminating":
            if state in ("terminated", ""):
                group.members.remove(member)
                self._end(group, member, "Successful")
            elif state != "shutting-down" and (state not in LIVE or self._may_go(group, member)):
                self.client("ec2").terminate_instances(InstanceIds=[member.instance])
        elif member.instance and (state not in LIVE or not member.healthy):
            why = "an EC2 health check indicating it has been terminated or stopped"
            if not member.healthy:
                why = "a user health-check"
            cause = f"At {now()} an instance was taken out of service in response to {why}."
            self._terminate(group, member, cause)
        elif member.instance in failed and not is_within(member.serving, group.grace):
            why = "an ELB system health check failure"
            cause = f"At {now()} an instance was taken out of service in response to {why}."
            self._terminate(group, member, cause)
        elif state == "running" and member.state == "Pending":
            member.state, member.serving = SERVICE, time.time()
            self._end(group, member, "Successful")

    def _size(self, group: Group) -> None:
        """Launches what is missing and ends what is too much."""
        staying = [member for member in group.members if member.state != "Terminating"]
        desired = 0 if group.deleting else group.desired
        for member in [each for each in staying if not each.instance]:
            self._launch(group, member)  # whose launch was interrupted
        if len(staying) == desired:
            return
        current = self.launching.key(group)
        for member in victims(staying, len(staying) - desired, current):
            cause = f"At {now()} an instance was taken out of service as the desired capacity is {desired}."
            self._terminate(group, member, cause)
        if is_within(group.retry_after - RETRY, RETRY):  # the last launch has just failed, so the next would, too
            return
        for _ in range(desired - len(staying)):
            subnet = next_subnet(group)
            member = Member(str(uuid4()), subnet, group.subnets[subnet], current, now())
            cause = f"At {now()} an instance was started, as the desired capacity is {desired}."
            group.members.append(member)
            self._note(group, member, "Launching a new EC2 instance", cause)
            self.kept.save()  # before the act: the token makes it repeatable
            if not self._launch(group, member):
                return

    def _launch(self, group: Group, member: Member) -> bool:
        """Starts a member's instance; returns whether EC2 did."""
        from botocore.exceptions import HTTPClientError

        try:
            member.instance = self._started(group, member)
        except HTTPClientError as error:  # no answer: EC2 may have started it, and is asked again by the same token
            self.say(f"{group.name}: {error}")
            return False
        except Exception as error:
            group.members.remove(member)
            group.retry_after = time.time() + RETRY
            self._end(group, member, "Failed", f"{error}")
            self.say(f"{group.name}: {error}")
            return False
        for activity in group.activities:
            if activity.id == member.token:
                activity.description = f"Launching a new EC2 instance: {member.instance}"
        return True

    def _started(self, group: Group, member: Member) -> str:
        """Has EC2 start an instance, and returns its id. LookupError where its launch configuration is gone."""
        asked = self.launching.asked(member.configuration)
        tags = [{"Key": "aws:autoscaling:groupName", "Value": group.name}]
        tags += [{"Key": each["Key"], "Value": each["Value"]} for each in group.tags if each["PropagateAtLaunch"]]
        tags += [each for each in asked.pop("Tags", []) if each["Key"] not in {tag["Key"] for tag in tags}]
        interface: dict[str, Any] = {"DeviceIndex": 0, "SubnetId": member.subnet}
        if groups := asked.pop("SecurityGroupIds", None):
            interface["Groups"] = groups
        if (public := asked.pop("AssociatePublicIpAddress", None)) is not None:
            interface["AssociatePublicIpAddress"] = public
        if profile := asked.pop("IamInstanceProfile", None):
            asked["IamInstanceProfile"] = {"Arn" if str(profile).startswith("arn:") else "Name": profile}
        if data := asked.pop("UserData", None):
            asked["UserData"] = bytes.fromhex(data)
        started = self.client("ec2").run_instances(
            MinCount=1,
            MaxCount=1,
            ClientToken=member.token,
            NetworkInterfaces=[interface],
            TagSpecifications=[{"ResourceType": "instance", "Tags": tags}],
            **asked,
        )
        return str(started["Instances"][0]["InstanceId"])

    def _terminate(self, group: Group, member: Member, cause: str) -> None:
        if member.state == "Pending":
            self._end(group, member, "Cancelled")
        member.state = "Terminating"
        member.token = str(uuid4())
        self._note(group, member, f"Terminating EC2 instance: {member.instance}", cause)
        self.kept.save()
        self.attached.leave(member)
        if member.instance and self._may_go(group, member):
            self.client("ec2").terminate_instances(InstanceIds=[member.instance])

    def _may_go(self, group: Group, member: Member) -> bool:
        """Whether connections to a member are not waited for any more. A group that is deleted waits for none."""
        return group.deleting or self.attached.has_left(member)

    def _note(self, group: Group, member: Member, description: str, cause: str) -> None:
        group.activities.insert(0, Activity(member.token, description, cause, now()))
        del group.activities[ACTIVITIES_KEPT:]

    def _end(self, group: Group, member: Member, status: str, reason: str = "") -> None:
        for activity in group.activities:
            if activity.id == member.token:
                activity.status, activity.reason, activity.ended = status, reason, now()
