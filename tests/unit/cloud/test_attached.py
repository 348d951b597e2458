"""What Auto Scaling asks of load balancers, and that it waits for connections before it ends an instance."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from coreos_lab.cloud.scaling.attached import Attached
from coreos_lab.cloud.scaling.group import Configuration, Group, Kept, Member
from coreos_lab.cloud.scaling.keeper import Keeper

ARN = "arn:aws:elasticloadbalancing:us-west-2:123456789012:targetgroup/web/0123456789abcdef"


class GoneError(Exception):
    """As botocore has it."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.response = {"Error": {"Code": code, "Message": code}}


class Fake:
    """All services as one client: notes what is changed, and says what the test wants."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.state, self.machine = "healthy", "running"
        self.refuses = ""

    def __call__(self, _service: str) -> Any:
        return self

    def register_targets(self, **_asked: Any) -> None:
        if self.refuses:
            raise GoneError(self.refuses)
        self.calls.append("register")

    def deregister_targets(self, **_asked: Any) -> None:
        if self.refuses:
            raise GoneError(self.refuses)
        self.calls.append("deregister")
        self.state = "draining"

    def describe_target_health(self, **_asked: Any) -> dict[str, Any]:
        if self.refuses:
            raise GoneError(self.refuses)
        return {"TargetHealthDescriptions": [{"Target": {"Id": "i-1"}, "TargetHealth": {"State": self.state}}]}

    def register_instances_with_load_balancer(self, **_asked: Any) -> None:
        self.calls.append("register classic")

    def describe_instance_health(self, **_asked: Any) -> dict[str, Any]:
        rows = [("i-1", "OutOfService", "Instance"), ("i-2", "OutOfService", "ELB"), ("i-3", "InService", "N/A")]
        return {"InstanceStates": [{"InstanceId": a, "State": b, "ReasonCode": c} for a, b, c in rows]}

    def describe_instances(self, **_asked: Any) -> dict[str, Any]:
        return {"Reservations": [{"Instances": [{"InstanceId": "i-1", "State": {"Name": self.machine}}]}]}

    def terminate_instances(self, **_asked: Any) -> None:
        self.calls.append("terminate")
        self.machine = "terminated"


def group(**more: Any) -> Group:
    member = Member("token", "subnet-a", "us-west-2a", "one", "", "i-1", "InService")
    return Group("web", "arn", "", "one", 0, 1, 1, {"subnet-a": "us-west-2a"}, members=[member], **more)


@pytest.fixture
def fake() -> Fake:
    return Fake()


def keeper(fake: Fake, its: Group) -> Keeper:
    path = Path("scaling.json").absolute()
    return Keeper(Kept(path, {"one": Configuration("one", "", "", {})}, {"web": its}), fake, print)


def test_a_member_is_registered_once_with_everything_and_taken_away_from_the_rest(fake: Fake) -> None:
    its, attached = group(targets=[ARN], balancers=["etcd"]), Attached(fake, print)
    attached.join(its, its.members[0])
    attached.join(its, its.members[0])
    assert fake.calls == ["register", "register classic"]
    its.targets = []
    attached.join(its, its.members[0])
    assert fake.calls[2:] == ["deregister"]
    assert its.members[0].registered == ["etcd"]


def test_a_registration_that_fails_is_said_and_not_repeated_at_once(fake: Fake) -> None:
    said: list[str] = []
    its, attached = group(targets=[ARN]), Attached(fake, said.append)
    fake.refuses = "InvalidTarget"
    attached.join(its, its.members[0])
    attached.join(its, its.members[0])
    assert said == ["web: i-1: InvalidTarget"]
    assert its.members[0].registered == []


def test_who_is_unhealthy(fake: Fake) -> None:
    fake.state = "unhealthy"
    assert Attached(fake, print).unhealthy(group(targets=[ARN])) == {"i-1"}
    fake.state = "initial"
    assert Attached(fake, print).unhealthy(group(targets=[ARN])) == set()
    assert Attached(fake, print).unhealthy(group(balancers=["etcd"])) == {"i-1"}, "i-2 has had too few checks"


def test_an_instance_is_ended_when_its_connections_have_ended(
    fake: Fake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    its = group(targets=[ARN])
    looks = keeper(fake, its)
    looks.look("web")
    its.desired = 0
    looks.look("web")
    looks.look("web")
    assert fake.calls == ["register", "deregister"]
    fake.state = "unused"
    looks.look("web")
    assert fake.calls[2:] == ["terminate"]
    looks.look("web")
    assert its.members == []


@pytest.mark.parametrize("why", ["the group is deleted", "its machine is off", "the target group is gone"])
def test_nothing_is_waited_for_in_vain(fake: Fake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, why: str) -> None:
    monkeypatch.chdir(tmp_path)
    its = group(targets=[ARN])
    looks = keeper(fake, its)
    looks.look("web")
    if why == "the group is deleted":
        its.deleting = True
    elif why == "its machine is off":
        fake.machine = "stopped"
    else:
        fake.refuses, its.desired = "TargetGroupNotFound", 0
    looks.look("web")
    looks.look("web")
    assert "terminate" in fake.calls


def test_one_that_fails_its_checks_is_replaced_after_the_grace_period(
    fake: Fake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    its = group(targets=[ARN], health="ELB", grace=300)
    its.members[0].serving = time.time()
    fake.state = "unhealthy"
    looks = keeper(fake, its)
    looks.look("web")
    assert its.members[0].state == "InService"
    its.members[0].serving = 1.0
    looks.look("web")
    assert its.members[0].state == "Terminating"
    assert any("ELB system health check" in each.cause for each in its.activities)
