"""Rows of the timeline as SVG."""

from __future__ import annotations

import re

import pytest

from coreos_lab.report import picture
from coreos_lab.report.picture import Timeline
from coreos_lab.report.values import Curve, Lane, Point, Span


def curve(*outages: Span, points: tuple[Point, ...] = (Point(0, 1, 9, 0, 0.001, 0.002),)) -> Curve:
    return Curve("ch3/front", points, outages, 100, len(outages), max((span.seconds for span in outages), default=0.0))


def outage(begin: float, end: float) -> Span:
    return Span(begin, end, f"{end - begin:.1f} s", "fail", "timed out")


def test_a_probe_that_always_answered() -> None:
    drawn = Timeline(60, (), ()).curve(curve())
    assert "outage" not in drawn
    assert 'aria-label="ch3/front: 100 samples, 0 without a good answer"' in drawn


def test_a_label_is_whole_where_there_is_room_for_it() -> None:
    drawn = Timeline(100, (), ()).curve(curve(outage(10, 11), outage(12, 13), outage(50, 51)))
    assert re.findall(r'class="(outage[^"]*)"', drawn) == ["outage", "outage roomy", "outage roomy"]


def test_a_curve_has_a_gap_where_nothing_was_measured() -> None:
    points = tuple(Point(at, at + 0.1, 1, 0, 0.001, 0.002) for at in (0.0, 0.1, 0.8, 5.0, 5.1))
    path = re.search(r'<path class="range" d="([^"]*)"', Timeline(10, (), ()).curve(curve(points=points)))
    assert path
    assert path[1].count("M") == 2, "0.7 s without a sample are bridged, four seconds are not"


def test_a_longer_latency_is_higher() -> None:
    assert picture._height(0.001, 1.0) > picture._height(0.01, 1.0) > picture._height(1.0, 1.0) > 0


def test_nodes_have_colours_in_their_order() -> None:
    timeline = Timeline(10, (), ("core-01", "core-02"))
    drawn = timeline.lane(Lane("a", (Span(0, 1, "x", "node core-02"), Span(1, 2, "x", "node other"))))
    assert re.findall(r'class="span (\w+)"', drawn) == ["node1", "node7"]
    assert 'class="span none"' in timeline.lane(Lane("a", (Span(0, 1, "x", 'evil" onload="x'),)))


@pytest.mark.parametrize("seconds", [0.0, 0.3, 60.0, 86_400.0 * 30, 1e12])
def test_an_axis_of_any_length_has_some_marks(seconds: float) -> None:
    marks = Timeline(seconds, (), ()).axis().count("<text")
    assert 1 <= marks <= 10 * picture.MOST_TICKS + 1


def test_times_in_words() -> None:
    assert [picture.moment(each) for each in (0, 12.5, 65, 3723)] == ["0 s", "12.5 s", "1:05", "1:02:03"]
    assert [picture.lasting(each) for each in (9.04, 119.9, 197, 7320)] == [
        "9.0 s",
        "119.9 s",
        "3 min 17 s",
        "2 h 2 min",
    ]
    assert [picture.duration(each) for each in (0.0042, 1.234)] == ["4.2 ms", "1.23 s"]
