"""The history of a run as a part of its report: the judgement, stale reads, and porcupine's picture of one register."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from coreos_lab.chaos.history import judgement as judgements
from coreos_lab.chaos.history.judgement import Judgement
from coreos_lab.chaos.verdict import JUDGEMENT, OPERATIONS, PICTURE
from coreos_lab.errors import LabError
from coreos_lab.report.clean import clean
from coreos_lab.report.jsonl import Lines, text
from coreos_lab.report.values import Call, History
from coreos_lab.units_of_measure import as_size

LARGEST = 1 << 20  # bytes of a picture that is read
CALLS = 1000  # of a register; the recorder makes fewer
SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)


def read(folder: Path, began: float) -> tuple[History | None, list[str]]:
    """The judgement of a run's history, and what is wrong with its record; None where it has none.

    Times are since `began`, in monotonic seconds.
    """
    try:
        found = judgements.load(folder / JUDGEMENT)
    except LabError as error:
        return None, [error.message]
    if found is None:
        return None, []
    calls, problems = _calls(folder / OPERATIONS, found.pictured, began)
    picture, script = _picture(folder / PICTURE, problems) if found.pictured else ("", "")
    return History(found.outcome, found.words, _stale(found, began), found.pictured, calls, picture, script), problems


def _stale(found: Judgement, began: float) -> tuple[str, ...]:
    """The first stale reads in words."""
    return tuple(
        f"At {each.call - began:.1f} s, {each.node} answered a read of register {each.register} with "
        f"{'no value' if each.value is None else each.value}, which was {each.age:.1f} s old."
        for each in found.examples
    )


def _calls(path: Path, register: str, began: float) -> tuple[tuple[Call, ...], list[str]]:
    """The operations on a register, in the order of their calls."""
    lines = Lines(path)

    def make(raw: dict[str, Any]) -> Call | None:
        if text(raw, "register") != register:
            return None
        client = raw["client"]
        if isinstance(client, bool) or not isinstance(client, int):
            raise TypeError("no client")
        call, end = (judgements.seconds(raw[name]) for name in ("call", "return"))
        return Call(call - began, end - call, client, text(raw, "node"), _words(raw), text(raw, "outcome"))

    found = [call for call in _most(lines.read(make)) if call is not None]
    return tuple(sorted(found, key=lambda each: each.at)), lines.problems


def _most(calls: Iterator[Call | None]) -> Iterator[Call | None]:
    left = CALLS
    for call in calls:
        left -= call is not None
        if left < 0:
            return
        yield call


def _words(raw: dict[str, Any]) -> str:
    op, value = text(raw, "op"), "no value" if raw["value"] is None else text(raw, "value")
    if op == "cas":
        return f"compare-and-swap {text(raw, 'expected')} to {value}"
    if "read" in op:
        return f"{'quorum read' if op == 'read' else op} → {value}" if raw["outcome"] == "ok" else op
    return f"{op} {value}"


def _picture(path: Path, problems: list[str]) -> tuple[str, str]:
    """Porcupine's page and the program in it; "" where there is none that can be shown."""
    try:
        size = path.stat().st_size
        if size > LARGEST:
            problems.append(f"{path.name}: {as_size(size)}, too large to be shown here")
            return "", ""
        page = clean(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        problems.append(f"{path.name} cannot be read: {error}")
        return "", ""
    scripts = SCRIPT.findall(page)
    if len(scripts) != 1:
        problems.append(f"{path.name}: is not porcupine's picture")
        return "", ""
    return page, scripts[0]
