"""A report as Markdown, for the page that a CI service shows of a job: the verdict, the phases and the probes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from coreos_lab.model import Outcome
from coreos_lab.report.clean import cut
from coreos_lab.report.happened import clock
from coreos_lab.report.picture import duration, lasting
from coreos_lab.report.values import Curve, Part, Report

SIGNS = {Outcome.PASS: "✅", Outcome.FAIL: "❌", Outcome.UNKNOWN: "❔", None: "➖"}
CHARACTERS = 300  # of a cell
ROWS = 50  # of a table
# What means something in Markdown, in a table's cell, in HTML, or calls a person by name.
ACTIVE = re.compile(r"([\\`*_{}\[\]<>|#~$@!&])")


def markdown(report: Report) -> str:
    """The summary, which ends with a newline."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: Report) -> Iterator[str]:
    yield f"## {SIGNS[report.outcome]} {report.mark}: {plain(report.what)}"
    yield ""
    yield plain(report.sentence, 2000)
    yield ""
    began = f"began {clock(report.wall)}, " if report.wall is not None else ""
    yield f"Run {_code(report.run)}, {began}took {lasting(report.seconds)}."
    for problem in report.problems[:ROWS]:
        yield f"> ⚠️ {plain(problem)}"
    if report.parts:
        yield from table(("", "Phase", "Took", "Evidence"), [_phase(part) for part in report.parts])
    if bad := [(part, check) for part in report.parts for check in part.checks if check.outcome is not Outcome.PASS]:
        rows = [
            (SIGNS[check.outcome], plain(check.qualified), plain(part.name), plain(check.message))
            for part, check in bad
        ]
        yield from table(("", "Check", "In the phase", "Evidence"), rows)
    if report.waited:
        waited = [(plain(name), f"{seconds:.1f} s") for name, seconds in report.waited]
        yield from table(("Waited for", "Took"), waited)
    if report.curves:
        heads = ("Probe", "Samples", "Without answer", "Longest outage", "Allowed", "Median", "99 %")
        yield from table(heads, [_probe(curve) for curve in report.curves])
    if report.again:
        yield ""
        yield f"Once more: {_code(report.again)}"


def _phase(part: Part) -> tuple[str, ...]:
    return (
        f"{SIGNS[part.outcome]} {part.outcome.value}",
        plain(part.name),
        f"{part.seconds:.1f} s",
        plain(part.evidence),
    )


def _probe(curve: Curve) -> tuple[str, ...]:
    allowed = "" if curve.limit is None else f"{curve.limit:g} s"
    times = [duration(curve.latency[name]) if name in curve.latency else "" for name in ("median", "99 %")]
    longest = f"{'' if curve.kept else '❌ '}{curve.longest:.1f} s"
    return plain(curve.name), str(curve.samples), str(curve.failed), longest, allowed, *times


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """The lines of a table, after an empty one. Its cells are Markdown."""
    yield ""
    yield f"| {' | '.join(heads)} |"
    yield f"|{'---|' * len(heads)}"
    for row in rows[:ROWS]:
        yield f"| {' | '.join(row)} |"
    if len(rows) > ROWS:
        yield f"| {len(rows) - ROWS} more are in the report{' |' * len(heads)}"


def plain(text: str, characters: int = CHARACTERS) -> str:
    """A text on one line, which means nothing to Markdown."""
    return ACTIVE.sub(r"\\\1", " ".join(cut(text, characters).split()))


def _code(text: str) -> str:
    """A text as code: in more backquotes than it has in a row."""
    one_line = " ".join(cut(text, CHARACTERS).split())
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", one_line)), default=0))
    space = " " if one_line.startswith("`") or one_line.endswith("`") else ""
    return f"{fence}{space}{one_line}{space}{fence}"
