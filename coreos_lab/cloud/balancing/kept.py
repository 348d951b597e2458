"""Load balancers and target groups as they are kept, in one file of the cloud."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from coreos_lab.records.formats import Format, Record

FORMAT = Format("load balancers")
APPLICATION, CLASSIC = "application", "classic"
PROVISIONING, ACTIVE = "provisioning", "active"
INTERNAL, PUBLIC = "internal", "internet-facing"
Values = dict[str, Any]


@dataclass
class Target:
    """An instance that gets requests, at `port`.

    `since`: the time at which its checks began, 0 before that. `leaving`: it gets no new requests, and is forgotten
    when its connections have ended, or have had their time since it `left`.
    """

    instance: str
    port: int = 0
    since: float = 0.0
    leaving: bool = False
    left: float = 0.0

    def leave(self) -> None:
        """Gives it no new requests."""
        if not self.leaving:
            self.leaving, self.left = True, time.time()


@dataclass
class Check:
    """A health check as it was asked for; times in seconds, `port` 0 for the one that gets the requests.

    `codes` are HTTP's status codes that pass, such as 200,202 or 200-299.
    """

    protocol: str
    port: int
    path: str
    interval: int
    timeout: int
    healthy: int
    unhealthy: int
    codes: str = "200"


@dataclass
class Listener:
    """Where a load balancer listens, and what it forwards to: a target group, or the instances' own port.

    `arn` and `group` are of an application load balancer, `instance_protocol` and `instance_port` of a classic one.
    """

    protocol: str
    port: int
    arn: str = ""
    group: str = ""
    instance_protocol: str = ""
    instance_port: int = 0


@dataclass
class TargetGroup:
    """A target group."""

    name: str
    arn: str
    protocol: str
    port: int
    vpc: str
    check: Check
    attributes: dict[str, str] = field(default_factory=dict)
    tags: list[dict[str, str]] = field(default_factory=list)
    targets: list[Target] = field(default_factory=list)


@dataclass
class Balancer:
    """A load balancer. `subnets` has the zone of each; `number` names what it has on the host.

    `arn` is "" for a classic one; `check` and `targets` are a classic one's. One that is `deleting` is not shown.
    """

    name: str
    kind: str
    number: int
    arn: str
    dns: str
    created: str
    scheme: str
    vpc: str
    subnets: dict[str, str]
    groups: list[str]
    attributes: dict[str, str] = field(default_factory=dict)
    tags: list[dict[str, str]] = field(default_factory=list)
    listeners: list[Listener] = field(default_factory=list)
    state: str = PROVISIONING
    deleting: bool = False
    check: Check = field(default_factory=lambda: Check("TCP", 0, "", 30, 5, 10, 2))
    targets: list[Target] = field(default_factory=list)

    @property
    def key(self) -> str:
        """Identifies it: its ARN, or a classic one's name, which only one has."""
        return self.arn or self.dns


@dataclass
class Kept:
    """All load balancers and target groups of a cloud."""

    path: Path
    balancers: list[Balancer] = field(default_factory=list)
    groups: list[TargetGroup] = field(default_factory=list)

    @classmethod
    def load(cls, path: Path) -> Kept:
        """What the file says; nothing where there is none."""
        return FORMAT.read(path, lambda raw: _parse(path, raw)) if path.exists() else cls(path)

    def save(self) -> None:
        """Writes everything; it is on the disk when this returns."""
        whole = {
            "balancers": [asdict(each) for each in self.balancers],
            "groups": [asdict(each) for each in self.groups],
        }
        FORMAT.write(self.path, whole, 0o600)

    def shown(self, kind: str) -> list[Balancer]:
        """The load balancers of a generation that the API shows."""
        return [each for each in self.balancers if each.kind == kind and not each.deleting]

    def user_of(self, group: TargetGroup) -> Balancer | None:
        """The load balancer with a listener that forwards to a group."""
        users = (each for each in self.shown(APPLICATION) if any(one.group == group.arn for one in each.listeners))
        return next(users, None)

    def free_number(self) -> int:
        """The first number that no load balancer has, not even one that is about to go."""
        taken = {each.number for each in self.balancers}
        return next(i for i in range(1, len(taken) + 2) if i not in taken)


def _parse(path: Path, raw: Record) -> Kept:
    return Kept(path, [_balancer(each) for each in raw["balancers"]], [_group(each) for each in raw["groups"]])


def _balancer(raw: Mapping[str, Any]) -> Balancer:
    parts = {
        "listeners": [Listener(**each) for each in raw["listeners"]],
        "targets": [Target(**each) for each in raw["targets"]],
        "check": Check(**raw["check"]),
    }
    return Balancer(**{**raw, **parts})


def _group(raw: Mapping[str, Any]) -> TargetGroup:
    return TargetGroup(
        **{**raw, "targets": [Target(**each) for each in raw["targets"]], "check": Check(**raw["check"])}
    )
