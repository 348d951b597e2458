"""Questions that are asked again and again, each in a thread of its own, while something else goes on."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Self


class Watch:
    """Asks for as long as the block lasts. When the block is over nothing is asked any more."""

    def __init__(self) -> None:
        self._over = threading.Event()
        self._threads: list[threading.Thread] = []

    def every(self, seconds: float, ask: Callable[[], None]) -> None:
        """From when the block begins `ask` is called, so many seconds from one beginning to the next."""
        self._threads.append(threading.Thread(target=self._again, args=(seconds, ask), daemon=True))

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_args: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Returns when nothing is asked any more."""
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _again(self, seconds: float, ask: Callable[[], None]) -> None:
        while not self._over.is_set():
            began = time.monotonic()
            ask()
            self._over.wait(max(0.0, seconds - (time.monotonic() - began)))
