"""Records of one JSON object a line, read with bounded memory. What is damaged is left out and named."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

T = TypeVar("T")
LINE = 1 << 20  # bytes: a longer line is left out
TEXT = 2000  # characters of a text
SECONDS = 1e12  # no clock is beyond
UNUSABLE = (AttributeError, KeyError, OverflowError, TypeError, ValueError)  # what using a damaged object raises


class Lines:
    """A file's lines. Once they were read, `problems` has a sentence for each way in which some are damaged."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._bad: dict[str, list[int]] = {}  # number of the first such line, and how many there are, by what is wrong
        self.problems: list[str] = []

    def read(self, make: Callable[[dict[str, Any]], T]) -> Iterator[T]:
        """What `make` makes of each object. It raises one of UNUSABLE for an object that it cannot use."""
        try:
            with self._path.open("rb") as lines:
                yield from self._made(lines, make)
        except FileNotFoundError:
            return
        except OSError as error:
            self.problems.append(f"{self._path.name} cannot be read: {error.strerror}")
        for wrong, (first, count) in self._bad.items():
            what = f"line {first} is left out" if count == 1 else f"{count} lines are left out (the first is {first})"
            self.problems.append(f"{self._path.name}: {what}: {wrong}")

    def _made(self, lines: BinaryIO, make: Callable[[dict[str, Any]], T]) -> Iterator[T]:
        number = 0
        while line := lines.readline(LINE):
            number += 1
            whole = line.endswith(b"\n")
            if not whole and len(line) == LINE:
                while (rest := lines.readline(LINE)) and not rest.endswith(b"\n"):
                    pass
                self._reject(number, "longer than a megabyte")
                continue
            try:
                yield make(_object(line))
            except (*UNUSABLE, RecursionError):
                self._reject(number, "not as this record's lines are" if whole else "cut off")

    def _reject(self, number: int, wrong: str) -> None:
        self._bad.setdefault(wrong, [number, 0])[1] += 1


def _object(line: bytes) -> dict[str, Any]:
    value = json.loads(line)
    if not isinstance(value, dict):
        raise TypeError("no JSON object")
    return value


def seconds(raw: dict[str, Any], name: str) -> float:
    """A time or a duration of an object. ValueError for what is none, KeyError where there is none."""
    value = raw[name]
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < SECONDS:
        raise ValueError(f"{name}: no number of seconds")
    return float(value)


def text(raw: dict[str, Any], name: str, default: str = "") -> str:
    """A text of an object, cut. TypeError for what is none."""
    value = raw.get(name, default)
    if not isinstance(value, str):
        raise TypeError(f"{name}: no text")
    return value[:TEXT]
