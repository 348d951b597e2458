"""What happens, as it happens: every screen, log and report is drawn from these events.

An event is one line of a run's `events.jsonl`. Sinks take events in the order in which they are emitted;
emitting is thread-safe, because nodes boot in parallel.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol, TextIO


@dataclass(frozen=True)
class Event:
    """One thing that happened.

    `kind` is `start`, `end`, `error` (of a step) or `note`; `step` names what is being done and `subject`
    whom it concerns (a node, a unit, a container image). `mono` is monotonic seconds, `wall` seconds since
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

    def as_json(self) -> str:
        """The event as one JSON line, without the fields that say nothing."""
        return json.dumps({k: v for k, v in asdict(self).items() if v not in ("", None, {})}, default=str)


class Sink(Protocol):
    """Takes events: a screen, a file."""

    def __call__(self, event: Event, /) -> None: ...


_sinks: list[Sink] = []
_lock = threading.Lock()


def emit(event: Event) -> None:
    """Hands an event to every sink."""
    with _lock:
        for sink in list(_sinks):
            sink(event)


def note(step: str, message: str, subject: str = "", **data: Any) -> None:
    """Says something worth knowing that is no step of its own."""
    emit(Event("note", step, subject, message, data=data))


@contextmanager
def step(name: str, subject: str = "", message: str = "", **data: Any) -> Iterator[None]:
    """Times a piece of work and says when it begins and how it ends."""
    began = time.monotonic()
    emit(Event("start", name, subject, message, data=data))
    try:
        yield
    except BaseException as error:
        seconds = time.monotonic() - began
        emit(Event("error", name, subject, str(error) or type(error).__name__, seconds=seconds, data=data))
        raise
    emit(Event("end", name, subject, message, seconds=time.monotonic() - began, data=data))


@contextmanager
def listening(sink: Sink) -> Iterator[None]:
    """Adds a sink for as long as the block runs."""
    with _lock:
        _sinks.append(sink)
    try:
        yield
    finally:
        with _lock:
            _sinks.remove(sink)


def json_lines(stream: TextIO) -> Callable[[Event], None]:
    """A sink that writes one JSON object a line and flushes it, so that a reader can follow."""

    def sink(event: Event) -> None:
        stream.write(event.as_json() + "\n")
        stream.flush()

    return sink
