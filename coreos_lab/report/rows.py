"""Runs as rows of the page of many runs, and the rows that make a trend."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median

from coreos_lab.model import Outcome


@dataclass(frozen=True)
class Row:
    """One run: its verdict (None: it has none, or it cannot be read, which `state` says), its outage and recovery.

    `took` is how long a run took that breaks nothing: its own time is what matters.
    """

    run: str
    cluster: str
    wall: float | None
    labs: str = ""
    fault: str = ""
    nodes: str = ""
    outcome: Outcome | None = None
    state: str = ""
    probe: str = ""
    outage: float | None = None
    limit: float | None = None
    recovery: float | None = None
    took: float | None = None


@dataclass(frozen=True)
class Trend:
    """The runs of one fault on the same labs, oldest first."""

    fault: str
    labs: str
    rows: tuple[Row, ...]

    def spread(self, name: str) -> tuple[float, float, float] | None:
        """Least, median and most of `outage`, `recovery` or `took`; None where no run has one."""
        found = [value for row in self.rows if (value := getattr(row, name)) is not None]
        return (min(found), median(found), max(found)) if found else None

    @property
    def counts(self) -> dict[Outcome, int]:
        """How many runs came to which verdict."""
        return {outcome: sum(row.outcome is outcome for row in self.rows) for outcome in Outcome}
