"""What a load balancer is to be, what haproxy is told, and what a target's state is called."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from coreos_lab.cloud.balancing import control, haproxy_config, health, plan
from coreos_lab.cloud.balancing.classic import ATTRIBUTES as CLASSIC_ATTRIBUTES
from coreos_lab.cloud.balancing.control import Seen
from coreos_lab.cloud.balancing.haproxy_config import Place
from coreos_lab.cloud.balancing.kept import APPLICATION, CLASSIC, Balancer, Check, Kept, Listener, Target, TargetGroup
from coreos_lab.cloud.balancing.leaving import LATE, forget
from coreos_lab.cloud.balancing.plan import Machine
from coreos_lab.cloud.balancing.v2 import ATTRIBUTES
from coreos_lab.cloud.balancing.v2_groups import ATTRIBUTES as GROUP_ATTRIBUTES
from coreos_lab.cloud.balancing.wanted import Wanted
from coreos_lab.cloud.network import Port
from coreos_lab.cloud.states import RUNNING, STOPPED

ARN = "arn:aws:elasticloadbalancing:us-west-2:123456789012:targetgroup/web/0123456789abcdef"
POOL = "group-0123456789abcdef"
CHECK = Check("HTTP", 0, "/health", 30, 5, 5, 2, "200-299,404")
SUBNETS = {"subnet-a": "us-west-2a", "subnet-b": "us-west-2b"}
PORTS = [Port("eni-a", 1001, "subnet-a", "10.1.1.9", "m"), Port("eni-b", 1002, "subnet-b", "10.1.2.9", "m")]
MACHINES = {
    "i-a": Machine("i-a", RUNNING, "10.1.1.4", "us-west-2a", "vpc-1"),
    "i-b": Machine("i-b", RUNNING, "10.1.2.4", "us-west-2b", "vpc-1"),
    "i-off": Machine("i-off", STOPPED, "10.1.2.5", "us-west-2b", "vpc-1"),
    "i-c": Machine("i-c", RUNNING, "10.1.3.4", "us-west-2c", "vpc-1"),
}
TARGETS = [Target("i-a", 3000), Target("i-b", 3000), Target("i-off", 3000), Target("i-c", 3000)]


def group(**attributes: str) -> TargetGroup:
    return TargetGroup("web", ARN, "HTTP", 3000, "vpc-1", CHECK, {**GROUP_ATTRIBUTES, **attributes}, [], list(TARGETS))


def application() -> Balancer:
    listeners = [Listener("HTTP", 80, "arn:listener", ARN)]
    return Balancer(
        "web", APPLICATION, 1, "arn", "dns", "", "internal", "vpc-1", SUBNETS, [], dict(ATTRIBUTES), [], listeners
    )


def classic(**attributes: str) -> Balancer:
    listeners = [Listener("TCP", 2379, instance_protocol="TCP", instance_port=2380)]
    its = {**CLASSIC_ATTRIBUTES, **attributes}
    made = Balancer("etcd", CLASSIC, 2, "", "dns", "", "internal", "vpc-1", SUBNETS, [], its, [], listeners)
    made.targets = [Target(each.instance) for each in TARGETS]
    return made


def planned(balancer: Balancer, *groups: TargetGroup) -> Wanted:
    return plan.wanted(balancer, Kept(Path("none"), [balancer], list(groups)), MACHINES, PORTS)


def test_servers_are_the_running_targets_in_zones_that_are_enabled() -> None:
    (pool,) = planned(application(), group()).pools
    assert [server.name for server in pool.servers] == ["i-a-3000", "i-b-3000"]
    assert (pool.drain, pool.sticky, pool.eager, pool.open) == (300, 0, True, True)


def test_a_target_that_leaves_is_no_server() -> None:
    leaving = group()
    leaving.targets = [Target("i-a", 3000, leaving=True), Target("i-b", 3000)]
    (pool,) = planned(application(), leaving).pools
    assert [server.name for server in pool.servers] == ["i-b-3000"]


def test_a_classic_one_keeps_to_the_zone_unless_it_is_to_cross_it() -> None:
    wanted = planned(classic())
    assert {pool.name: [server.name for server in pool.servers] for pool in wanted.pools} == {
        "tcp2380-us-west-2a": ["i-a-2380"],
        "tcp2380-us-west-2b": ["i-b-2380"],
    }
    assert {front.pool: front.addresses for front in wanted.fronts} == {
        "tcp2380-us-west-2a": ("10.1.1.9",),
        "tcp2380-us-west-2b": ("10.1.2.9",),
    }
    across = planned(classic(**{plan.CROSS_ZONE: "true"}))
    assert [(len(pool.servers), pool.drain) for pool in across.pools] == [(2, 0)]
    assert [front.addresses for front in across.fronts] == [("10.1.1.9", "10.1.2.9")]


def test_only_what_is_not_a_server_needs_a_reload() -> None:
    before = planned(application(), group()).frame
    fewer = group()
    fewer.targets = fewer.targets[:1]
    assert planned(application(), fewer).frame == before
    assert planned(application(), replace(group(), check=replace(CHECK, interval=10))).frame != before
    assert planned(application(), group(**{plan.STICKY: "true"})).frame != before


@pytest.mark.skipif(shutil.which("haproxy") is None, reason="haproxy is not installed")
@pytest.mark.parametrize("known", [(), [(POOL, "i-a-3000"), ("tcp2380-us-west-2a", "i-a-2380")]])
@pytest.mark.parametrize("kind", ["application", "classic", "bare"])
def test_haproxy_understands_the_configuration(tmp_path: Path, kind: str, known: list[tuple[str, str]]) -> None:
    sticky = group(**{plan.STICKY: "true"})
    odd = tmp_path / "a folder's"
    place = Place(odd, Path("/run/lab's.sock"))  # where it is outside of tests: haproxy takes 97 bytes at most
    place.nowhere.mkdir(parents=True)
    place.refused.write_text(haproxy_config.refused())
    place.states.write_text(haproxy_config.NO_STATES)
    bare = replace(application(), listeners=[])
    its = {"application": planned(application(), sticky), "classic": planned(classic()), "bare": planned(bare)}[kind]
    place.config.write_text(haproxy_config.text(its, place, known))
    done = subprocess.run(["haproxy", "-c", "-f", place.config], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "[WARNING]" not in done.stderr
    assert ("  server i-a-" in place.config.read_text()) == bool(known and kind != "bare")
    assert "  server i-b-" not in place.config.read_text(), "it would begin as healthy"


STAT = (
    "# pxname,svname,scur,status,check_status,check_code,\n"
    f"{POOL},i-a-3000,2,UP 1/2,* L7STS,500,\n"
    f"{POOL},i-b-3000,0,DOWN,INI,,\n"
    f"{POOL},i-off-3000,0,MAINT,L7OK,200,\n"
)


def test_haproxy_s_statistics_are_read() -> None:
    seen = control.parse(STAT)
    first, second, third = (seen[POOL, f"{name}-3000"] for name in ("i-a", "i-b", "i-off"))
    assert (first.up, first.checked, first.code, first.sessions) == (True, "L7STS", "500", 2)
    assert (second.up, second.checked, second.passed) == (False, "", False)
    assert (third.up, third.leaving, third.passed) == (False, True, True)


NOW, NEW, OLD = 1000.0, 990.0, 100.0


@pytest.mark.parametrize(
    ("instance", "since", "seen", "state", "reason"),
    [
        ("i-a", 0.0, None, "initial", "Elb.RegistrationInProgress"),
        ("i-a", NEW, Seen("DOWN", "", "", 0), "initial", "Elb.InitialHealthChecking"),
        ("i-a", NEW, Seen("DOWN", "L4CON", "", 0), "initial", "Elb.InitialHealthChecking"),
        ("i-a", NEW, Seen("UP", "L7OK", "200", 0), "healthy", ""),
        ("i-a", OLD, Seen("UP 1/2", "L7STS", "500", 0), "healthy", ""),
        ("i-a", OLD, Seen("DOWN", "L7STS", "500", 0), "unhealthy", "Target.ResponseCodeMismatch"),
        ("i-a", OLD, Seen("DOWN", "L7TOUT", "", 0), "unhealthy", "Target.Timeout"),
        ("i-a", OLD, Seen("DOWN", "L4CON", "", 0), "unhealthy", "Target.FailedHealthChecks"),
        ("i-off", OLD, None, "unused", "Target.InvalidState"),
        ("i-c", OLD, None, "unused", "Target.NotInUse"),
    ],
)
def test_the_state_of_a_target(instance: str, since: float, seen: Seen | None, state: str, reason: str) -> None:
    servers = {(POOL, f"{instance}-3000"): seen} if seen else {}
    target = Target(instance, 3000, since)
    said = health.of_target(target, POOL, CHECK, application(), MACHINES[instance], servers, NOW)
    assert (said.state, said.reason) == (state, reason)


def test_a_target_that_leaves_is_draining_and_one_without_a_listener_unused() -> None:
    leaving = Target("i-a", 3000, OLD, leaving=True)
    assert health.of_target(leaving, POOL, CHECK, application(), MACHINES["i-a"], {}, NOW).state == "draining"
    alone = health.of_target(Target("i-a", 3000, OLD), POOL, CHECK, None, MACHINES["i-a"], {}, NOW)
    assert (alone.state, alone.reason) == ("unused", "Target.NotInUse")


@pytest.mark.parametrize(
    ("instance", "since", "seen", "state", "reason"),
    [
        ("i-a", NEW, None, "OutOfService", "ELB"),
        ("i-a", OLD, Seen("DOWN 2/3", "L4OK", "", 0), "OutOfService", "ELB"),
        ("i-a", OLD, Seen("UP", "L4OK", "", 0), "InService", ""),
        ("i-a", OLD, Seen("DOWN", "L4CON", "", 0), "OutOfService", "Instance"),
        ("i-off", OLD, None, "OutOfService", "Instance"),
    ],
)
def test_the_state_of_an_instance(instance: str, since: float, seen: Seen | None, state: str, reason: str) -> None:
    servers = {("tcp2380-us-west-2a", f"{instance}-2380"): seen} if seen else {}
    said = health.of_instance(Target(instance, 0, since), classic(), MACHINES[instance], servers, NOW)
    assert (said.state, said.reason) == (state, reason)


@pytest.mark.parametrize(("delay", "drains", "waited"), [("300", "true", 300), ("0", "true", 0), ("300", "false", 0)])
def test_a_target_that_left_is_forgotten_after_its_delay_whatever_haproxy_does(
    delay: str, drains: str, waited: int
) -> None:
    """A haproxy that never starts never says that connections have ended."""
    of_group, of_classic = group(), classic()
    of_group.attributes[plan.DELAY] = str(waited)
    of_classic.attributes |= {plan.DRAIN: drains, plan.DRAIN_FOR: delay}
    kept = Kept(Path("none"), [application(), of_classic], [of_group])
    for owner in (of_group, of_classic):
        owner.targets = [Target("i-a", 3000, leaving=True, left=NOW), Target("i-b", 3000)]
    assert not forget(kept, MACHINES, NOW + waited + LATE)
    assert forget(kept, MACHINES, NOW + waited + LATE + 1)
    assert [[each.instance for each in owner.targets] for owner in (of_group, of_classic)] == [["i-b"], ["i-b"]]
