"""The events of what is being done to a cluster, whichever command does it: they are read from its run's folder."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from coreos_lab.events import Event
from coreos_lab.records import runs
from coreos_lab.records.store import ClusterFolder

FAULT = "fault"  # the step of injecting one
MOST = 1 << 20  # bytes that are read at a time: a page shows the last events, not a day's


class Following:
    """Reads what is new in the newest run's events."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._first = True
        self._changed = 0  # when the folder of runs changed last, in nanoseconds
        self._path: Path | None = None
        self._at = 0

    def new(self) -> Iterator[Event]:
        """The events since the last call. Of a run that was over at the first call, there are none.

        A fault that is injected is left out: it is seen in the fault journal, whether or not a run goes with it.
        """
        self._find()
        if self._path is None:
            return
        try:
            with self._path.open("rb") as lines:
                lines.seek(self._at)
                text = lines.read(MOST)
        except OSError:
            return
        whole = text[: text.rfind(b"\n") + 1] or (text if len(text) == MOST else b"")
        self._at += len(whole)
        for line in whole.splitlines():
            if (event := _event(line)) is not None and (event.step != FAULT or event.kind == "error"):
                yield event

    def _find(self) -> None:
        """Looks which run is the newest, where the folder of runs has changed."""
        first, self._first = self._first, False
        try:
            changed = ClusterFolder(self._name).runs.stat().st_mtime_ns
        except OSError:
            return
        if changed == self._changed:
            return
        self._changed = changed
        there = runs.ordered(self._name)
        path = there[-1] / runs.EVENTS if there else None
        if path == self._path or path is None:
            return
        self._path, self._at = path, 0
        if first and not runs.is_going_on(path.parent):
            self._at = path.stat().st_size if path.exists() else 0


def _event(line: bytes) -> Event | None:
    """The event of a line; None for a line that is none."""
    try:
        raw: dict[str, Any] = json.loads(line)
        seconds = raw.get("seconds")
        return Event(
            str(raw["kind"]),
            str(raw["step"]),
            str(raw.get("subject", "")),
            str(raw.get("message", "")),
            wall=float(raw["wall"]),
            seconds=None if seconds is None else float(seconds),
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
