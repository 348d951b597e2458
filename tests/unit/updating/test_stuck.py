"""Why an update does not go on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from coreos_lab.errors import UnknownError
from coreos_lab.updating import stuck
from coreos_lab.updating.locks import Lock
from coreos_lab.updating.look import Look
from coreos_lab.updating.phase import Phase, Seen
from coreos_lab.updating.stuck import Standing

LOOK = Look("1111", "m1", "stable", "http://here", "2222", "etcd-lock", state="reboot-planned")
MACHINES = {"m1": "core-01", "m2": "core-02", "m3": "core-03"}


def standing(phase: Phase, seconds: float = 1.0, **more: str) -> Standing:
    return Standing(phase, seconds, Seen(on=True, look=replace(LOOK, **more)))


WAITS = {"core-01": standing(Phase.LOCK)}


@pytest.mark.parametrize(
    ("holder", "lost", "says"),
    [
        ("m9", {}, "which machine m9 has: no machine of this cluster"),
        ("m2", {"core-02": "it is off"}, "which core-02 has: it is off"),
        ("m2", {"core-02": "it is broken (kill)"}, "which core-02 has: it is broken (kill)"),
        ("m3", {}, "which core-03 has: it runs, and does not reboot"),
    ],
)
def test_a_holder_that_died_is_named_with_the_remedy(holder: str, lost: dict[str, str], says: str) -> None:
    others = {**WAITS, "core-03": standing(Phase.LOCK, 61.0)}
    error = stuck.stuck_lock(others, {"": Lock(1, (holder,))}, MACHINES, lost)
    assert error is not None
    assert error.message == f"core-01: waits for the reboot lock, {says}"
    assert error.hint == (f"take it away: lab ssh core-01 -- locksmithctl unlock {holder}; then go on: lab update")
    assert int(error.exit_code) == 4


def test_the_lock_of_a_group_is_named_with_it() -> None:
    waits = {"core-01": standing(Phase.LOCK, lock_group="workers")}
    error = stuck.stuck_lock(waits, {"": Lock(), "workers": Lock(1, ("m9",))}, MACHINES, {})
    assert error is not None
    assert "lab ssh core-01 -- locksmithctl -group workers unlock m9;" in error.hint
    assert stuck.stuck_lock(waits, {"": Lock(1, ("m9",))}, MACHINES, {}) is None


def test_a_lock_that_nobody_may_have() -> None:
    error = stuck.stuck_lock(WAITS, {"": Lock(0)}, MACHINES, {})
    assert error is not None
    assert "its maximum is 0" in error.message
    assert "locksmithctl set-max 1;" in error.hint


@pytest.mark.parametrize("phase", [Phase.REBOOTS, Phase.BOOTS, Phase.LOGIN, Phase.OFF])
def test_a_holder_that_is_busy_is_waited_for(phase: Phase) -> None:
    held = {"": Lock(1, ("m2",))}
    assert stuck.stuck_lock({**WAITS, "core-02": standing(phase, 999.0)}, held, MACHINES, {}) is None
    assert stuck.stuck_lock({**WAITS, "core-02": standing(Phase.HOLDS, 10.0)}, held, MACHINES, {}) is None


def test_one_of_two_that_died_leaves_a_place() -> None:
    lost = {"core-02": "it is off"}
    assert stuck.stuck_lock(WAITS, {"": Lock(2, ("m2",))}, MACHINES, lost) is None
    assert stuck.stuck_lock(WAITS, {"": Lock(2, ("m2", "m9"))}, MACHINES, lost) is not None


def test_nodes_that_reboot_by_hand_end_the_wait_when_nothing_else_moves() -> None:
    by_hand = {"core-01": standing(Phase.BY_HAND), "core-02": standing(Phase.DONE)}
    error = stuck.at_rest(by_hand)
    assert isinstance(error, UnknownError)
    assert "core-01: the update is installed; with the reboot strategy off" in error.message
    assert "lab ssh core-01 -- sudo locksmithctl reboot;" in error.hint
    assert stuck.at_rest({**by_hand, "core-03": standing(Phase.REBOOTS)}) is None
    assert stuck.at_rest({"core-01": standing(Phase.DONE)}) is None


@pytest.mark.parametrize(
    ("said", "seconds", "ends"),
    [
        ("Waiting for 11h23m40.8s", 1.0, "in 11 h 24 min"),
        ("Waiting for 6m0s", 1.0, "in 6 min"),
        ("Waiting for 90s", 1.0, ""),
        ("", 1.0, ""),
        ("", 11.0, "(Thu 04:00 for 1h)"),
    ],
)
def test_a_window_that_begins_soon_is_waited_for(said: str, seconds: float, ends: str) -> None:
    waits = standing(Phase.WINDOW, seconds, window="Thu 04:00 for 1h", said=f"{said} to reboot.")
    error = stuck.at_rest({"core-01": waits, "core-02": standing(Phase.BY_HAND)})
    assert (error is not None) == bool(ends)
    if error is not None:
        assert "core-01: the update is installed; the reboot window (Thu 04:00 for 1h" in error.message
        assert ends in error.message


def test_who_asks_for_no_lock() -> None:
    assert stuck.without_lock({**WAITS, "core-02": standing(Phase.DONE, strategy="reboot")}) == ["core-02"]
