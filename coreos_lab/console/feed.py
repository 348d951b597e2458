"""What all browsers are told: a document of what is so now, what has happened, and the probes' samples.

Threads put things in; each browser takes out what is new to it, at its own speed. A slow browser misses no change,
since it gets the difference from what it was last told: the changes between come in one.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from coreos_lab.console.patch import difference
from coreos_lab.events import Event

HAPPENED = 300  # events that are kept for browsers that come later
SAMPLES = 1500  # the same of probes' samples: some minutes


@dataclass
class Reader:
    """What one browser was told last. `notify` is called, from any thread, when there is more."""

    notify: Callable[[], None]
    document: dict[str, Any] | None = None
    events: int = 0
    samples: int = 0


@dataclass
class _Numbered:
    """The last entries of a list that only grows, each with its number from 1."""

    length: int
    count: int = 0
    entries: deque[tuple[int, Any]] = field(default_factory=deque)

    def add(self, entry: Any) -> None:
        self.count += 1
        self.entries.append((self.count, entry))
        while len(self.entries) > self.length:
            self.entries.popleft()

    def after(self, number: int) -> list[Any]:
        return [entry for at, entry in self.entries if at > number]


class Feed:
    """Takes what threads find, and gives each reader what is new to it.

    `on_look` is called with True when the first reader comes, and with False when the last one is gone.
    """

    def __init__(self) -> None:
        self.on_look: Callable[[bool], None] = lambda _looks: None
        self._lock = threading.Lock()
        self._readers: list[Reader] = []
        self._document: dict[str, Any] = {}
        self._events, self._samples = _Numbered(HAPPENED), _Numbered(SAMPLES)

    @property
    def document(self) -> dict[str, Any]:
        """What is so now. Not to be changed."""
        return self._document

    def update(self, **parts: Any) -> None:
        """Replaces parts of the document."""
        with self._lock:
            now = {**self._document, **parts}
            if now == self._document:
                return
            self._document = now
        self._notify()

    def happened(self, event: Event) -> None:
        """Adds something that has happened."""
        with self._lock:
            self._events.add(event.as_plain())
        self._notify()

    def sampled(self, sample: Mapping[str, Any]) -> None:
        """Adds a probe's sample."""
        with self._lock:
            self._samples.add(dict(sample))
        self._notify()

    @contextmanager
    def reading(self, notify: Callable[[], None]) -> Iterator[Reader]:
        """A reader, while the block runs."""
        reader = Reader(notify)
        with self._lock:
            self._readers.append(reader)
            first = len(self._readers) == 1
        if first:
            self.on_look(True)
        try:
            yield reader
        finally:
            with self._lock:
                self._readers.remove(reader)
                last = not self._readers
            if last:
                self.on_look(False)

    def news(self, reader: Reader) -> dict[str, Any]:
        """What is new to a reader, empty where nothing is: first the whole document, later patches of it."""
        with self._lock:
            now, before = self._document, reader.document
            events, samples = self._events.after(reader.events), self._samples.after(reader.samples)
            reader.document, reader.events, reader.samples = now, self._events.count, self._samples.count
        news: dict[str, Any] = {}
        if before is None:
            news["document"] = now
        elif patch := difference(before, now):
            news["patch"] = patch
        return {**news, **({"events": events} if events else {}), **({"samples": samples} if samples else {})}

    def _notify(self) -> None:
        with self._lock:
            readers = list(self._readers)
        for reader in readers:
            reader.notify()
