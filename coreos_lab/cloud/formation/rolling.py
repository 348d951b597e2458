"""Rolling updates of groups: an UpdatePolicy replaces the instances that were launched with something else.

Source: AWS's "UpdatePolicy attribute", AutoScalingRollingUpdate.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from coreos_lab.cloud import query
from coreos_lab.cloud.formation import signals
from coreos_lab.cloud.formation.call import Call, true
from coreos_lab.cloud.formation.errors import invalid

POLICY = "AutoScalingRollingUpdate"
KEYS = {"MaxBatchSize", "MinInstancesInService", "PauseTime", "WaitOnResourceSignals"}
SIGNALLED = "PT5M"  # AWS's default for a PauseTime within which signals must come


@dataclass(frozen=True)
class Rolling:
    """How many instances are replaced at once, how many must serve meanwhile, and what each batch is waited for."""

    batch: int = 1
    least: int = 0
    pause: int = 0
    signals: bool = False


def rolling(policy: Mapping[str, Any]) -> Rolling | None:
    """What an UpdatePolicy says, None where it says nothing. RefusedError for what is not carried out."""
    if strange := sorted({*policy} - {POLICY}):
        raise invalid(f"UpdatePolicy: {strange[0]}: not part of this cloud")
    if POLICY not in policy:
        return None
    its = policy[POLICY]
    if strange := sorted({*its} - KEYS):
        raise invalid(f"UpdatePolicy: {POLICY}: {strange[0]}: not part of this cloud")
    signalled = true(its.get("WaitOnResourceSignals", False))
    numbers = {key: str(its.get(key, default)) for key, default in (("MaxBatchSize", 1), ("MinInstancesInService", 0))}
    for key, text in numbers.items():
        if not query.is_number(text) or (key == "MaxBatchSize" and not int(text)):
            raise invalid(f"UpdatePolicy: {key} {text}: must be a number of instances")
    pause = signals.seconds(its.get("PauseTime", SIGNALLED if signalled else "PT0S"))
    return Rolling(int(numbers["MaxBatchSize"]), int(numbers["MinInstancesInService"]), pause, signalled)


class Update:
    """Rolls one group. `call` has the clients, and the signals that the group has got."""

    def __init__(self, call: Call, name: str, how: Rolling) -> None:
        self.call, self.name, self.how, self.asg = call, name, how, call.client("autoscaling")

    def run(self) -> None:
        """Replaces every instance that was not launched with what the group has now, batch by batch."""
        group = self._group()
        desired, most = int(group["DesiredCapacity"]), int(group["MaxSize"])
        if self.how.least >= most and desired:
            raise invalid(
                f"UpdatePolicy: MinInstancesInService {self.how.least}: must be less than the MaxSize, {most}"
            )
        grown = 0
        while old := self._outdated():
            there = set(self._ids())
            batch = old[: self.how.batch]
            if (more := min(self.how.least + len(batch), most) - desired) > grown:
                grown = more
                self._resize(desired + grown)
            self._replace(batch[: desired + grown - self.how.least])
            self._settle(set(self._ids()) - there)
        if grown:
            self._resize(desired)

    def _group(self) -> dict[str, Any]:
        found: dict[str, Any] = self.asg.describe_auto_scaling_groups(AutoScalingGroupNames=[self.name])[
            "AutoScalingGroups"
        ][0]
        return found

    def _ids(self) -> list[str]:
        return [each["InstanceId"] for each in self._group()["Instances"]]

    def _outdated(self) -> list[str]:
        group = self._group()
        template = group.get("LaunchTemplate")
        now: Any = group.get("LaunchConfigurationName")
        if template:
            asked = {"LaunchTemplateId": template["LaunchTemplateId"], "Versions": [template["Version"]]}
            version = self.call.ec2.describe_launch_template_versions(**asked)["LaunchTemplateVersions"][0]
            now = template["LaunchTemplateId"], str(version["VersionNumber"])
        return [each["InstanceId"] for each in group["Instances"] if _launched_with(each) != now]

    def _resize(self, count: int) -> None:
        self.asg.set_desired_capacity(AutoScalingGroupName=self.name, DesiredCapacity=count)
        self._await(set())

    def _replace(self, batch: list[str]) -> None:
        for each in batch:
            asked = {"InstanceId": each, "ShouldDecrementDesiredCapacity": False}
            self.asg.terminate_instance_in_auto_scaling_group(**asked)
        self._await(set(batch))

    def _await(self, gone: set[str]) -> None:
        """Waits until the group has as many instances as it should, all in service, and none of some."""

        def complete() -> bool:
            group = self._group()
            states = [each["LifecycleState"] for each in group["Instances"]]
            there = {each["InstanceId"] for each in group["Instances"]}
            return not there & gone and states == ["InService"] * int(group["DesiredCapacity"])

        self.call.wait(complete, f"{self.name} does not have its instances")

    def _settle(self, fresh: set[str]) -> None:
        """What is waited for after a batch: signals of its instances, or a time."""
        if self.how.signals:
            wanted = signals.Awaited(len(fresh), self.how.pause)
            got = self.call.signals
            signals.await_them(
                lambda: {each: said for each, said in got().items() if each in fresh}, wanted, self.call.wait
            )
        elif self.how.pause:
            end = time.monotonic() + self.how.pause
            self.call.wait(lambda: time.monotonic() >= end, "the pause is not over", self.how.pause + 60.0)


def _launched_with(instance: Mapping[str, Any]) -> Any:
    template = instance.get("LaunchTemplate")
    if template:
        return template["LaunchTemplateId"], str(template["Version"])
    return instance.get("LaunchConfigurationName")
