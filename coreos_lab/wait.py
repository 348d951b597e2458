"""Waiting: poll until a condition holds, or raise what was still missing."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from coreos_lab import interrupts
from coreos_lab.errors import LabError

T = TypeVar("T")

# A factor for our own deadlines, not for those that a user gives: machines that are emulated in software take many
# times as long for everything. A command is about one cluster, so it is set where the plan is read or written.
patience = 1.0
EMULATED_PATIENCE = 5.0
LOOK = 0.1  # seconds until a signal takes effect


def be_patient(*, emulated: bool) -> None:
    """Sets the factor for deadlines."""
    global patience  # noqa: PLW0603 - a dozen layers would have to pass it on
    patience = EMULATED_PATIENCE if emulated else 1.0


def patiently(seconds: float) -> float:
    """A deadline of ours, adapted to the machines of this command's cluster."""
    return seconds * patience


def pause(seconds: float) -> None:
    """Sleeps. KeyboardInterrupt when this thread is to stop."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        interrupts.check()
        time.sleep(min(left, LOOK))


class DeadlineError(LabError):
    """A deadline has passed; the message names what was still missing."""


def until(
    probe: Callable[[], T | None],
    *,
    deadline: float,
    missing: Callable[[], str] | str,
    interval: float = 0.05,
) -> T:
    """Calls `probe` every `interval` seconds until it returns something true, and returns that.

    Raises DeadlineError with `missing` once `deadline` seconds have passed.
    """
    end = time.monotonic() + deadline
    while True:
        result = probe()
        if result:
            return result
        interrupts.check()
        if time.monotonic() >= end:
            what = missing() if callable(missing) else missing
            raise DeadlineError(f"{what} (waited {deadline:.4g} s)")
        time.sleep(interval)
