"""The figures of a bench: how long the commands took on a host, and how much memory, in bench.json."""

from __future__ import annotations

import math
import re
import statistics
from dataclasses import dataclass
from pathlib import Path

from coreos_lab.errors import LabError
from coreos_lab.records.about import SECONDS
from coreos_lab.records.formats import Format, Record

FORMAT = Format("figures of a bench")
LARGEST = 16 << 20  # bytes
MOST = 100_000  # values of a figure


@dataclass(frozen=True)
class Figure:
    """What was measured: a value for each run, in `unit`, and the goal for their median where there is one.

    The unit is in the figure's name, as in "memory per node (MiB)"; without any it is seconds.
    """

    what: str
    values: tuple[float, ...]
    goal: float | None = None

    @property
    def unit(self) -> str:
        named = re.search(r"\((MiB)\)|(percent)", self.what)
        return "s" if named is None else "MiB" if named[1] else "%"

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def met(self) -> bool | None:
        """Whether the median is within the goal; None without one."""
        return None if self.goal is None else self.median <= self.goal


@dataclass(frozen=True)
class Bench:
    """The figures of one bench. `wall` is when it ended, None in figures from before that was written."""

    figures: tuple[Figure, ...]
    runs: int
    again: str = ""
    wall: float | None = None
    lab: str = ""
    host: tuple[tuple[str, str], ...] = ()


def save(bench: Bench, path: Path) -> None:
    """Writes the figures, with the medians for who reads the file."""
    rows = [
        {
            "what": each.what,
            "median": each.median,
            "min": min(each.values),
            "max": max(each.values),
            "goal": each.goal,
            "values": each.values,
        }
        for each in bench.figures
    ]
    about = {"wall": bench.wall, "lab": bench.lab, "host": dict(bench.host), "again": bench.again}
    FORMAT.write(path, {"runs": bench.runs, **about, "rows": rows})


def load(path: Path) -> Bench:
    """The figures in a file. LabError where it is none, OtherVersionError where this lab does not understand it."""
    try:
        if path.stat().st_size > LARGEST:
            raise LabError(f"{path}: larger than the figures of any bench")
        return FORMAT.read(path, _parse)
    except OSError as error:
        raise LabError(f"{path}: {error.strerror}", "name the file that 'make bench' has written") from None


def _parse(record: Record) -> Bench:
    figures = tuple(
        Figure(
            str(row["what"]),
            tuple(map(_number, row.get("values") or (row["min"], row["median"], row["max"])))[:MOST],
            None if row["goal"] is None else _number(row["goal"]),
        )
        for row in record["rows"]
    )
    wall = record.get("wall")
    return Bench(
        figures,
        int(record["runs"]),
        str(record.get("again", "")),
        None if wall is None else _number(wall),
        str(record.get("lab", "")),
        tuple((str(name), str(value)) for name, value in record.get("host", {}).items()),
    )


def _number(value: object) -> float:
    """A figure: a number from 0 on."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{value!r}: no number")
    if not math.isfinite(value) or not 0 <= value < SECONDS:
        raise ValueError(f"{value!r}: no figure")
    return float(value)
