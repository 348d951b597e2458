"""Nodes join and leave a running cluster, with a lab on it, and with the command killed in between."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.e2e.calls import Result, again, checks_pass, comes_to, lab, start, until

Lab = Callable[..., Result]


@pytest.fixture
def scaled(ch3: Lab) -> Iterator[Lab]:
    """Three nodes with ch3 on them, and three again when the test is over."""
    yield ch3
    lab("heal", code=None)
    lab("scale", "3", code=None)


def names(count: int) -> list[str]:
    return [f"core-{number:02d}" for number in range(1, count + 1)]


def assert_whole(count: int) -> None:
    """As many nodes, etcd members and fleet machines as there should be, all in order, and ch3 works on them."""
    assert [(node["name"], node["state"]) for node in nodes()] == [(name, "running") for name in names(count)]
    comes_to(lambda: [node["etcd_healthy"] for node in nodes()], [True] * count)
    comes_to(lambda: len(lab("etcdctl", "member", "list").out.splitlines()), min(count, 5))
    until(lambda: "cluster is healthy" in lab("etcdctl", "cluster-health", code=None).out)
    comes_to(lambda: len(machines()), count)
    checks_pass("ch3")


def nodes() -> list[dict[str, Any]]:
    return list(lab("status", "--json").json["nodes"])


def machines() -> list[str]:
    """fleet's."""
    return lab("fleetctl", "list-machines", "--no-legend").out.splitlines()


def push_units_to(chosen: list[str], others: list[str]) -> None:
    """Has fleet move what it can, by taking the other nodes' fleetd off and on again."""
    for node in others:
        lab("ssh", node, "--", "sudo", "systemctl", "stop", "fleet.socket", "fleet.service")
    try:
        until(lambda: set(where().values()) & set(chosen))
    finally:
        for node in others:
            lab("ssh", node, "--", "sudo", "systemctl", "start", "fleet.socket", "fleet.service")
    comes_to(lambda: len(machines()), len(nodes()))  # as long as fleet does not list a machine, no unit can move there


def where() -> dict[str, str]:
    """Each active unit's node."""
    units = lab("status", "--json").json["units"] or []
    return {unit["name"]: unit["node"] for unit in units if unit["active"] == "active"}


def test_a_node_comes_and_goes(scaled: Lab) -> None:
    assert scaled("scale", "4", "--json").json["joined"] == ["core-04"]
    assert "has 4 nodes" in scaled("scale", "4").out
    told = scaled("scale", "3", "--json").json
    assert (told["nodes"], told["left"], told["stranded"]) == (names(3), ["core-04"], {})
    assert_whole(3)


def test_three_five_three_four(scaled: Lab) -> None:
    scaled("scale", "5")
    assert_whole(5)
    push_units_to(["core-04", "core-05"], ["core-01", "core-02"])
    told = scaled("scale", "3", "--json").json
    assert told["stranded"] == {}
    assert_whole(3)
    comes_to(lambda: len(where()), 8)  # no unit is lost
    scaled("scale", "4")
    assert_whole(4)


@pytest.mark.parametrize("after", [again(0.6), 2.0, again(4.0)])
def test_killed_in_the_middle_then_again(scaled: Lab, after: float) -> None:
    for count in (5, 3):
        scaling = start("scale", str(count))
        time.sleep(after)
        scaling.kill()
        scaling.wait()
        scaled("scale", str(count))
        assert_whole(count)


@pytest.mark.parametrize("after", [again(0.8)])
def test_killed_in_the_middle_then_the_other_way_or_up(scaled: Lab, after: float) -> None:
    for count, then in ((5, ("scale", "3")), (5, ("up",)), (3, ("up",)), (4, ("scale", "3"))):
        scaling = start("scale", str(count))
        time.sleep(after)
        scaling.kill()
        scaling.wait()
        scaled(*then)
    assert_whole(3)


@pytest.mark.parametrize("fault", ["kill", again("pause")])
def test_a_dead_node_can_leave_and_what_cannot_move_is_named(scaled: Lab, fault: str) -> None:
    scaled("break", "core-03", "--fault", fault)
    told = scaled("scale", "2")
    assert re.search(r"helloworld@\d\.service: no machine can run it", told.out), told.out  # whichever was there
    assert "Conflicts=helloworld@*.service" in told.out
    assert scaled("status", "--json").json["faults"] == []
    scaled("scale", "3")
    assert_whole(3)


@pytest.mark.rounds
def test_down_to_one_and_up_again(scaled: Lab) -> None:
    scaled("scale", "1")
    assert len(lab("etcdctl", "member", "list").out.splitlines()) == 1
    scaled("scale", "3")
    assert_whole(3)


def test_what_is_not_safe_is_refused(scaled: Lab) -> None:
    scaled("break", "core-02")
    for count in ("2", "4"):
        refused = scaled("scale", count, code=4)
        assert "core-02: is broken (kill)" in refused.err
        assert "lab heal" in refused.err
    assert "has 3 nodes" in scaled("scale", "3").out, "nothing to do, and what is broken stays so"
    assert scaled("status", "--json").json["nodes"][1]["state"] == "stopped"
    scaled("break", "core-03")
    refused = scaled("scale", "1", code=4)
    assert "etcd has no majority" in refused.err
    assert len(scaled("status", "--json").json["nodes"]) == 3


@pytest.mark.parametrize(("count", "says"), [("0", "scale 0: must be from 1 to 99"), ("many", "'many'")])
def test_no_number_of_nodes(count: str, says: str) -> None:
    assert says in lab("scale", count, code=2).err


def test_a_member_that_was_removed_by_hand(cluster: Lab) -> None:
    """What etcd says is shown, not what was planned; and whoever waits for all nodes makes it a member again."""

    def standing() -> list[str | None]:
        return [node["etcd"] for node in nodes()]

    comes_to(standing, ["member"] * 3)
    listed = cluster("etcdctl", "member", "list").out.splitlines()
    (which,) = [line.partition(":")[0] for line in listed if "name=core-03 " in line]
    until(lambda: cluster("etcdctl", "member", "remove", which, code=None).code == 0)
    comes_to(standing, ["member", "member", "removed"])
    until(lambda: "Removed from etcd's members: core-03" in cluster("status").out)
    until(lambda: "core-03: removed from etcd's members" in cluster("heal").out)
    until(lambda: "1 of 2 members is left" in cluster("break", "core-02", "--dry-run").out)
    cluster("up")
    comes_to(standing, ["member"] * 3)
    comes_to(lambda: [node["fleet"] for node in nodes()], [True] * 3)
    comes_to(lambda: cluster("etcdctl", "cluster-health", code=None).out.count("is healthy"), 4)
