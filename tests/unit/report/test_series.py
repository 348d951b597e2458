"""A probe's samples as sums: nothing of an outage is lost, and memory does not grow."""

from __future__ import annotations

import math

import pytest

from coreos_lab.chaos.probes import Sample, longest_outage
from coreos_lab.report.series import BUCKETS, OUTAGES, Series


def series(samples: list[tuple[float, bool]], took: float | None = 0.01) -> Series:
    made = Series("ch3/front")
    for mono, ok in samples:
        made.add(mono, ok, took, "" if ok else "timed out")
    return made


def test_an_outage_is_where_the_verdict_has_it() -> None:
    samples = [(1.0, True), (1.5, False), (2.0, False), (4.25, True), (5.0, False), (5.5, False)]
    curve = series(samples).curve(1.0, 2.0)
    assert [(span.begin, span.end) for span in curve.outages] == [(0.5, 3.25), (4.0, 4.5)]
    assert curve.longest == longest_outage([Sample("", "", mono, mono, ok) for mono, ok in samples]) == 2.75
    assert (curve.samples, curve.failed, curve.kept) == (6, 4, False)
    assert curve.outages[0].detail == "timed out"


def test_what_is_kept_of_a_long_run_does_not_grow() -> None:
    """A day of samples, each second one bad: all are counted, the longest outage is there, and the rest are sums."""
    made = series([(number * 0.5, number % 2 == 0) for number in range(20_000)])
    made.add(10_050.0, True, 0.01, "")
    curve = made.curve(0.0, None)
    assert len(curve.points) <= BUCKETS
    assert sum(point.good + point.bad for point in curve.points) == 20_001
    assert len(curve.outages) == OUTAGES
    assert curve.left_out == 10_000 - OUTAGES
    assert curve.outages[-1].seconds == curve.longest == 50.5


def test_latencies_are_those_of_good_answers() -> None:
    made = Series("x")
    for number in range(1, 101):
        made.add(number, True, number / 1000, "")
    made.add(101, False, 9.0, "timed out")
    latency = made.curve(0.0, None).latency
    assert latency["median"] == pytest.approx(0.050, rel=0.03)
    assert latency["99 %"] == pytest.approx(0.099, rel=0.03)
    assert latency["slowest"] == 0.1


def test_records_from_before_latency_was_measured_have_none() -> None:
    curve = series([(1.0, True), (2.0, True)], took=None).curve(0.0, None)
    assert curve.latency == {}
    assert {point.high for point in curve.points} == {None}


def test_fewer_points_are_of_the_same_samples() -> None:
    curve = series([(number / 7, number % 5 != 0) for number in range(1000)]).curve(0.0, None)
    fewer = curve.joined(10)
    assert len(fewer.points) <= 10
    assert sum(point.bad for point in fewer.points) == 200
    assert (fewer.points[0].begin, fewer.points[-1].end) == (curve.points[0].begin, curve.points[-1].end)


def test_nothing_measured_is_nan() -> None:
    assert math.isnan(Series("x").first)
