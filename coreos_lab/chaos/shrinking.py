"""Shrinking a plan that fails: leaving out breaks for as long as the rest still fails (delta debugging)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from coreos_lab.chaos.schedule import Step
from coreos_lab.chaos.storm import CALM, FIRST

Plan = tuple[Step, ...]


def shrink(steps: Sequence[Step], fails: Callable[[Plan], bool], suspect: int | None = None) -> Plan:
    """The shortest part found of a plan that fails, in which no break can be left out without a pass.

    `fails` tries a part; the whole is known to fail. `suspect` is the number, from 0, of the break that failed: it is
    tried alone first.
    """
    tried: dict[tuple[int, ...], bool] = {}

    def bad(numbers: tuple[int, ...]) -> bool:
        if numbers not in tried:
            tried[numbers] = fails(compact([steps[number] for number in numbers]))
        return tried[numbers]

    left = tuple(range(len(steps)))
    if suspect is not None and len(left) > 1 and bad((suspect,)):
        left = (suspect,)
    parts = 2
    while len(left) > 1:
        smaller = next((numbers for numbers in _candidates(left, parts) if bad(numbers)), None)
        if smaller is not None:
            parts = 2 if len(smaller) <= len(left) // parts else max(2, parts - 1)
            left = smaller
        elif parts < len(left):
            parts = min(len(left), 2 * parts)
        else:
            break
    return compact([steps[number] for number in left]) if len(left) < len(steps) else tuple(steps)


def _candidates(left: tuple[int, ...], parts: int) -> Iterator[tuple[int, ...]]:
    """Each part alone, then all but each part."""
    bounds = [len(left) * number // parts for number in range(parts + 1)]
    pieces = [left[begin:end] for begin, end in pairwise(bounds)]
    yield from pieces
    yield from (tuple(number for number in left if number not in piece) for piece in pieces)


def compact(steps: Sequence[Step]) -> Plan:
    """The breaks of a plan with less time in which nothing is broken: no more than a plan of a storm has."""
    moved: list[Step] = []
    earlier, until = 0.0, 0.0
    for step in sorted(steps, key=lambda each: each.at):
        at = step.at - earlier
        most = CALM[1] if moved else FIRST[1]
        if at - until > most:
            earlier += at - until - most
            at = until + most
        moved.append(replace(step, at=round(at, 1)))
        until = max(until, at + (step.lasting or 0.0))
    return tuple(moved)
