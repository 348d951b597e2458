"""What the reader types while commands run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

from coreos_lab import wait


class Keys(Protocol):
    """The reader's keys while a block is judged."""

    stopped: bool  # the reader wants no more of the block

    def attached(self) -> AbstractContextManager[None]:
        """Lets keys reach the commands that run meanwhile."""

    def pause(self, seconds: float) -> None:
        """Waits between two runs of a command."""


class NoKeys:
    """Of a walk without a reader, or with one whose lines come from a pipe."""

    stopped = False

    @contextmanager
    def attached(self) -> Iterator[None]:
        yield

    def pause(self, seconds: float) -> None:
        wait.pause(seconds)
