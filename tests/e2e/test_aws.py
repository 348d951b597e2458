"""A cluster on a lab cloud: what chapter 8 does by hand in one command, and machines that are replaced."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.calls import NAME, STATE, comes_to, lab, start, until

pytest.importorskip("moto", reason="the extra `cloud` is not installed")
HERE = ("up", "--provider", "aws", "--cloud", NAME, "--nodes", "3")


@pytest.fixture(scope="module", autouse=True)
def cluster() -> Iterator[None]:
    lab("destroy")
    lab("cloud", "destroy", "--name", NAME)
    lab(*HERE)
    yield
    lab("destroy")
    lab("cloud", "destroy", "--name", NAME)


def instances() -> dict[str, str]:
    """The instance that each node is, by the plan."""
    plan = json.loads((STATE / "clusters" / NAME / "cluster.json").read_text())
    return {node["name"]: node["instance"] for node in plan["nodes"]}


def nodes() -> dict[str, Any]:
    return {node["name"]: node for node in lab("status", "--json").json["nodes"]}


def members() -> list[str | None]:
    """What etcd says of each node."""
    return [node["etcd"] for node in nodes().values()]


def phases() -> dict[str, str]:
    """The evidence of each phase of the last verdict."""
    return {phase["name"]: phase["evidence"] for phase in lab("verdict", "--json").json["phases"]}


def test_chapter_3_recovers_from_a_lost_machine_and_from_a_lost_zone() -> None:
    lab("deploy", "ch3")
    before = instances()
    lab("break", "core-02", "--verify")
    lost, new = before["core-02"], instances()["core-02"]
    assert f"core-02 was replaced: {new} is in place of {lost}" in phases()["repair"]
    assert {name for name, id_ in instances().items() if id_ != before[name]} == {"core-02"}
    comes_to(members, ["member"] * 3)
    lab("break", "az:us-west-2c", "--verify")
    assert "core-03 was replaced" in phases()["repair"]
    lab("break", "core-01", "--fault", "reboot", "--verify")
    assert f"core-01 came back, as {before['core-01']}" in phases()["repair"]
    comes_to(members, ["member"] * 3)
    lab("undeploy", "ch3")


@pytest.mark.rounds  # minutes, for what the provider of machines has no part in
@pytest.mark.parametrize("chapter", ["ch6", "ch7"])
def test_chapters_deploy_unchanged(chapter: str) -> None:
    lab("deploy", chapter)
    lab("undeploy", chapter)


def test_a_machine_that_was_terminated_by_hand() -> None:
    lost = instances()["core-01"]
    lab("aws", "--name", NAME, "ec2", "terminate-instances", "--instance-ids", lost)
    until(lambda: nodes()["core-01"]["state"] == "absent")
    assert "Lost: core-01; " in lab("status").out
    assert "core-01 is a member of etcd again" in lab("up").out
    assert instances()["core-01"] != lost
    until(lambda: "cluster is healthy" in lab("etcdctl", "cluster-health", code=None).out)


def test_fewer_and_more() -> None:
    lab("scale", "2")
    assert list(nodes()) == ["core-01", "core-02"]
    lab("scale", "3")
    comes_to(members, ["member"] * 3)


def test_what_was_killed_goes_on() -> None:
    lost = instances()["core-02"]
    lab("break", "core-02")
    heal = start("heal")
    until(lambda: instances()["core-02"] != lost, interval=0.01)  # from then on it waits for the new machine
    heal.kill()
    heal.wait()
    assert "core-02 was replaced: " in lab("heal").out
    comes_to(members, ["member"] * 3)


def test_what_aws_has_not_is_refused() -> None:
    assert "takes no snapshots" in lab("snapshot", "save", "clean", code=2).err
    assert "cannot freeze its machines" in lab("break", "core-01", "--fault", "pause", code=4).err
    assert "there is: az:us-west-2a, az:us-west-2b, az:us-west-2c" in lab("break", "az:nowhere", code=2).err
    assert "--disks: the instances have no extra disks" in lab("up", "--disks", "1", code=2).err
