"""Signals that end this process: every thread sees them, and they are deferred while something is being undone.

SIGINT, SIGTERM and SIGHUP (a terminal that is closed) mean the same: stop, undo, exit with 128 and the signal's number.
An exception of a signal handler can come between any two instructions, even before the first of a `finally`. So while
something is broken, a signal is only recorded (`orderly`), and raised where the code waits (`check`).
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from types import FrameType

from coreos_lab import hints

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
ENOUGH = 3  # the number of Ctrl-C that ends an undo

# Set when this process is to stop: Python runs signal handlers in the main thread only, the others look here.
come = threading.Event()


@dataclass
class _State:
    number: int = 0  # of the first signal
    presses: int = 0  # of Ctrl-C
    raised: bool = False  # KeyboardInterrupt was raised; the cleaning up after it is not interrupted again
    given_up: bool = False
    orderly: int = 0  # nested blocks in which a signal is only recorded
    undoing: list[str] = field(default_factory=list)


_state = _State()
_of_thread = threading.local()


def install() -> None:
    """Installs the signal handlers, except for signals that the caller has ignored, as nohup does."""
    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _take)


def over() -> None:
    """Ignores signals from now on: the work is done, and a signal while Python ends must not change the exit code."""
    for number in SIGNALS:
        if signal.getsignal(number) is _take:
            signal.signal(number, signal.SIG_IGN)


def exit_code() -> int:
    """The exit code that a shell reports for the first signal; 130 where none has come."""
    return 128 + (_state.number or signal.SIGINT)


def _take(number: int, _frame: FrameType | None) -> None:
    _state.number = _state.number or number
    _state.presses += number == signal.SIGINT
    if _state.presses >= ENOUGH and not _state.given_up:
        _state.given_up, _state.raised = True, True
        come.set()
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        raise KeyboardInterrupt
    if _state.undoing or _state.raised:
        if number == signal.SIGINT:
            _say()
        return
    come.set()
    if not _state.orderly:
        _state.raised = True
        raise KeyboardInterrupt


def _say() -> None:
    """Writes to the terminal directly: the code that draws there may be what was interrupted."""
    what = _state.undoing[-1] if _state.undoing else "cleaning up"
    more = "once" if _state.presses == ENOUGH - 1 else "twice"
    text = f"\nlab: {what}; Ctrl-C {more} more stops that and leaves the rest to '{hints.lab('heal')}'\n"
    with suppress(OSError):
        os.write(2, text.encode(errors="replace"))


def is_come() -> bool:
    """Whether this thread is to stop."""
    return come.is_set() and not getattr(_of_thread, "undoing", 0)


def check() -> None:
    """Raises KeyboardInterrupt if this thread is to stop."""
    if is_come():
        if threading.current_thread() is threading.main_thread():
            _state.raised = True
        raise KeyboardInterrupt


@contextmanager
def orderly() -> Iterator[None]:
    """Lets a signal interrupt the block only where it waits, so that the block can undo what it has begun."""
    _state.orderly += 1
    try:
        yield
    finally:
        _state.orderly -= 1
    check()


@contextmanager
def given_back() -> Iterator[None]:
    """Lets Ctrl-C raise KeyboardInterrupt in the block without stopping this process: the reader is typing a line."""
    before = signal.getsignal(signal.SIGINT)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def not_ignored() -> Iterator[None]:
    """A program that is started in the block takes Ctrl-C, also where this process was started to ignore it.

    nohup and a shell's `&` do that. Only the main thread can change it; other threads leave it as it is.
    """
    main = threading.current_thread() is threading.main_thread()
    if not main or signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        yield
        return
    signal.signal(signal.SIGINT, lambda _number, _frame: None)  # the kernel resets a handler in a new program
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)


@contextmanager
def undoing(what: str) -> Iterator[None]:
    """Lets no signal interrupt the block: Ctrl-C prints `what` is going on, the third one ends it."""
    if threading.current_thread() is not threading.main_thread():
        _of_thread.undoing = getattr(_of_thread, "undoing", 0) + 1
        try:
            yield
        finally:
            _of_thread.undoing -= 1
        return
    if _state.given_up:
        raise KeyboardInterrupt
    first = _state.number
    _state.undoing.append(what)
    was = come.is_set()
    come.clear()
    try:
        yield
    finally:
        _state.undoing.pop()
        if was or _state.number != first or _state.given_up:
            come.set()
    if not _state.undoing and not _state.orderly and _state.number and not _state.raised:
        check()


@contextmanager
def telling_threads() -> Iterator[None]:
    """Makes all threads stop that wait for something, while the block runs."""
    was = come.is_set()
    come.set()
    try:
        yield
    finally:
        if not was:
            come.clear()
