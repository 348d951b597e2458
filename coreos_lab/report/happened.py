"""What a run did, from its events: the steps, and from when to when each fault was there."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from coreos_lab import timings
from coreos_lab.report.jsonl import TEXT, Lines, seconds, text
from coreos_lab.report.places import Rows
from coreos_lab.report.values import Lane, Span

SPANS = 500  # steps, and faults of a node, that are kept
REPAIR = "repair"
TONES = {"end": "pass", "error": "fail"}


class Happened:
    """Steps and faults, in monotonic seconds. `wall` is what to add to those for seconds since the epoch.

    `first` and `last` are the times of the first and the last event, NaN where there is none. `errors` are what failed.
    `stages` has a row for each subject (a node) whose notes have a `phase` in their data, as those of updates do.
    """

    def __init__(self, path: Path) -> None:
        self.first = self.last = math.nan
        self.wall = math.nan
        self.faults: dict[str, list[Span]] = {}  # by node; what is being healed is a span of its own
        self.errors: list[str] = []
        self.stages = Rows()
        self._steps: dict[str, list[Span]] = {}  # by their names
        self._open: dict[tuple[str, str], tuple[float, str]] = {}
        self._broken: dict[str, tuple[float, str]] = {}  # since when, and by what, by node
        lines = Lines(path)
        for _ in lines.read(self._take):
            pass
        self.problems = lines.problems
        for (step, subject), (begin, message) in self._open.items():
            said = f"{message} (no end is on record)".strip()
            self._add(step, Span(begin, self.last, subject or message, "unknown", said))
        for node in list(self._broken):
            self._end_fault(node, self.last, "still there at the end of the record")

    def lanes(self, began: float) -> Iterator[Lane]:
        """A row for each kind of step, with times since `began`; more than one for steps that ran at the same time."""
        for name, spans in self._steps.items():
            rows: list[list[Span]] = []
            for span in sorted(spans, key=lambda each: each.begin):
                free = next((row for row in rows if row[-1].end <= span.begin), None)
                if free is None:
                    rows.append(free := [])
                free.append(span)
            for row in rows:
                yield Lane(name, tuple(span.since(began) for span in row))

    def waited(self, began: float, end: float) -> list[tuple[str, float]]:
        """The steps that the end of the run had to wait for, each with its seconds."""
        spans = [
            timings.Span(name, f"{name} {span.text}".strip(), span.begin, span.end)
            for name, steps in self._steps.items()
            for span in steps
        ]
        return timings.summed(timings.critical_path(spans, began, end)) if spans else []

    def _take(self, raw: dict[str, Any]) -> None:
        kind, step, subject, message = (text(raw, name) for name in ("kind", "step", "subject", "message"))
        mono = seconds(raw, "mono")
        if math.isnan(self.first):
            self.first, self.wall = mono, seconds(raw, "wall") - mono
        self.last = mono
        if kind == "start" and len(self._open) < SPANS:
            self._open[step, subject] = (mono, message)
        elif kind in TONES:
            begin, said = self._open.pop((step, subject), (mono, message))
            self._add(step, Span(begin, mono, subject or said, TONES[kind], message or said))
            if kind == "error":
                self.errors = [*self.errors[-9:], f"{f'{step} {subject}'.strip()}: {message}"]
        if kind == "note" and subject and isinstance(data := raw.get("data"), dict) and "phase" in data:
            stage = str(data["phase"])[:TEXT]
            self.stages.change(mono, subject, (stage, "pass" if stage == "done" else "wait", message))
        if step == "fault" and kind == "start" and len(self._broken) + len(self.faults) < SPANS:
            self._broken[subject] = (mono, message)
        if step == "heal":
            self._heal(kind, mono, message)

    def _heal(self, kind: str, mono: float, message: str) -> None:
        """A repair begins or ends. The event names what is healed as "core-02 (kill)", unless it is an error."""
        for node, (_since, what) in list(self._broken.items()):
            if kind == "start" and f"{node} (" in message:
                self._end_fault(node, mono)
                self._broken[node] = (mono, REPAIR)
            elif kind in TONES and what == REPAIR:
                self._end_fault(node, mono, message if kind == "error" else "")

    def _end_fault(self, node: str, mono: float, detail: str = "") -> None:
        begin, what = self._broken.pop(node)
        spans = self.faults.setdefault(node, [])
        if len(spans) < SPANS:
            spans.append(Span(begin, mono, what, "repair" if what == REPAIR else "fault", detail))

    def _add(self, step: str, span: Span) -> None:
        if sum(map(len, self._steps.values())) < SPANS:
            self._steps.setdefault(step, []).append(span)


def clock(wall: float, form: str = "%Y-%m-%d %H:%M:%S UTC") -> str:
    """A time of day and date, the same wherever the report is made and read."""
    try:
        return time.strftime(form, time.gmtime(wall))
    except (OverflowError, OSError, ValueError):
        return "at an unknown time"
