"""Notices that a task is done while the reader works, and interrupts the prompt then."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from types import FrameType, TracebackType

INTERVAL = 2.0  # seconds between two looks


class _DoneError(Exception):
    """The task is done while the prompt waits."""


class Notice:
    """Looks every INTERVAL seconds, by `look` in a thread of its own, whether a task is done."""

    def __init__(self, look: Callable[[], bool]) -> None:
        self._look = look
        self._over = threading.Event()
        self._asking = False
        self.done = False
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Notice:
        self._before = signal.signal(signal.SIGUSR1, self._take)
        self._thread.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._over.set()
        self._thread.join()
        signal.signal(signal.SIGUSR1, self._before)

    def ask(self, ask: Callable[[str], str]) -> str:
        """The line that the reader types; "" as soon as the task is done."""
        try:
            self._asking = True
            if self.done:
                return ""
            line = ask("$ ")
        except _DoneError:
            print()
            return ""
        finally:
            self._asking = False
        return line

    def _watch(self) -> None:
        while not self._over.wait(INTERVAL):
            with suppress(OSError):
                if self._look():
                    self.done = True
                    os.kill(os.getpid(), signal.SIGUSR1)
                    return

    def _take(self, _number: int, _frame: FrameType | None) -> None:
        if self._asking:
            self._asking = False
            raise _DoneError
