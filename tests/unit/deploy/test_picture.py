"""The picture of a lab's units: which run, and which are waited for."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from coreos_lab.deploy.irregular import Irregular
from coreos_lab.deploy.picture import Picture, draw
from coreos_lab.observed.standing import Standing
from coreos_lab.observed.unit_places import Place, Wanted
from coreos_lab.observed.unit_states import Look, NodeUnit

RUNS = NodeUnit("a.service", "loaded", "active", "running", "simple", "run2", "new", "1.0")
ENDED = replace(RUNS, active="inactive", sub="dead")
REGULAR = Irregular(frozenset(), frozenset())


def picture(
    looks: Look,
    *nodes: str,
    before: Look | None = None,
    irregular: Irregular = REGULAR,
    ran: Collection[Place] = (),
) -> Picture:
    """The picture of a.service and b.service: a must run on these nodes, b on none yet."""
    wanted = Wanted(tuple(("a.service", node) for node in nodes), ("b.service",))
    return draw(["a.service", "b.service"], wanted, {"a.service": "new"}, before or {}, looks, irregular, ran)


def look(**units: NodeUnit) -> Look:
    return {node.replace("_", "-"): {unit.name: unit} for node, unit in units.items()}


def test_a_unit_runs_when_it_does_so_on_every_machine() -> None:
    made = picture(look(core_01=RUNS, core_02=ENDED), "core-01", "core-02")
    assert (made.running, made.waiting) == ([], ["a.service on core-02", "b.service"])
    made = picture(look(core_01=RUNS, core_02=RUNS), "core-01", "core-02")
    assert (made.running, made.waiting) == (["a.service"], ["b.service"])
    assert made.runs == {("a.service", "core-01"): "run2", ("a.service", "core-02"): "run2"}


def test_a_condition_may_keep_a_unit_off_some_machines_and_not_off_all() -> None:
    skipped = replace(ENDED, invocation="", skipped=True)
    assert picture(look(core_01=RUNS, core_02=skipped), "core-01", "core-02").running == ["a.service"]
    made = picture(look(core_01=skipped), "core-01")
    assert made.waiting[0] == "a.service on core-01"
    assert made.are(Standing.SKIPPED) == [("a.service", "core-01")]


def test_a_unit_that_was_skipped_is_waited_for_while_it_is_on_its_way_elsewhere() -> None:
    skipped = replace(ENDED, invocation="", skipped=True)
    comes = replace(RUNS, active="activating")
    made = picture(look(core_01=skipped, core_02=comes), "core-01", "core-02")
    assert not made.is_settled(("a.service", "core-01"))
    assert made.waiting[0] == "a.service on core-01, core-02"
    nowhere = picture(look(core_01=skipped, core_02=skipped), "core-01", "core-02")
    assert nowhere.is_settled(("a.service", "core-01"))
    failed = picture(look(core_01=skipped, core_02=replace(RUNS, active="failed")), "core-01", "core-02")
    assert failed.is_settled(("a.service", "core-02"))


def test_a_run_from_before_on_another_machine_is_waited_for() -> None:
    before = look(core_02=replace(RUNS, invocation="run1", hash="old"))
    goes_on = look(core_01=RUNS, core_02=replace(RUNS, invocation="run1"))
    assert picture(goes_on, "core-01", before=before).waiting[-1] == "a.service (still on core-02, from before)"
    assert picture(look(core_01=RUNS, core_02=ENDED), "core-01", before=before).waiting == ["b.service"]


def test_a_unit_that_another_one_starts_may_have_ended() -> None:
    triggered = Irregular(frozenset(), frozenset({"a.service"}))
    assert picture(look(core_01=ENDED), "core-01").running == []
    assert picture(look(core_01=ENDED), "core-01", irregular=triggered).running == ["a.service"]


def test_a_unit_that_has_run_may_be_about_to_run_again() -> None:
    intermittent = Irregular(frozenset({"a.service"}), frozenset())
    coming = look(core_01=replace(RUNS, job=True))
    assert picture(coming, "core-01", irregular=intermittent).running == []
    ran = [("a.service", "core-01")]
    assert picture(coming, "core-01", irregular=intermittent, ran=ran).running == ["a.service"]
