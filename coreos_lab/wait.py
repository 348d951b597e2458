"""Waiting by looking: poll the thing itself until it is so, or say what was still missing."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

from coreos_lab.errors import LabError

T = TypeVar("T")

# Set when the user interrupts us: only the main thread is told by Python, the others look here.
interrupted = threading.Event()
# What our own deadlines are multiplied with, those that a user gives aside: machines that are emulated in software take
# many times as long for everything. One command is about one cluster, so it is set where the plan is read or written.
patience = 1.0
EMULATED_PATIENCE = 5.0


def be_patient(*, emulated: bool) -> None:
    """Sets what deadlines are multiplied with."""
    global patience  # noqa: PLW0603 - a dozen layers would have to hand it on
    patience = EMULATED_PATIENCE if emulated else 1.0


def patiently(seconds: float) -> float:
    """A deadline of ours for the machines that this command is about."""
    return seconds * patience


class DeadlineError(LabError):
    """A deadline passed; the message says what was still missing."""


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
        if interrupted.is_set():
            raise KeyboardInterrupt
        if time.monotonic() >= end:
            what = missing() if callable(missing) else missing
            raise DeadlineError(f"{what} (waited {deadline:.4g} s)")
        time.sleep(interval)
