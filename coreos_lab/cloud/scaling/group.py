"""Launch configurations and groups as they are kept, and the choice of where to launch and what to end."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from coreos_lab.cloud.moments import now
from coreos_lab.records.formats import Format, Record

FORMAT = Format("Auto Scaling's groups")
ACTIVITIES_KEPT = 100
SERVICE = "InService"
TEMPLATE = re.compile(r"lt-[0-9a-f]+")  # an id of a launch template


@dataclass
class Configuration:
    """A launch configuration: what a group's instances are started with, as EC2's RunInstances has it."""

    name: str
    arn: str
    created: str
    asked: dict[str, Any]


@dataclass
class Member:
    """An instance of a group. `instance` is "" until EC2 has answered to `token`, which makes asking again harmless.

    `serving`: the time since which it is in service. `registered`: the target groups and load balancers that know it.
    """

    token: str
    subnet: str
    zone: str
    configuration: str
    begun: str
    instance: str = ""
    state: str = "Pending"
    healthy: bool = True
    serving: float = 0.0
    registered: list[str] = field(default_factory=list)


@dataclass
class Activity:
    """What a group did, and why."""

    id: str
    description: str
    cause: str
    begun: str
    ended: str = ""
    status: str = "InProgress"
    reason: str = ""


@dataclass
class Refresh:
    """An instance refresh. `old` are the instances that are still to be replaced, of `count` in the beginning.

    `least` is the percentage of the group that must serve meanwhile, `warmup` the seconds before a new one counts.
    """

    id: str
    begun: str
    old: list[str]
    count: int
    least: int
    warmup: int
    status: str = "Pending"
    ended: str = ""

    def end(self, status: str) -> None:
        self.status, self.ended = status, now()


@dataclass
class Group:
    """A group. `subnets` has the zone of each subnet.

    `targets` are the ARNs of target groups, `balancers` the names of classic load balancers. `health` says whose checks
    decide about an instance: EC2's alone, or those of load balancers, too (ELB). `template` is its launch template with
    the version that was asked for; it has that or a `configuration`. `scaled`: when a policy was last executed.
    """

    name: str
    arn: str
    created: str
    configuration: str
    least: int
    most: int
    desired: int
    subnets: dict[str, str]
    tags: list[dict[str, Any]] = field(default_factory=list)
    grace: int = 300
    cooldown: int = 300
    members: list[Member] = field(default_factory=list)
    activities: list[Activity] = field(default_factory=list)
    deleting: bool = False
    retry_after: float = 0.0
    health: str = "EC2"
    targets: list[str] = field(default_factory=list)
    balancers: list[str] = field(default_factory=list)
    template: dict[str, str] = field(default_factory=dict)
    policies: list[dict[str, Any]] = field(default_factory=list)
    scaled: float = 0.0
    refreshes: list[Refresh] = field(default_factory=list)

    @property
    def refresh(self) -> Refresh | None:
        """The refresh that goes on."""
        return next((each for each in self.refreshes if not each.ended), None)

    @property
    def attached(self) -> list[str]:
        """Everything that its instances are to be registered with."""
        return [*self.targets, *self.balancers]


def is_within(since: float, seconds: float) -> bool:
    """Whether fewer than so many seconds have passed since a time, which is in seconds since the epoch.

    Where the clock was set back behind that time, they count as passed: else all would wait for the clock.
    """
    return 0.0 <= time.time() - since < seconds


def version_of(key: str) -> tuple[str, str] | None:
    """The launch template and the version that an instance was started with; None for a launch configuration's name."""
    name, _colon, version = key.rpartition(":")
    return (name, version) if TEMPLATE.fullmatch(name) else None


def next_subnet(group: Group) -> str:
    """Where the next instance is launched: in the zone with the fewest, and there in the subnet with the fewest."""

    staying = [each for each in group.members if each.state != "Terminating"]

    def load(subnet: str) -> tuple[int, int, str]:
        zone = group.subnets[subnet]
        in_zone = sum(each.zone == zone for each in staying)
        return in_zone, sum(each.subnet == subnet for each in staying), zone

    return min(group.subnets, key=load)


def victims(members: Sequence[Member], count: int, current: str) -> list[Member]:
    """Which instances are ended when there are too many, by AWS's default policy.

    From the zone that has the most; there one with another launch configuration than the group's, then the oldest.
    """
    left, chosen = list(members), []
    for _ in range(min(count, len(left))):
        sizes = {zone: sum(each.zone == zone for each in left) for zone in {each.zone for each in left}}
        zone = max(sorted(sizes), key=lambda each: sizes[each])
        one = min((each for each in left if each.zone == zone), key=lambda m: (m.configuration == current, m.begun))
        left.remove(one)
        chosen.append(one)
    return chosen


@dataclass
class Kept:
    """All groups and configurations of a cloud, in one file."""

    path: Path
    configurations: dict[str, Configuration] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)

    @classmethod
    def load(cls, path: Path) -> Kept:
        """What the file says; nothing where there is none."""
        return FORMAT.read(path, lambda raw: _parse(path, raw)) if path.exists() else cls(path)

    def save(self) -> None:
        """Writes everything; it is on the disk when this returns."""
        configurations = {name: asdict(each) for name, each in self.configurations.items()}
        groups = {name: asdict(each) for name, each in self.groups.items()}
        FORMAT.write(self.path, {"configurations": configurations, "groups": groups}, 0o600)


def _parse(path: Path, raw: Record) -> Kept:
    configurations = {name: Configuration(**each) for name, each in raw["configurations"].items()}
    return Kept(path, configurations, {name: _group(each) for name, each in raw["groups"].items()})


def _group(raw: Mapping[str, Any]) -> Group:
    members = [Member(**each) for each in raw["members"]]
    refreshes = [Refresh(**each) for each in raw.get("refreshes", [])]
    activities = [Activity(**each) for each in raw["activities"]]
    return Group(**{**raw, "members": members, "activities": activities, "refreshes": refreshes})
