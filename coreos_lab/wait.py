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
            raise DeadlineError(f"{what} (waited {deadline:g} s)")
        time.sleep(interval)
