"""The page: one file, well-formed, that shows everything to everybody and runs nothing of what it shows."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from coreos_lab.chaos.journals import Line
from coreos_lab.chaos.verdict import JOURNALS
from coreos_lab.errors import LabError
from coreos_lab.model import CheckResult, Outcome
from coreos_lab.report import page
from coreos_lab.report.breaks import read
from coreos_lab.report.budget import Budget
from coreos_lab.report.page import LARGEST, html
from coreos_lab.report.values import Curve, Excerpt, Group, Lane, Message, Part, Point, Report, Span
from tests.unit.report import paper_run
from tests.unit.report.pages import Page, addresses
from tests.unit.report.paper_run import Run

Recorded = Callable[..., Path]
EVIL = "<script>alert(1)</script><img src=x onerror=alert(1)> & \"quoted\" 'too' \x1b[31m\x00\x07\u202e\ud800 </style>"


@pytest.mark.parametrize("outcome", [Outcome.PASS, Outcome.FAIL])
def test_a_page_is_well_formed_and_loads_nothing(recorded: Recorded, outcome: Outcome) -> None:
    text = html(read(recorded(Run(outcome=outcome))), "1.0")
    found = Page(text)
    assert found.wrong == []
    assert found.policy.startswith("default-src 'none'")
    assert len(found.scripts) == 1
    assert addresses(text) == []
    assert len(text.encode()) < 300_000


def test_what_was_waited_for_is_on_it(recorded: Recorded) -> None:
    report = read(recorded())
    text = html(replace(report, waited=(("boot core-02", 3.04),)), "1.0")
    assert '<td class="text">boot core-02</td><td class="num">3.0 s</td>' in text
    assert "What was waited for" not in html(replace(report, waited=()), "1.0")


def test_every_picture_has_its_table(recorded: Recorded) -> None:
    report = read(recorded())
    found = Page(html(report, "1.0"))
    lanes = [lane for group in report.groups for lane in group.lanes]
    assert len(found.pictures) == len(lanes) + len(report.curves)
    assert all(found.pictures), "each says in words what it shows"
    for lane in lanes:
        assert lane.name in found.cells
        assert {span.text for span in lane.spans} <= set(found.cells)
    assert {f"{curve.name} as a table" for curve in report.curves} <= set(found.regions)
    assert "9.5 s" in found.cells


def test_a_report_of_a_minute_takes_less_than_a_second(recorded: Recorded) -> None:
    folder = recorded()
    html(read(folder), "1.0")  # what is compiled once
    began = time.process_time()
    html(read(folder), "1.0")
    assert time.process_time() - began < 1


def test_what_machines_said_is_text(recorded: Recorded) -> None:
    folder = recorded()
    with (folder / JOURNALS).open("a") as out:
        out.write(json.dumps(asdict(Line("effect", 0.0, 1.0, EVIL, EVIL, 3, EVIL, cut=True))) + "\n")
    report = replace(
        read(folder),
        what=EVIL,
        run=EVIL,
        sentence=EVIL,
        problems=(EVIL,),
        versions=((EVIL, EVIL),),
        again=EVIL,
        files=((EVIL, EVIL),),
        parts=(Part(EVIL, Outcome.FAIL, 1.0, 1.0, EVIL, (CheckResult(EVIL, Outcome.FAIL, EVIL, 1.0, EVIL),)),),
        groups=(Group(EVIL, EVIL, (Lane(EVIL, (Span(1, 2, EVIL, EVIL, EVIL), Span(1, 2, EVIL, "silent", EVIL))),)),),
        bands=(Span(1, 2, EVIL, "fault", EVIL),),
        curves=(Curve(EVIL, (Point(1, 2, 1, 1, 0.1, 0.2),), (Span(1, 2, EVIL, "fail", EVIL),), 2, 1, 1.0),),
    )
    text = html(report, "1.0")
    found = Page(text)
    assert found.wrong == []
    assert len(found.scripts) == 1
    assert not re.search("[\x00-\x08\x0b-\x1f\u202e]", text)
    assert "␛[31m␀␇&lt;U+202E&gt;&lt;U+D800&gt;" in text


def test_a_megabyte_in_one_line_is_cut_and_said(recorded: Recorded) -> None:
    folder = recorded()
    long = CheckResult("front", Outcome.FAIL, "x" * 2_000_000, 1.0, "ch3")
    report = replace(read(folder), parts=(Part("p", Outcome.FAIL, 1.0, 1.0, "y" * 2_000_000, (long,)),))
    text = html(report, "1.0")
    assert "(1998000 more characters)" in text
    assert len(text) < 300_000


def crowded(report: Report) -> Report:
    """A report with more of everything than a page has room for."""
    spans = tuple(Span(number / 10, number / 10 + 0.05, "core-01", "node core-01", "d" * 200) for number in range(3000))
    points = tuple(Point(number / 10, number / 10 + 0.1, 1, 0, 0.001, 0.002) for number in range(400))
    outages = tuple(Span(number, number + 0.5, "0.5 s", "fail", "timed out") for number in range(300))
    checks = tuple(CheckResult(f"c{number}", Outcome.PASS, "m" * 500, 0.1, "lab") for number in range(300))
    checks = (*checks, CheckResult("the-bad-one", Outcome.FAIL, "why", 0.1, "lab"))
    messages = tuple(Message(number / 100, "core-01", "x.service", 6, "t" * 400) for number in range(1000))
    warning = Message(20.0, "core-01", "x.service", 3, "the-warning")
    return replace(
        report,
        groups=tuple(
            Group(f"g{number}", "", tuple(Lane(f"u{each}", spans) for each in range(200))) for number in range(3)
        ),
        curves=tuple(Curve(f"p{number}", points, outages, 1000, 10, 1.0) for number in range(100)),
        parts=tuple(Part(f"phase {number}", Outcome.PASS, 1.0, 1.0, "e" * 3000, checks) for number in range(30)),
        excerpts=tuple(Excerpt(f"m{number}", 0.0, (*messages, warning)) for number in range(12)),
        files=(("steps.yaml", "f" * 3_000_000),),
        problems=tuple(f"problem {number}" for number in range(1000)),
    )


def test_a_page_has_at_most_a_megabyte_and_says_what_is_not_on_it(recorded: Recorded) -> None:
    text = html(crowded(read(recorded())), "1.0")
    assert len(text.encode()) <= LARGEST
    assert len(text.encode()) > LARGEST / 5, "what there is room for is there"
    assert Page(text).wrong == []
    assert "There is no room on this page for" in text
    assert text.count("the-bad-one") == 30
    assert text.count("the-warning") == 12
    assert re.search(r"\d+ more messages are in the record", text)


def test_a_page_that_cannot_be_made_smaller_is_an_error(recorded: Recorded, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "LARGEST", 1000)
    with pytest.raises(LabError, match="would be larger than 1 kB"):
        html(read(recorded()), "1.0")
    assert Budget(1 / 512).is_spent


def test_a_run_without_anything_has_a_page(tmp_path: Path) -> None:
    found = Page(html(read(tmp_path), "1.0"))
    assert found.wrong == []


def test_places_on_the_axis(recorded: Recorded) -> None:
    """The fault is where it was: at 4.0 of 57.9 seconds, for 27 seconds."""
    report = read(recorded())
    text = html(report, "1.0")
    share, width = 100 * 4.0 / report.seconds, 100 * 27.0 / report.seconds
    assert f'<rect class="band fault" x="{share:.3f}%" width="{width:.3f}%"' in text
    assert abs(report.seconds - paper_run.Run().seconds) < 4
