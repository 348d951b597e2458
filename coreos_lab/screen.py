"""How events look on stderr: live on a terminal, plain lines elsewhere, JSON lines where asked for."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from coreos_lab import events
from coreos_lab.events import Event

if TYPE_CHECKING:
    from rich.console import RenderableType

_feet: list[Callable[[], RenderableType]] = []
HIDDEN = 0.05  # seconds: a step that was over before one could read it leaves no line


@contextmanager
def showing(stream: TextIO = sys.stderr) -> Iterator[None]:
    """Draws every event of the block on `stream`."""
    if stream.isatty():
        with _Live().running():
            yield
    else:
        with events.listening(plain_lines(stream)):
            yield


@contextmanager
def foot(render: Callable[[], RenderableType]) -> Iterator[None]:
    """Draws something below everything else for as long as the block runs; where nobody watches, nothing."""
    _feet.append(render)
    try:
        yield
    finally:
        _feet.remove(render)


def describe(event: Event) -> str:
    """An event's step, subject and message as one phrase."""
    head = " ".join(part for part in (event.step, event.subject) if part)
    return f"{head}: {event.message}" if event.message else head


def plain_lines(stream: TextIO) -> events.Sink:
    """One line an event, with the seconds since we began: for pipes, logs and CI."""
    began = time.monotonic()

    def sink(event: Event) -> None:
        mark = {"start": "..", "end": "ok", "error": "!!", "note": "--"}[event.kind]
        took = f" ({event.seconds:.1f} s)" if event.seconds is not None else ""
        print(f"{event.mono - began:7.1f} {mark} {describe(event)}{took}", file=stream, flush=True)

    return sink


class _Live:
    """Finished steps scroll up, running ones stay at the foot with a spinner and their age."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.live import Live

        self._console = Console(stderr=True, highlight=False)
        self._active: dict[tuple[str, str], Event] = {}
        self._live = Live(console=self._console, get_renderable=self._foot, refresh_per_second=10, transient=True)

    @contextmanager
    def running(self) -> Iterator[None]:
        with self._live, events.listening(self):
            yield

    def __call__(self, event: Event) -> None:
        key = (event.step, event.subject)
        if event.kind == "start":
            self._active[key] = event
            return
        if event.kind == "note":
            self._console.print(f"[cyan]•[/] {_escape(describe(event))}")
            return
        self._active.pop(key, None)
        seconds = event.seconds or 0.0
        if event.kind == "error":
            self._console.print(f"[red]✗[/] {_escape(describe(event))} [dim]{seconds:.1f} s[/]")
        elif seconds >= HIDDEN:
            self._console.print(f"[green]✓[/] {_escape(describe(event))} [dim]{seconds:.1f} s[/]")

    def _foot(self) -> RenderableType:
        from rich.console import Group
        from rich.spinner import Spinner

        now = time.monotonic()
        return Group(
            *(
                Spinner("dots", text=f"{_escape(describe(event))} [dim]{now - event.mono:.1f} s[/]")
                for event in list(self._active.values())
            ),
            *(render() for render in list(_feet)),
        )


def _escape(text: str) -> str:
    return text.replace("[", r"\[")
