"""The answers as text for a terminal: 100 columns, subjects on the left, evidence below each answer."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from coreos_lab import disk
from coreos_lab.definition.checklist.answers import Answered
from coreos_lab.definition.checklist.paper import Place

WIDTH = 100
_MARGIN, _GAP = 2, 2
_SUBJECT = 26  # columns; a longer subject has lines of its own


def text(title: str, found: Sequence[Answered]) -> str:
    """The whole checklist of a lab."""
    blocks = [title]
    for number, each in enumerate(found, 1):
        question = each.question
        heading = f"{number}. {question.name.upper()}: {question.text}"
        lines = textwrap.wrap(heading, WIDTH, subsequent_indent=" " * _MARGIN)
        lines += _row("the platform gives", question.platform, "")
        for answer in each.answers:
            lines += _row(answer.subject, answer.text, places(answer.places))
        judged = {
            (finding.rule, f"explained: {finding.explained}" if finding.explained else f"open: {finding.why}", place)
            for finding in each.findings
            for place in [f"{finding.file}:{finding.line}"]
        }
        for rule, verdict, place in sorted(judged):
            lines += _row(f"lint: {rule}", verdict, place)
        for unseen in each.unseen:
            lines += _row("cannot be seen", unseen, "")
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks)


def places(found: Sequence[Place]) -> str:
    """Places as text, those of one file together: `web.service:3,7 lab.yaml:12`."""
    files: dict[str, list[int]] = {}
    for place in found:
        files.setdefault(disk.shown(place.path), []).append(place.line)
    return " ".join(
        f"{file}:{','.join(map(str, sorted(set(numbers))))}" if any(numbers) else file
        for file, numbers in files.items()
    )


def _row(subject: str, answer: str, evidence: str) -> list[str]:
    """The lines of one answer."""
    left = textwrap.wrap(subject, _SUBJECT, break_long_words=False, break_on_hyphens=False)
    column = _MARGIN + _SUBJECT + _GAP
    right = textwrap.wrap(answer, WIDTH - column, break_on_hyphens=False)
    # A path must stay in one piece: it can be copied, and most terminals open it.
    right += textwrap.wrap(evidence, WIDTH - column, break_long_words=False, break_on_hyphens=False)
    if any(len(word) > _SUBJECT for word in left):
        left, above = [], [f"{'':{_MARGIN}}{word}" for word in left]
    else:
        above = []
    rows = max(len(left), len(right))
    left += [""] * (rows - len(left))
    right += [""] * (rows - len(right))
    return above + [f"{'':{_MARGIN}}{a:{_SUBJECT}}{'':{_GAP}}{b}".rstrip() for a, b in zip(left, right, strict=True)]
