"""How far a node has come."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from coreos_lab.updating import locks
from coreos_lab.updating.locks import Lock
from coreos_lab.updating.look import Look
from coreos_lab.updating.phase import Phase, Seen, phase, until_window

OLD = Look("1111", "m1", "stable", "http://here", "", "etcd-lock", state="running")
STAGED = replace(OLD, staged="2222")
NEW = replace(OLD, version="2222")
FREE, HELD = {"": Lock()}, {"": Lock(1, ("m1",))}


@pytest.mark.parametrize(
    ("look", "held", "wanted"),
    [
        (OLD, FREE, Phase.BEHIND),
        (replace(OLD, staged="3333"), FREE, Phase.BEHIND),
        (replace(STAGED, state="reboot-planned"), FREE, Phase.LOCK),
        (replace(STAGED, state="reboot-planned"), {}, Phase.LOCK),
        (replace(STAGED, state="reboot-planned"), {"": Lock(1, ("m2",))}, Phase.LOCK),
        (replace(STAGED, state="reboot-planned"), HELD, Phase.REBOOTS),
        (replace(STAGED, state="reboot-planned", lock_group="a"), HELD, Phase.LOCK),
        (replace(STAGED, state="reboot-planned", said="Logins detected, delaying"), HELD, Phase.LOGIN),
        (replace(STAGED, state="reboot-planned", strategy="reboot"), FREE, Phase.REBOOTS),
        (replace(STAGED, state="rebooting"), HELD, Phase.REBOOTS),
        (replace(STAGED, window="Thu 04:00 for 1h"), FREE, Phase.WINDOW),
        (STAGED, FREE, Phase.REBOOTS),
        (replace(STAGED, strategy="off", state=""), FREE, Phase.BY_HAND),
        (NEW, HELD, Phase.HOLDS),
        (replace(NEW, strategy="reboot"), HELD, Phase.DONE),
        (NEW, {"": Lock(1, ("m2",))}, Phase.DONE),
        (replace(NEW, staged="1111"), FREE, Phase.BEHIND),
    ],
)
def test_the_phase_of_a_node(look: Look, held: dict[str, Lock], wanted: Phase) -> None:
    assert phase(Seen(on=True, look=look), "2222", held) is wanted


def test_the_phase_of_a_machine_that_says_nothing() -> None:
    assert phase(Seen(on=False, look=None), "2222", {}) is Phase.OFF
    assert phase(Seen(on=True, look=None), "2222", {}) is Phase.BOOTS
    assert phase(Seen(on=True, look=NEW, healthy=False), "2222", {}) is Phase.STARTS


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("Waiting for 3h2m1.5s to reboot.", 10921.5),
        ("Waiting for 250ms to reboot.", 0.25),
        ("Logins detected, delaying reboot for 5 minutes.", None),
        ("", None),
    ],
)
def test_how_long_until_the_window(said: str, seconds: float | None) -> None:
    assert until_window(replace(OLD, said=said)) == seconds


def test_the_locks_in_etcd() -> None:
    value = '{"semaphore":0,"max":1,"holders":["m1"]}'
    keys: dict[str, Any] = {
        f"{locks.PREFIX}/semaphore": value,
        f"{locks.PREFIX}/groups/a%2Fb/semaphore": '{"semaphore":2,"max":2,"holders":null}',
        f"{locks.PREFIX}/groups/bad/semaphore": "nonsense",
        f"{locks.PREFIX}/groups/bad2/semaphore": "[]",
        f"{locks.PREFIX}/groups/bad3/semaphore": '{"max": 1e999, "holders": []}',
        f"{locks.PREFIX}/groups/bad4/semaphore": "[" * 99999,
        f"{locks.PREFIX}/note": value,
    }
    assert locks.parse(keys) == {"": Lock(1, ("m1",)), "a/b": Lock(2, ())}
