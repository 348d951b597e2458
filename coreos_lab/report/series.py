"""A probe's samples, added one by one and kept as sums: memory does not grow with their number."""

from __future__ import annotations

import heapq
import math
from collections import Counter
from dataclasses import dataclass

from coreos_lab.chaos.probes import Outage
from coreos_lab.report.values import Curve, Point, Span

BUCKETS = 400  # of a curve; there are up to twice as many while it is read
WIDTH = 0.1  # seconds of a bucket at first: it is doubled when there are too many
OUTAGES = 300  # the longest ones are kept
STEPS = 50  # steps of latency for a factor of ten: a percentile is 2 % off at most
PERCENTILES = {"median": 50, "95 %": 95, "99 %": 99}


@dataclass
class _Bucket:
    good: int = 0
    bad: int = 0
    low: float = math.inf
    high: float = 0.0

    def join(self, other: _Bucket) -> None:
        self.good += other.good
        self.bad += other.bad
        self.low, self.high = min(self.low, other.low), max(self.high, other.high)


class Series:
    """One probe. Samples come in the order of time; `first` and `last` are the times of the first and the last one."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.first = self.last = math.nan
        self.samples = self.failed = 0
        self._outage = Outage()
        self._down: tuple[float, str] | None = None  # since when, and what the first sample said
        self._outages: list[tuple[float, float, float, str]] = []  # a heap: length, begin, end, what was said
        self._left_out = 0
        self._width = WIDTH
        self._buckets: dict[int, _Bucket] = {}
        self._latencies: Counter[int] = Counter()
        self._slowest = 0.0

    @property
    def longest(self) -> float:
        """Seconds of the longest outage."""
        return self._outage.longest

    def add(self, mono: float, ok: bool, took: float | None, detail: str) -> None:
        """The next sample: its time, whether the answer was good, and how long it took."""
        if not self.samples:
            self.first = mono
        self.last = mono
        self.samples += 1
        self.failed += not ok
        self._outage.add(mono, ok)
        if not ok and self._down is None:
            self._down = (mono, detail)
        if ok:
            self._end(mono)
        number = math.floor(mono / self._width)
        bucket = self._buckets.get(number)
        if bucket is None:
            bucket = self._buckets[number] = _Bucket()
        bucket.good += ok
        bucket.bad += not ok
        if ok and took is not None:
            bucket.low, bucket.high = min(bucket.low, took), max(bucket.high, took)
            self._latencies[math.floor(math.log10(max(took, 1e-6)) * STEPS)] += 1
            self._slowest = max(self._slowest, took)
        while len(self._buckets) > 2 * BUCKETS:
            self._coarsen()

    def curve(self, began: float, limit: float | None, buckets: int = BUCKETS) -> Curve:
        """What was measured, with times since `began`. Ends the series."""
        self._end(self.last)
        while len(self._buckets) > buckets:
            self._coarsen()
        points = tuple(
            Point(
                number * self._width - began,
                (number + 1) * self._width - began,
                each.good,
                each.bad,
                *((each.low, each.high) if each.low < math.inf else (None, None)),
            )
            for number, each in sorted(self._buckets.items())
        )
        outages = tuple(
            Span(begin - began, end - began, f"{length:.1f} s", "fail", said)
            for length, begin, end, said in sorted(self._outages, key=lambda each: each[1])
        )
        return Curve(
            self.name,
            points,
            outages,
            self.samples,
            self.failed,
            self.longest,
            limit,
            self._left_out,
            self._percentiles(),
        )

    def _end(self, mono: float) -> None:
        """An outage, if there is one, is over: it is kept if it is one of the longest."""
        if self._down is None:
            return
        begin, said = self._down
        self._down = None
        heapq.heappush(self._outages, (mono - begin, begin, mono, said))
        if len(self._outages) > OUTAGES:
            heapq.heappop(self._outages)
            self._left_out += 1

    def _coarsen(self) -> None:
        self._width *= 2
        halves, self._buckets = self._buckets, {}
        for number, bucket in halves.items():
            self._buckets.setdefault(number // 2, _Bucket()).join(bucket)

    def _percentiles(self) -> dict[str, float]:
        total = self._latencies.total()
        if not total:
            return {}
        found: dict[str, float] = {}
        seen = 0
        wanted = list(PERCENTILES.items())
        for step, count in sorted(self._latencies.items()):
            seen += count
            while wanted and seen * 100 >= wanted[0][1] * total:
                found[wanted.pop(0)[0]] = min(10 ** ((step + 0.5) / STEPS), self._slowest)
        return {**found, "slowest": self._slowest}
