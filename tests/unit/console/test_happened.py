"""What has happened between two looks."""

from __future__ import annotations

from typing import Any

from coreos_lab.console import happened
from tests.unit.console import paper_cluster
from tests.unit.console.paper_cluster import unit, units


def said(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    return [f"{event.step} {event.subject}: {event.message}" for event in happened.between(before, after)]


def test_the_first_look_explains_nothing() -> None:
    assert said({}, paper_cluster.document()) == []


def test_a_machine_that_is_killed() -> None:
    before = paper_cluster.document()
    lines = said(before, paper_cluster.broken(before))
    assert lines[0].startswith("fault core-02: kill")
    assert "node core-02: is stopped; was running" in lines
    assert "fleet core-02: is listed no more" in lines
    assert "etcd : core-03 leads now" in lines
    assert "unit helloworld-nginx.service: moved from core-02 to core-03" in lines
    back = said(paper_cluster.broken(before), before)
    assert "healed core-02: kill" in back
    assert "unit helloworld-nginx.service: moved from core-03 to core-02" in back


def test_a_cluster_without_a_leader() -> None:
    before = paper_cluster.document()
    assert said(before, {**before, "leader": ""}) == ["etcd : has no leader; core-01 led"]


def test_a_leader_that_is_not_known_yet_is_none_that_was_lost() -> None:
    before = paper_cluster.document()
    assert said(before, {**before, "leader": None}) == []
    assert said({**before, "leader": None}, before) == []


def test_units_that_change_where_they_are() -> None:
    before = {**paper_cluster.document(), "units": units(unit("a.service", "core-01"))}
    after = {**before, "units": units(unit("a.service", "core-01", "failed"))}
    assert said(before, after) == ["unit a.service: is failed on core-01; was active"]
    assert said(after, before) == ["unit a.service: is active on core-01; was failed"]
    assert said(before, {**before, "units": {}}) == ["unit a.service: is no more on core-01"]


def test_many_units_that_go_with_a_machine_are_one_line() -> None:
    many = units(*(unit(f"u{number}.service", "core-01") for number in range(9)))
    before = {**paper_cluster.document(), "units": many}
    assert said(before, {**before, "units": {}}) == ["units core-01: 9 units are there no more"]


def test_unknown_units_are_not_gone() -> None:
    before = paper_cluster.document()
    assert said(before, {**before, "units": None}) == []
    assert said({**before, "units": None}, before) == []


def test_nodes_that_join_and_leave() -> None:
    three, two = paper_cluster.document(3), paper_cluster.document(2)
    two = {**two, "units": three["units"]}
    assert said(two, three) == ["node core-03: has joined the cluster"]
    assert said(three, two) == ["node core-03: has left the cluster"]
