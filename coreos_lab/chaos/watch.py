"""Calls that are repeated, each in a thread of its own, while something else goes on."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Self


class Watch:
    """Repeats its calls while its `with` block runs; none is made after the block."""

    def __init__(self) -> None:
        self._over = threading.Event()
        self._threads: list[threading.Thread] = []
        self.troubles: list[str] = []  # errors that ended a repeated call before the block was over

    def every(self, seconds: float, ask: Callable[[], None]) -> None:
        """Calls `ask` every so many seconds, from one begin to the next, once the block has begun."""
        self._threads.append(threading.Thread(target=self._again, args=(seconds, ask), daemon=True))

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_args: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Ends the calls; returns when the last one is over."""
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _again(self, seconds: float, ask: Callable[[], None]) -> None:
        while not self._over.is_set():
            began = time.monotonic()
            try:
                ask()
            except Exception as error:  # a missing measurement must not pass for a good one
                self.troubles.append(f"{type(error).__name__}: {error}")
                return
            self._over.wait(max(0.0, seconds - (time.monotonic() - began)))
