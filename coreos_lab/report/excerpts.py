"""The journals of a run's record, by the moments that they were read for."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from coreos_lab.report.jsonl import Lines, seconds, text
from coreos_lab.report.values import Excerpt, Message

MOMENTS = 20
MESSAGES = 1000  # of a moment
WARNING = 4  # syslog's: a smaller number is worse


def read(path: Path, wall: float) -> tuple[tuple[Excerpt, ...], list[str]]:
    """The excerpts in order of time, and what is wrong with the record. `wall` is when the run began."""
    found: dict[tuple[float, str], list[Message]] = {}
    left_out: dict[tuple[float, str], int] = {}

    def take(raw: dict[str, Any]) -> None:
        moment = (seconds(raw, "at"), text(raw, "moment"))
        node, unit, said = (text(raw, name) for name in ("node", "unit", "text"))
        message = Message(seconds(raw, "wall") - wall, node, unit, int(raw["priority"]), said, bool(raw.get("cut")))
        if moment not in found and len(found) >= MOMENTS:
            return
        messages = found.setdefault(moment, [])
        if len(messages) < MESSAGES:
            messages.append(message)
        else:
            left_out[moment] = left_out.get(moment, 0) + 1

    lines = Lines(path)
    for _ in lines.read(take):
        pass
    excerpts = tuple(
        Excerpt(what, at - wall, tuple(sorted(messages, key=lambda each: each.at)), left_out.get((at, what), 0))
        for (at, what), messages in sorted(found.items())
    )
    return excerpts, lines.problems


def within(excerpts: Iterable[Excerpt], characters: int) -> tuple[Excerpt, ...]:
    """The excerpts cut to so many characters in all: remarks, warnings and what is nearest to the moment stay."""
    found = list(excerpts)
    return tuple(_cut(each, characters // max(1, len(found))) for each in found)


def _cut(excerpt: Excerpt, characters: int) -> Excerpt:
    kept: set[int] = set()
    left = characters
    order = sorted(
        range(len(excerpt.messages)),
        key=lambda number: (
            bool(excerpt.messages[number].unit) and excerpt.messages[number].priority > WARNING,
            abs(excerpt.messages[number].at - excerpt.at),
        ),
    )
    for number in order:
        left -= len(excerpt.messages[number].text) + 120  # what a row takes beside its text
        if left < 0:
            break
        kept.add(number)
    messages = tuple(message for number, message in enumerate(excerpt.messages) if number in kept)
    gone = len(excerpt.messages) - len(messages)
    return Excerpt(excerpt.what, excerpt.at, messages, excerpt.left_out + gone)
