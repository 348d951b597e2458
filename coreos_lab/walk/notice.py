"""Notices that a task is done while the reader works, and interrupts the prompt then."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from types import FrameType, TracebackType

from coreos_lab.errors import LabError

INTERVAL = 2.0  # seconds between two looks
LOOK = 0.1  # seconds for a look to end


class _DoneError(Exception):
    """The task is done while the prompt waits."""


class Notice:
    """Looks every INTERVAL seconds, by `look` in a thread of its own, whether a task is done.

    `end` ends a look that goes on: the reader who leaves the task does not wait for a check that hangs.
    """

    def __init__(self, look: Callable[[], bool], end: Callable[[], None]) -> None:
        self._look, self._end = look, end
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
        while self._thread.is_alive():
            self._end()  # again, as a look may begin just now
            self._thread.join(LOOK)
        signal.signal(signal.SIGUSR1, self._before)

    def ask(self, ask: Callable[[], str]) -> str:
        """What `ask` returns, a line that the reader types; "" as soon as the task is done."""
        try:
            self._asking = True
            if self.done:
                return ""
            line = ask()
        except _DoneError:
            print()
            return ""
        finally:
            self._asking = False
        return line

    def _watch(self) -> None:
        with suppress(KeyboardInterrupt):  # this process is to stop, and the main thread says so
            while not self._over.wait(INTERVAL):
                with suppress(OSError, LabError):  # this look could not be done
                    if self._look():
                        self.done = True
                        os.kill(os.getpid(), signal.SIGUSR1)
                        return

    def _take(self, _number: int, _frame: FrameType | None) -> None:
        if self._asking:
            self._asking = False
            raise _DoneError
