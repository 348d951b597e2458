"""Metrics: an SQLite file of samples, each a set of statistics at a moment, and their aggregation by periods.

A metric is named by its namespace, its name and its dimensions. Source: CloudWatch's "Concepts".
"""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

TABLES = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
CREATE TABLE IF NOT EXISTS metrics (id INTEGER PRIMARY KEY, namespace TEXT, name TEXT, dimensions TEXT,
    UNIQUE (namespace, name, dimensions));
CREATE TABLE IF NOT EXISTS samples (metric INTEGER, moment REAL, unit TEXT, count REAL, sum REAL, least REAL,
    most REAL);
CREATE INDEX IF NOT EXISTS by_moment ON samples (metric, moment);
"""
KEPT = 15 * 86400.0  # seconds: AWS's for periods of a minute
HOURLY = 3600.0
NO_UNIT = "None"


@dataclass(frozen=True)
class Metric:
    """What is measured. `dimensions` are sorted pairs."""

    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Sample:
    """Statistics of what was measured at a moment, in seconds since 1970."""

    moment: float
    count: float
    sum: float
    least: float
    most: float
    unit: str = NO_UNIT

    @classmethod
    def of(cls, value: float, moment: float, unit: str = NO_UNIT) -> Sample:
        """One value."""
        return cls(moment, 1.0, value, value, value, unit)

    def value(self, statistic: str) -> float:
        """One of AWS's statistics, such as Average."""
        found = {"SampleCount": self.count, "Sum": self.sum, "Minimum": self.least, "Maximum": self.most}
        return found[statistic] if statistic in found else self.sum / self.count


STATISTICS = ("SampleCount", "Average", "Sum", "Minimum", "Maximum")


def together(samples: Iterable[Sample], moment: float) -> Sample | None:
    """Several samples as one; None for none."""
    listed = list(samples)
    if not listed:
        return None
    return Sample(
        moment,
        sum(each.count for each in listed),
        sum(each.sum for each in listed),
        min(each.least for each in listed),
        max(each.most for each in listed),
        listed[0].unit,
    )


def by_period(samples: Iterable[Sample], period: int) -> list[Sample]:
    """One sample for each period and unit in which there is one, the oldest first. Periods begin at their multiples."""
    found: dict[tuple[float, str], list[Sample]] = {}
    for each in samples:
        found.setdefault((each.moment // period * period, each.unit), []).append(each)
    merged = (together(listed, moment) for (moment, _unit), listed in sorted(found.items()))
    return [each for each in merged if each is not None]


class Series:
    """The file. Every call is one transaction."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = threading.RLock()
        self._tables = sqlite3.connect(path, check_same_thread=False)
        self._tables.executescript(TABLES)
        self._swept = 0.0

    def add(self, metric: Metric, samples: Iterable[Sample]) -> None:
        """Keeps samples; drops those that are older than AWS keeps them."""
        dimensions = json.dumps(metric.dimensions)
        rows = [(each.moment, each.unit, each.count, each.sum, each.least, each.most) for each in samples]
        with self._lock, self._tables:
            named = (metric.namespace, metric.name, dimensions)
            self._tables.execute("INSERT OR IGNORE INTO metrics (namespace, name, dimensions) VALUES (?, ?, ?)", named)
            (number,) = self._tables.execute(
                "SELECT id FROM metrics WHERE namespace = ? AND name = ? AND dimensions = ?", named
            ).fetchone()
            insert = "INSERT INTO samples VALUES (?, ?, ?, ?, ?, ?, ?)"
            self._tables.executemany(insert, [(number, *row) for row in rows])
            if time.time() - self._swept > HOURLY:
                self._swept = time.time()
                self._tables.execute("DELETE FROM samples WHERE moment < ?", (self._swept - KEPT,))
                self._tables.execute("DELETE FROM metrics WHERE id NOT IN (SELECT metric FROM samples)")

    def read(self, metric: Metric, begin: float, end: float, unit: str = "") -> list[Sample]:
        """The samples of [begin, end), the oldest first; those of one unit, if that is given."""
        wanted = "SELECT moment, count, sum, least, most, unit FROM samples JOIN metrics ON id = metric WHERE"
        wanted += " namespace = ? AND name = ? AND dimensions = ? AND moment >= ? AND moment < ? ORDER BY moment"
        named = (metric.namespace, metric.name, json.dumps(metric.dimensions))
        with self._lock:
            rows = self._tables.execute(wanted, (*named, begin, end)).fetchall()
        return [found for row in rows if (found := Sample(*row)) and unit in ("", found.unit)]

    def metrics(
        self, namespace: str = "", name: str = "", dimensions: Mapping[str, str | None] | None = None
    ) -> list[Metric]:
        """The metrics with these parts; a dimension whose value is None may have any."""
        with self._lock:
            rows = self._tables.execute("SELECT namespace, name, dimensions FROM metrics ORDER BY 1, 2, 3").fetchall()
        listed = [Metric(each[0], each[1], tuple((key, value) for key, value in json.loads(each[2]))) for each in rows]
        return [
            each
            for each in listed
            if namespace in ("", each.namespace)
            and name in ("", each.name)
            and all(
                key in (own := dict(each.dimensions)) and value in (None, own[key])
                for key, value in (dimensions or {}).items()
            )
        ]
