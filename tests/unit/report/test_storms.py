"""The report of a storm: the plan beside what was done, and what it was shrunk to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from coreos_lab.chaos import storm_record
from coreos_lab.chaos.schedule import Step
from coreos_lab.chaos.storm_record import Shrunk, Storm
from coreos_lab.model import FaultKind, Outcome
from coreos_lab.records import about
from coreos_lab.report import sources
from coreos_lab.report.page import html
from tests.unit.report import paper_run

KILL = Step(("core-02",), FaultKind.KILL, lasting=20.0, at=0.3)
LATER = Step(("core-03",), FaultKind.PAUSE, lasting=10.0, at=500.0)


def storm(folder: Path, *steps: Step) -> Path:
    about.save(replace(paper_run.description(), verb="storm", what="storm (seed 7)"), folder)
    storm_record.save(Storm(7, steps, 90.0, 600.0), folder)
    return folder


def test_the_plan_stands_beside_what_was_done(recorded: Callable[..., Path]) -> None:
    report = sources.read(storm(recorded(), KILL))
    plan = report.groups[1]
    assert ([group.title for group in report.groups][:3], plan.title) == (["Phases", "Plan", "Nodes"], "Plan")
    (lane,) = plan.lanes
    (span,) = lane.spans
    assert (lane.name, span.text, span.tone) == ("core-02", "kill", "wait")
    assert 3 < span.begin < 5, "counted from the end of the first phase"
    assert span.seconds == 20.0
    assert report.problems == ()
    assert "When each break was planned" in html(report, "1.0")


def test_what_was_not_reached_is_counted(recorded: Callable[..., Path]) -> None:
    report = sources.read(storm(recorded(), KILL, LATER))
    assert "1 more were planned for after the end of the run." in report.groups[1].about
    (span,) = report.groups[1].lanes[0].spans
    assert (span.tone, span.detail) == ("none", "break 1, which was not begun"), "its phases have no number"


def test_what_it_was_shrunk_to_is_said(recorded: Callable[..., Path]) -> None:
    folder = storm(recorded(paper_run.Run(outcome=Outcome.FAIL)), KILL)
    storm_record.save_shrunk(Shrunk((KILL,), 9, 3, "run-3", "20 attempts were made"), folder)
    sentence = sources.read(folder).sentence
    assert sentence.startswith("It failed at “recovery while broken”")
    assert sentence.endswith(
        "It was shrunk to 1 of 9 breaks: kill of core-02. It was not shrunk further: 20 attempts were made."
    )


def test_a_plan_that_is_damaged_is_named(recorded: Callable[..., Path]) -> None:
    folder = storm(recorded(), KILL)
    (folder / storm_record.FILE).write_text('{"steps": [')
    report = sources.read(folder)
    assert [group.title for group in report.groups][:2] == ["Phases", "Nodes"]
    assert any("storm.json: not valid JSON" in problem for problem in report.problems)
