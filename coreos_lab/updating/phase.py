"""How far a node has come with an update, by what it says and by the reboot locks in etcd."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from coreos_lab.updating.locks import Lock
from coreos_lab.updating.look import OFF, Look

ETCD_LOCK = "etcd-lock"
GO_DURATION = re.compile(r"Waiting for ((?:[0-9.]+(?:h|ms|m|µs|ns|s))+) to reboot")
SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "µs": 1e-6, "ns": 1e-9}


class Phase(StrEnum):
    """What a node does, in words that follow its name."""

    OFF = "is off"
    BOOTS = "does not answer: it shuts down or boots"
    BEHIND = "has not installed it yet"
    WINDOW = "has installed it and waits for its reboot window"
    LOCK = "has installed it and waits for the reboot lock"
    LOGIN = "has the reboot lock and waits five minutes, because somebody is logged in"
    REBOOTS = "has installed it and reboots"
    BY_HAND = "has installed it and must be rebooted by hand: its reboot strategy is off"
    STARTS = "has booted it, and its etcd is not healthy yet"
    HOLDS = "has booted it and still has the reboot lock"
    DONE = "is updated"


@dataclass(frozen=True)
class Seen:
    """A node as seen at one moment. `look` is None where it does not answer; `healthy` is about its etcd."""

    on: bool
    look: Look | None
    healthy: bool = True


def phase(seen: Seen, image: str, locks: Mapping[str, Lock]) -> Phase:
    """How far a node has come with the update to a machine image."""
    look = seen.look
    if not seen.on:
        return Phase.OFF
    if look is None:
        return Phase.BOOTS
    holds = look.machine in locks.get(look.lock_group, Lock()).holders
    if look.version == image and not look.staged:
        if holds and look.strategy == ETCD_LOCK:
            return Phase.HOLDS
        return Phase.DONE if seen.healthy else Phase.STARTS
    if look.staged != image:
        return Phase.BEHIND
    return _staged(look, holds=holds)


def _staged(look: Look, *, holds: bool) -> Phase:
    """What a node does that has installed the update, by the words of its locksmithd."""
    if look.strategy == OFF:
        return Phase.BY_HAND
    if look.state == "rebooting":
        return Phase.REBOOTS
    locked = look.strategy != ETCD_LOCK or holds
    if look.state == "reboot-planned":
        if not locked:
            return Phase.LOCK
        return Phase.LOGIN if "Logins detected" in look.said else Phase.REBOOTS
    return Phase.WINDOW if look.window else Phase.REBOOTS


def until_window(look: Look) -> float | None:
    """Seconds that a node's locksmithd said it waits for its window; None where it has not said so."""
    match = GO_DURATION.search(look.said)
    if match is None:
        return None
    parts = re.findall(r"([0-9.]+)(h|ms|m|µs|ns|s)", match[1])
    return sum(float(number) * SECONDS[unit] for number, unit in parts)
