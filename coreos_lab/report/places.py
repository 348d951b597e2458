"""Where units ran and which member led etcd, as rows of spans."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from coreos_lab.chaos.observer import Place
from coreos_lab.report.jsonl import Lines, seconds, text
from coreos_lab.report.values import Lane, Span

SPANS = 300  # of a row
ROWS = 500  # rows that are kept
ACTIVE = {"active": "node", "activating": "wait", "reloading": "wait", "failed": "fail"}
State = tuple[str, str, str]  # what is written on a span, its tone, and its detail


class Rows:
    """Rows of states that are told whenever one of them changes. `last` is the time of the last change."""

    def __init__(self) -> None:
        self.last = math.nan
        self._now: dict[str, tuple[float, State]] = {}
        self._spans: dict[str, list[Span]] = {}
        self._left_out: dict[str, int] = {}

    def tell(self, mono: float, states: dict[str, State]) -> None:
        """All rows' states from `mono` on; a row that is missing has none."""
        self.last = mono
        for name in [name for name in self._now if states.get(name) != self._now[name][1]]:
            self._end(name, mono)
        for name, state in states.items():
            if name not in self._now and (name in self._spans or len(self._spans) < ROWS):
                self._spans.setdefault(name, [])
                self._now[name] = (mono, state)

    def change(self, mono: float, name: str, state: State) -> None:
        """One row's state from `mono` on."""
        self.tell(mono, {row: known for row, (_since, known) in self._now.items()} | {name: state})

    def lanes(self, began: float, end: float) -> list[Lane]:
        """The rows with times since `began`, up to `end`. Ends them."""
        for name in list(self._now):
            self._end(name, end)
        return [
            Lane(
                name,
                tuple(span.since(began) for span in spans),
                self._left_out.get(name, 0),
            )
            for name, spans in sorted(self._spans.items())
        ]

    def _end(self, name: str, mono: float) -> None:
        begin, (said, tone, detail) = self._now.pop(name)
        if len(self._spans[name]) < SPANS:
            self._spans[name].append(Span(begin, max(begin, mono), said, tone, detail))
        else:
            self._left_out[name] = self._left_out.get(name, 0) + 1


def units(path: Path) -> tuple[Rows, list[str]]:
    """The places of units, and what is wrong with their record."""
    rows = Rows()

    def take(raw: dict[str, Any]) -> None:
        placed = {name: _unit(_places(state)) for name, state in raw["units"].items()}
        rows.tell(seconds(raw, "mono"), placed)

    return rows, _read(path, take)


def _places(raw: list[Any]) -> list[Place]:
    """Where a unit was, and its states there. Older records have one place of a unit, without a list around it."""
    found = [raw] if raw and isinstance(raw[0], str) else raw
    return [(str(node), str(active), str(sub)) for node, active, sub in found]


def _unit(places: list[Place]) -> State:
    if len(places) > 1:
        return _on_several(places)
    ((node, active, sub),) = places
    tone = ACTIVE.get(active, "none")
    where = node or "no node"
    if tone == "node":
        return where, f"node {node}", f"{active} ({sub})"
    return f"{where} ({active})", tone, f"{active} ({sub})"


def _on_several(places: list[Place]) -> State:
    """A unit on several machines, as a Global one is: on how many it is active, and its state on each."""
    up = sum(active == "active" for _node, active, _sub in places)
    tones = {ACTIVE.get(active, "none") for _node, active, _sub in places}
    tone = next((each for each in ("fail", "wait", "none") if each in tones), "pass")
    said = f"{len(places)} machines" if up == len(places) else f"{up} of {len(places)} machines"
    return said, tone, ", ".join(f"{node or 'no node'}: {active} ({sub})" for node, active, sub in places)


def leaders(path: Path) -> tuple[Rows, list[str]]:
    """Which member led etcd, and what is wrong with the record."""
    rows = Rows()

    def take(raw: dict[str, Any]) -> None:
        leader = text(raw, "leader")
        state = (leader, f"node {leader}", "") if leader else ("no leader", "fail", "most members name none")
        rows.tell(seconds(raw, "mono"), {"leader": state})

    return rows, _read(path, take)


def _read(path: Path, take: Any) -> list[str]:
    lines = Lines(path)
    for _ in lines.read(take):
        pass
    return lines.problems
