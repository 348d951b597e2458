"""How a unit stands on a node."""

from __future__ import annotations

from dataclasses import replace

import pytest

from coreos_lab.observed.standing import Standing, judge
from coreos_lab.observed.unit_states import NodeUnit

RUNS = NodeUnit("a.service", "loaded", "active", "running", "simple", "run2", "new", "1.0")
BEFORE = replace(RUNS, invocation="run1", hash="old")


def now(**values: object) -> NodeUnit:
    return replace(RUNS, **values)  # type: ignore[arg-type]


INACTIVE = now(active="inactive", sub="dead")


@pytest.mark.parametrize(
    ("unit", "standing"),
    [
        (RUNS, Standing.UP),
        (None, Standing.COMING),
        (now(hash="old"), Standing.COMING),  # fleet has not loaded the new one yet
        (now(load="not-found"), Standing.COMING),
        (now(load="bad-setting"), Standing.BROKEN),
        (now(invocation="run1"), Standing.OLD),  # the new file, and the process of the old one
        (now(invocation="run1", job=True), Standing.COMING),
        (now(invocation="run1", active="failed"), Standing.OLD),
        (now(invocation="run1", active="deactivating"), Standing.COMING),
        (now(active="failed"), Standing.FAILED),
        (now(active="activating", sub="auto-restart"), Standing.COMING),
        (now(active="reloading"), Standing.UP),
        (now(sub="exited", type="oneshot"), Standing.UP),
        (INACTIVE, Standing.ENDED),
        (now(active="inactive", type="oneshot"), Standing.UP),
        (now(active="inactive", type="oneshot", job=True), Standing.COMING),
        (now(active="inactive", type="oneshot", invocation=""), Standing.IDLE),
        (now(active="inactive", type="oneshot", invocation="run1"), Standing.IDLE),  # ran with the old file
        (now(active="inactive", invocation="", skipped=True), Standing.SKIPPED),
        (now(active="inactive", stopped=True), Standing.IDLE),  # along with the unit that it is bound to, say
        (now(sub="waiting", type=""), Standing.UP),  # a timer
        (now(sub="listening", type=""), Standing.UP),
        (now(sub="mounted", type=""), Standing.UP),
    ],
)
def test_where_a_unit_stands(unit: NodeUnit | None, standing: Standing) -> None:
    assert judge(unit, BEFORE, "new") is standing


def test_what_was_not_replaced_goes_on() -> None:
    same = replace(RUNS, invocation="run1")
    assert judge(same, same, "new") is Standing.UP
    done = now(active="inactive", type="oneshot", invocation="run1")
    assert judge(done, done, "new") is Standing.UP, "a unit that does its work once has done it"


def test_a_run_that_is_older_than_the_file_is_not_one_of_it() -> None:
    """fleet may list no state of a machine that it has just lost: then nothing was seen there before."""
    assert judge(now(former=True, active="failed"), None, "new") is Standing.OLD
    assert judge(now(former=True), None, "new") is Standing.OLD
    assert judge(now(former=True, active="inactive"), None, "new") is Standing.IDLE
    assert judge(now(former=True, active="failed", job=True), None, "new") is Standing.COMING


def test_an_intermittent_unit_rests() -> None:
    resting = now(active="activating", sub="auto-restart")
    assert judge(resting, None, "new", intermittent=True) is Standing.UP
    assert judge(INACTIVE, None, "new", intermittent=True) is Standing.UP
    assert judge(replace(resting, invocation="run1"), BEFORE, "new", intermittent=True) is Standing.COMING
    assert judge(now(active="failed"), None, "new", intermittent=True) is Standing.FAILED
