"""What took how long: the critical path through the steps of a call, from its events."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from coreos_lab import events
from coreos_lab.events import Event

SAME = 0.001  # seconds: what is closer than that is one moment
TOGETHER = 0.05  # seconds between steps that were begun at the same time, in threads
SHOWN = 0.05  # seconds: parts that are shorter are added up
BETWEEN = "between the steps"


@dataclass(frozen=True)
class Span:
    """A step from its begin to its end, in monotonic seconds. `name` says whom it concerned, too."""

    step: str
    name: str
    began: float
    ended: float


def span(event: Event) -> Span | None:
    """The step that this event ends; None for another event."""
    if event.seconds is None:
        return None
    about = event.subject or (event.message if event.kind == "end" else "")
    name = f"{event.step} {about}" if event.subject else f"{event.step}: {about}" if about else event.step
    return Span(event.step, name, event.mono - event.seconds, event.mono)


def critical_path(spans: Iterable[Span], began: float, ended: float) -> list[tuple[str, float]]:
    """The steps that the end had to wait for, in order, each with its own seconds; together they fill the whole time.

    It is followed from the end backwards: what ran last, back to the end of a step that ran meanwhile, and so on. Of
    steps that run at the same time for several nodes, only the one that ends last counts.
    """
    every = list(spans)
    path: list[tuple[str, float]] = []
    now, last = ended, None
    while now - began > SAME:
        running = [each for each in every if each.began < now - SAME and each.ended >= now - SAME]
        last = last or max(running, key=lambda each: (each.began, -each.ended), default=None)
        before = [each for each in every if each.ended < now - SAME and (last is None or _within(each, last))]
        waited_for = max(before, key=lambda each: each.ended, default=None)
        begins = [began, *([last.began] if last else []), *([waited_for.ended] if waited_for else [])]
        path.append((last.name if last else BETWEEN, now - max(begins)))
        now, last = max(begins), waited_for if waited_for and waited_for.ended == max(begins) else None
    return list(reversed(path))


def _within(each: Span, last: Span) -> bool:
    """Whether a step ran while another one did, which may have waited for it."""
    return each.step != last.step and each.began >= last.began - TOGETHER and each.ended > last.began


def summed(path: Iterable[tuple[str, float]]) -> list[tuple[str, float]]:
    """A critical path with one entry for each name, at the place of its first; short ones are together at the end."""
    total: dict[str, float] = {}
    for name, seconds in path:
        total[name] = total.get(name, 0.0) + seconds
    shown = {name: seconds for name, seconds in total.items() if seconds >= SHOWN and name != BETWEEN}
    rest = sum(total.values()) - sum(shown.values())
    return [*shown.items(), *([(BETWEEN, rest)] if rest >= SHOWN else [])]


@contextmanager
def told(wanted: bool) -> Iterator[None]:
    """Prints to stderr, when the block ends in whatever way, what it waited for; nothing where that is not `wanted`."""
    if not wanted:
        yield
        return
    spans: list[Span] = []

    def sink(event: Event) -> None:
        if found := span(event):
            spans.append(found)

    began = time.monotonic()
    try:
        with events.listening(sink):
            yield
    finally:
        ended = time.monotonic()
        print(f"{ended - began:7.1f} s, on the critical path:", file=sys.stderr)
        for name, seconds in summed(critical_path(spans, began, ended)):
            print(f"{seconds:7.1f} s  {name}", file=sys.stderr)
