"""Where a unit on a node stands, judged by what identifies it: the hash of its file, and its run (invocation)."""

from __future__ import annotations

from enum import StrEnum

from coreos_lab.observed.unit_states import NodeUnit

RESTING = "auto-restart"  # systemd's word for a service that has ended and is about to be started again
BROKEN = ("bad-setting", "error", "masked")  # systemd's words for a unit file that it cannot use


class Standing(StrEnum):
    """Where a unit stands on a node on which it must run."""

    UP = "up"  # runs, or is a oneshot that has run
    COMING = "coming"  # it is on its way, or that is not known yet
    IDLE = "idle"  # it was not started, or it was stopped, and it is not about to be started
    OLD = "old"  # the run from before goes on under the new file, or failed before it
    SKIPPED = "skipped"  # a condition in its file kept systemd from starting it
    ENDED = "ended"  # has ended well by itself, though it is not of a type that does
    FAILED = "failed"
    BROKEN = "broken"  # systemd cannot read its file


def judge(unit: NodeUnit | None, before: NodeUnit | None, digest: str, *, intermittent: bool = False) -> Standing:
    """Where a unit stands whose file must have the hash `digest`; `before` is what was seen before it was submitted.

    fleet may bring a unit to a machine where it was not seen before, and where an earlier run of it has failed: the
    time of the file tells that from a run of its present file.

    `intermittent` units end by themselves and are started again.
    """
    if unit is None or unit.hash != digest or unit.load in ("", "not-found"):
        return Standing.COMING
    if unit.load in BROKEN:
        return Standing.BROKEN
    if unit.job:
        return Standing.COMING
    if unit.former or (before is not None and before.hash != digest and before.invocation == unit.invocation != ""):
        return Standing.OLD if unit.up or unit.active == "failed" else _not_started(unit)
    return _of_its_own(unit, intermittent=intermittent)


def _of_its_own(unit: NodeUnit, *, intermittent: bool) -> Standing:
    """Where a unit stands whose last run, if any, is a run of its present file."""
    if unit.up or (intermittent and unit.sub == RESTING):
        return Standing.UP
    if unit.active == "failed":
        return Standing.FAILED
    if unit.active != "inactive" or not unit.invocation or unit.stopped:
        return _not_started(unit)
    return Standing.UP if unit.type == "oneshot" or intermittent else Standing.ENDED


def _not_started(unit: NodeUnit) -> Standing:
    if unit.active != "inactive":
        return Standing.COMING
    return Standing.SKIPPED if unit.skipped else Standing.IDLE
