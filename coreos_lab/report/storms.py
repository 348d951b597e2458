"""The record of a storm as a report: that of any verification, with the plan beside what was done."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from coreos_lab.chaos import numbering, storm_record
from coreos_lab.chaos.schedule import Step
from coreos_lab.chaos.storm_record import Shrunk, Storm
from coreos_lab.errors import LabError
from coreos_lab.report import breaks
from coreos_lab.report.values import Group, Lane, Part, Report, Span


def read(folder: Path) -> Report:
    """The report of a storm. UnknownError for the record of another version of lab."""
    report = breaks.read(folder)
    storm: Storm | None = None
    shrunk: Shrunk | None = None
    problems: list[str] = []
    try:
        storm, shrunk = storm_record.load(folder), storm_record.load_shrunk(folder)
    except LabError as error:
        problems.append(error.message)
    groups = report.groups
    if storm:
        groups = (*groups[:1], _planned(storm.steps, report.parts, report.seconds), *groups[1:])
    sentence = f"{report.sentence} {_told(shrunk)}" if shrunk else report.sentence
    return replace(report, groups=groups, sentence=sentence, problems=(*report.problems, *problems))


def _planned(steps: tuple[Step, ...], parts: tuple[Part, ...], seconds: float) -> Group:
    """The plan on the run's axis of time, a row for each target; what was planned for after its end is counted."""
    first = parts[0] if parts else None
    start = first.begin + first.seconds if first and first.begin is not None else 0.0
    names = {part.name for part in parts}
    lanes: dict[str, list[Span]] = {}
    late = 0
    for number, step in enumerate(steps, 1):
        begin = start + step.at
        if begin > seconds:
            late += 1
            continue
        done = f"{numbering.prefix(number, len(steps))}effect" in names
        detail = f"break {number}" if done else f"break {number}, which was not begun"
        span = Span(
            begin, min(seconds, begin + (step.lasting or 0.0)), step.kind.value, "wait" if done else "none", detail
        )
        lanes.setdefault(step.targets[0], []).append(span)
    left = f" {late} more were planned for after the end of the run." if late else ""
    return Group(
        "Plan",
        f"When each break was planned. One that was late waited for what came before it.{left}",
        tuple(Lane(target, tuple(spans)) for target, spans in sorted(lanes.items())),
    )


def _told(shrunk: Shrunk) -> str:
    what = ", ".join(f"{step.kind.value} of {step.targets[0]}" for step in shrunk.steps)
    stopped = f" It was not shrunk further: {shrunk.stopped}." if shrunk.stopped else ""
    return f"It was shrunk to {len(shrunk.steps)} of {shrunk.of} breaks: {what}.{stopped}"
