"""Events on stderr: live on a terminal, plain lines elsewhere. And standard streams that never raise."""

from __future__ import annotations

import codecs
import io
import os
import select
import sys
import time
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from coreos_lab import characters, events
from coreos_lab.events import Event

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer as Buffer
    from rich.console import RenderableType

# Replacements for characters that an encoding does not have. Letters with a diacritic lose the diacritic.
PLAIN = {
    "•": "*",
    "–": "-",
    "—": "-",
    "→": "->",
    "…": "...",
    "‘": "'",
    "’": "'",
    "“": '"',
    "”": '"',
    "✓": "ok",
    "✗": "!!",
    "─": "-",
    "━": "-",
    "│": "|",
    "┃": "|",
    "▌": "|",
    "×": "x",
}
_feet: list[Callable[[], RenderableType]] = []
HIDDEN = 0.05  # seconds: a step that is shorter leaves no line


class _Raw(io.FileIO):
    """A stream whose reader may be gone: what cannot be written is dropped, and the first error kept.

    An undo must not depend on a pipe, a terminal or a disk, so printing never raises an error.
    """

    def __init__(self, descriptor: int) -> None:
        super().__init__(descriptor, "wb", closefd=False)
        self.error: OSError | None = None

    def write(self, data: Buffer, /) -> int:
        size = memoryview(data).nbytes
        while self.error is None:
            try:
                written: int | None = super().write(data)
            except OSError as error:
                self.error = error
                break
            if written is not None:
                return written
            select.select([], [self], [])  # the descriptor is non-blocking, and full
        return size


def prepare() -> None:
    """Replaces the standard streams by ones that never raise, also closed ones and those of any encoding.

    Call it before any file is opened: that file would get the descriptor of a closed stream.
    """
    for descriptor, mode in ((0, os.O_RDONLY), (1, os.O_WRONLY), (2, os.O_WRONLY)):
        try:
            os.fstat(descriptor)
        except OSError:
            os.set_inheritable(os.open(os.devnull, mode), True)
    if sys.stdin is None:  # it was closed
        sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - as long as the process runs
    codecs.register_error("plain", _plain)
    sys.stdout = _stream(1, sys.stdout, by_line=os.isatty(1))
    sys.stderr = _stream(2, sys.stderr, by_line=True)


def _stream(descriptor: int, before: TextIO | None, *, by_line: bool) -> TextIO:
    encoding = before.encoding if before else "utf-8"
    return io.TextIOWrapper(
        io.BufferedWriter(_Raw(descriptor)), encoding=encoding, errors="plain", line_buffering=by_line
    )


def _plain(error: UnicodeError) -> tuple[str, int]:
    """Replaces characters that an encoding does not have (codecs.register_error)."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    missing = error.object[error.start : error.end]
    return "".join(map(_replacement, missing)), error.end


def _replacement(character: str) -> str:
    letters = unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode("ascii")
    return PLAIN.get(character) or letters or "?"


def lost() -> OSError | None:
    """The error that ended our stdout; None while it works."""
    raw = getattr(getattr(sys.stdout, "buffer", None), "raw", None)
    return raw.error if isinstance(raw, _Raw) else None


@contextmanager
def showing(stream: TextIO | None = None) -> Iterator[None]:
    """Shows every event of the block on `stream`, by default stderr."""
    stream = stream or sys.stderr
    if stream.isatty():
        with _Live().running():
            yield
    else:
        with events.listening(plain_lines(stream)):
            yield


@contextmanager
def foot(render: Callable[[], RenderableType]) -> Iterator[None]:
    """Draws something below everything else while the block runs, on a terminal only."""
    _feet.append(render)
    try:
        yield
    finally:
        _feet.remove(render)


def describe(event: Event) -> str:
    """An event's step, subject and message as one phrase. What a machine said in it does not act on the terminal."""
    head = " ".join(part for part in (event.step, event.subject) if part)
    text = f"{head}: {event.message}" if event.message else head
    return characters.spelt_out(text, characters.CONTROLS)


def plain_lines(stream: TextIO) -> events.Sink:
    """One line for each event, with the seconds since the start: for pipes, logs and CI."""
    began = time.monotonic()

    def sink(event: Event) -> None:
        mark = {"start": "..", "end": "ok", "error": "!!", "note": "--"}[event.kind]
        took = f" ({event.seconds:.1f} s)" if event.seconds is not None else ""
        print(f"{event.mono - began:7.1f} {mark} {describe(event)}{took}", file=stream, flush=True)

    return sink


class _Live:
    """Finished steps scroll up; running ones stay at the bottom with a spinner and their age."""

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
            self._console.print(f"[cyan]•[/] {escape(describe(event))}")
            return
        self._active.pop(key, None)
        seconds = event.seconds or 0.0
        if event.kind == "error":
            self._console.print(f"[red]✗[/] {escape(describe(event))} [dim]{seconds:.1f} s[/]")
        elif seconds >= HIDDEN:
            self._console.print(f"[green]✓[/] {escape(describe(event))} [dim]{seconds:.1f} s[/]")

    def _foot(self) -> RenderableType:
        from rich.console import Group
        from rich.spinner import Spinner

        now = time.monotonic()
        return Group(
            *(
                Spinner("dots", text=f"{escape(describe(event))} [dim]{now - event.mono:.1f} s[/]")
                for event in list(self._active.values())
            ),
            *(render() for render in list(_feet)),
        )


def escape(text: str) -> str:
    """A text without meaning for rich's markup, whatever backslashes it has."""
    from rich import markup

    return markup.escape(text)
