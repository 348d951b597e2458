"""What a terminal shows while something is broken: nodes, where units run, and every probe as a sparkline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from coreos_lab.chaos.observer import Observer
from coreos_lab.chaos.probes import Sample, longest_outage
from coreos_lab.model import QualifiedName

if TYPE_CHECKING:
    from rich.console import RenderableType

COLUMNS = 40
SECONDS = 1.0  # of one column


def sparkline(samples: Sequence[Sample], now: float) -> str:
    """The last seconds, one column each: full where every sample was good, half where some were, low where none was."""
    columns: list[list[bool]] = [[] for _ in range(COLUMNS)]
    for sample in reversed(samples):
        back = int((now - sample.mono) / SECONDS)
        if back >= COLUMNS:
            break
        columns[COLUMNS - 1 - max(0, back)].append(sample.ok)
    return "".join(_column(answers) for answers in columns)


def _column(answers: Sequence[bool]) -> str:
    if not answers:
        return " "
    if all(answers):
        return "█"
    return "▄" if any(answers) else "▁"


def board(
    observer: Observer,
    probes: Mapping[QualifiedName, Sequence[Sample]],
    broken: Sequence[tuple[str, str]],
    since: float,
    now: float,
) -> RenderableType:
    """A line for each node and each probe. `broken` are nodes with their fault, from `since` to `now` (monotonic)."""
    from rich.table import Table
    from rich.text import Text

    faults = dict(broken)
    lines = Table.grid(padding=(0, 2))
    head = ", ".join(f"{node}: {kind}" for node, kind in broken)
    lines.add_row("", Text(f"{head} for {now - since:.0f} s" if broken else "nothing is broken", "bold"), "")
    for name, samples in observer.reads.items():
        units = ", ".join(
            f"{unit.removesuffix('.service')}{'' if active == 'active' else f' ({active})'}"
            for unit, places in sorted(observer.units.items())
            for node, active, _sub in places
            if node == name
        )
        lines.add_row(Text(name, "red" if name in faults else ""), _spark(samples, now), Text(units, overflow="fold"))
    for probe, answers in probes.items():
        down = longest_outage(answers)
        lines.add_row(str(probe), _spark(answers, now), f"down for {down:.1f} s at most" if down else "")
    return lines


def _spark(samples: Sequence[Sample], now: float) -> RenderableType:
    from rich.text import Text

    colours = {"█": "green", "▄": "yellow", "▁": "red"}
    text = Text()
    for column in sparkline(samples, now):
        text.append(column, colours.get(column))
    return text
