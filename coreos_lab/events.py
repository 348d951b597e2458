"""Events: every screen, log and report is made from them.

An event is one line of a run's `events.jsonl`. Sinks take events in the order in which they are emitted;
emitting is thread-safe, because nodes boot in parallel.
"""

from __future__ import annotations

import fcntl
import json
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol, TextIO


@dataclass(frozen=True)
class Event:
    """One thing that happened.

    `kind` is `start`, `end`, `error` (of a step) or `note`; `step` names what is being done and `subject`
    what it concerns (a node, a unit, a container image). `mono` is monotonic seconds, `wall` seconds since
    the epoch, `seconds` a step's duration.
    """

    kind: str
    step: str
    subject: str = ""
    message: str = ""
    mono: float = field(default_factory=time.monotonic)
    wall: float = field(default_factory=time.time)
    seconds: float | None = None
    data: dict[str, Any] = field(default_factory=dict)

    def as_plain(self) -> dict[str, Any]:
        """The event's fields, without empty ones."""
        return {k: v for k, v in asdict(self).items() if v not in ("", None, {})}

    def as_json(self) -> str:
        """The event as one JSON line."""
        return json.dumps(self.as_plain(), default=str)


class Sink(Protocol):
    """Takes events: a screen, a file."""

    def __call__(self, event: Event, /) -> None: ...


_sinks: list[Sink] = []
_lock = threading.Lock()


def emit(event: Event) -> None:
    """Passes an event to every sink. A sink that fails is removed, which the others get as an event."""
    with _lock:
        failed = [(sink, error) for sink in list(_sinks) if (error := _pass(sink, event))]
        for sink, error in failed:
            _sinks.remove(sink)
            lost = Event("note", event.step, event.subject, f"no longer recorded: {error}")
            for other in list(_sinks):
                _pass(other, lost)


def _pass(sink: Sink, event: Event) -> Exception | None:
    try:
        sink(event)
    except Exception as error:  # of a terminal, a pipe or a disk
        return error
    return None


def note(step: str, message: str, subject: str = "", **data: Any) -> None:
    """Reports something that is no step of its own."""
    emit(Event("note", step, subject, message, data=data))


@contextmanager
def step(name: str, subject: str = "", message: str = "", **data: Any) -> Iterator[None]:
    """Times a step; emits events when it begins and how it ends."""
    began = time.monotonic()
    emit(Event("start", name, subject, message, data=data))
    try:
        yield
    except BaseException as error:
        seconds = time.monotonic() - began
        why = "interrupted" if isinstance(error, KeyboardInterrupt) else str(error) or type(error).__name__
        emit(Event("error", name, subject, why, seconds=seconds, data=data))
        raise
    emit(Event("end", name, subject, message, seconds=time.monotonic() - began, data=data))


@contextmanager
def listening(sink: Sink) -> Iterator[None]:
    """Adds a sink while the block runs."""
    with _lock:
        _sinks.append(sink)
    try:
        yield
    finally:
        with _lock:
            if sink in _sinks:  # else it has failed, and was removed
                _sinks.remove(sink)


@contextmanager
def recording(path: Path, earlier: Iterable[Event] = ()) -> Iterator[None]:
    """Writes every event of the block to a file, one JSON object a line, so that a reader can follow.

    `earlier` are events from before there was a place for the file.
    The file is locked meanwhile: that tells a run that goes on from one whose command was killed. Where recording
    fails, as on a full disk, it is reported, and the block goes on.
    """
    try:
        out = path.open("w", encoding="utf-8")
    except OSError as error:
        note("record", f"{path}: {error.strerror}")
        yield
        return
    try:
        with suppress(OSError):  # a file system without locks
            fcntl.flock(out, fcntl.LOCK_EX)
        sink = json_lines(out)
        with suppress(OSError):  # the next event will be reported as lost, too
            for event in earlier:
                sink(event)
        with listening(sink):
            yield
    finally:
        with suppress(OSError):  # a failed write was reported before
            out.close()


def json_lines(stream: TextIO) -> Callable[[Event], None]:
    """A sink that writes one JSON object a line and flushes it, so that a reader can follow."""

    def sink(event: Event) -> None:
        stream.write(event.as_json() + "\n")
        stream.flush()

    return sink
