"""A history in a report: the judgement, stale reads, and porcupine's picture, which can do nothing but draw."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from coreos_lab.chaos import verdict as verdicts
from coreos_lab.chaos.verdict import JUDGEMENT, OPERATIONS, PICTURE
from coreos_lab.model import Outcome
from coreos_lab.report import histories
from coreos_lab.report.breaks import read
from coreos_lab.report.budget import PICTURE as ROOM
from coreos_lab.report.markdown import markdown
from coreos_lab.report.page import LARGEST, html
from tests.unit.report import paper_history
from tests.unit.report.pages import Page, addresses

Recorded = Callable[..., Path]
PASS, FAIL, UNKNOWN = Outcome.PASS, Outcome.FAIL, Outcome.UNKNOWN


def test_a_run_without_a_history_has_none(recorded: Recorded) -> None:
    report = read(recorded())
    assert report.history is None
    assert "linearizable" not in html(report, "1.0")


def test_a_history_is_shown_with_its_picture_and_a_table(recorded: Recorded) -> None:
    report = read(paper_history.write(recorded()))
    assert (report.outcome, report.problems) == (PASS, ())
    assert report.sentence.endswith("no acknowledged write was lost and etcd's answers were linearizable.")
    page = html(report, "1.0")
    found = Page(page)
    assert found.wrong == []
    assert found.frames == [paper_history.PAGE]
    assert addresses(page) == []
    assert "1 of 1 reads without quorum was stale, the oldest by 3.2 s: 1 through core-03" in page
    assert "At 6.5 s, core-03 answered a read of register 2 with 2, which was 3.2 s old." in page
    assert report.history
    assert [call.what for call in report.history.calls] == [
        "write 2",
        "compare-and-swap 2 to 3",
        "compare-and-swap 2 to 4",
        "write 5",
        "local read → 2",
        "quorum read → 2",
        "read",
    ]
    assert {"compare-and-swap 2 to 3", "mismatch", "unknown", "failed"} <= set(found.cells)
    assert "linearizable, with 1 that had no answer" in markdown(report)


@pytest.mark.parametrize(("outcome", "fact"), [(PASS, "yes"), (FAIL, "no"), (UNKNOWN, "not known")])
def test_the_verdict_is_that_of_the_judgement(recorded: Recorded, outcome: Outcome, fact: str) -> None:
    report = read(paper_history.write(recorded(), outcome))
    assert report.outcome is outcome
    assert [each.value for each in report.facts if each.name == "Linearizable"] == [fact]


def test_what_no_order_explains_is_said(recorded: Recorded) -> None:
    report = read(paper_history.write(recorded(), FAIL))
    assert report.sentence == (
        "It failed at “history”: register 2 is not linearizable: core-03 answered a quorum read with 2"
        " (of 5 answered operations on 2 registers)."
    )


def test_a_verdict_that_contradicts_its_judgement_is_not_trusted(recorded: Recorded) -> None:
    folder = paper_history.write(recorded(), FAIL)
    verdict = verdicts.load(folder)
    phases = tuple(replace(phase, outcome=PASS) for phase in verdict.phases)
    verdicts.save(replace(verdict, phases=phases, outcome=PASS), folder)
    report = read(folder)
    assert report.outcome is UNKNOWN
    assert "The record says pass, but its evidence says fail" in report.sentence


@pytest.mark.parametrize("judgement", [None, "{", '{"version": 99}', "[1]", '{"outcome": "pass"}'])
def test_without_a_judgement_nothing_is_proved(recorded: Recorded, judgement: str | None) -> None:
    folder = paper_history.write(recorded())
    (folder / JUDGEMENT).unlink()
    if judgement is not None:
        (folder / JUDGEMENT).write_text(judgement)
    report = read(folder)
    assert report.outcome is UNKNOWN
    assert "but the judgement of its history is missing or damaged, so that cannot be checked" in report.sentence
    assert len(report.problems) == (judgement is not None)


def test_what_a_picture_has_beside_its_program_cannot_act(recorded: Recorded) -> None:
    evil = f"{paper_history.PAGE}\"></iframe><img src=x onerror=alert(1)><script src='http://evil/'></script>"
    page = html(read(paper_history.write(recorded(), page=evil)), "1.0")
    found = Page(page)
    assert found.wrong == []
    assert len(found.scripts) == 1
    assert found.frames == [evil]  # in there, the policy allows the one program only, and no address


@pytest.mark.parametrize(
    ("page", "says"),
    [
        ("<p>no program</p>", "history.html: is not porcupine's picture"),
        ("<script>a</script><script>b</script>", "history.html: is not porcupine's picture"),
        ("<script>" + "x" * (2 << 20) + "</script>", "MiB, too large to be shown here"),
        ("<script>" + "x" * (ROOM + 1) + "</script>", "There is no room on this page for porcupine's picture"),
    ],
)
def test_a_picture_that_cannot_be_shown_is_named(recorded: Recorded, page: str, says: str) -> None:
    report = read(paper_history.write(recorded(), page=page))
    found = html(report, "1.0")
    assert says in found.replace("&#39;", "'")
    assert Page(found).frames == []
    assert len(found.encode()) <= LARGEST
    assert report.history
    assert report.history.calls


def test_a_picture_that_is_gone_or_no_text_is_named(recorded: Recorded) -> None:
    folder = paper_history.write(recorded())
    (folder / PICTURE).write_bytes(b"<script>\xff</script>")
    assert "history.html cannot be read" in read(folder).problems[0]
    (folder / PICTURE).unlink()
    assert "history.html cannot be read" in read(folder).problems[0]


def test_a_history_of_twenty_thousand_operations_is_read_fast(recorded: Recorded) -> None:
    folder = paper_history.write(recorded())
    each = [paper_history.operation(0, str(number // 120), "read", "1", number / 50) for number in range(20_000)]
    (folder / OPERATIONS).write_text("\n".join(map(json.dumps, each)))
    began = time.process_time()
    found, problems = histories.read(folder, 0.0)
    assert time.process_time() - began < 5
    assert (found is not None, problems) == (True, [])
    assert found
    assert len(found.calls) == 120
