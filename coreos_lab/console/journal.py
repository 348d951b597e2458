"""A node's journal as the page shows it: cleaned, cut, and with what was left out said."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from coreos_lab.chaos import journals
from coreos_lab.chaos.journals import Line
from coreos_lab.errors import UsageError
from coreos_lab.model import Cluster, Node
from coreos_lab.providers.base import Provider
from coreos_lab.report.clean import clean
from coreos_lab.units import unit_names

LINES = 300  # that are read at a time
CURSOR = 500  # characters: journalctl's are shorter
ABOUT = Line("", 0.0, 0.0, "", "", 6, "")


def read(provider: Provider, cluster: Cluster, node: Node, unit: str, after: str) -> dict[str, Any]:
    """The last messages of a node, or of one unit there; with `after`, a cursor of an answer, those that came since.

    LabError where the journal cannot be read.
    """
    if len(after) > CURSOR or not after.isprintable():
        raise UsageError("after: not a cursor of a journal")
    if not unit.isprintable():  # no process can be given a NUL
        raise UsageError("unit: not a unit's name")
    chosen = [f"--lines={LINES + 1}", *([f"--after-cursor={after}"] if after else [])]
    if unit:
        chosen.append(f"--unit={unit_names.full(unit)}")
    printed = journals.printed(provider, cluster, node, chosen)
    lines = list(_lines(printed[-LINES:]))
    return {
        "lines": lines,
        "cursor": _cursor(printed[-1]) if printed else after,
        "earlier": len(printed) > LINES,
    }


def _lines(printed: list[str]) -> Iterator[dict[str, Any]]:
    for text in printed:
        if (line := journals.parse(text, ABOUT)) is not None:
            yield {
                "wall": line.wall,
                "unit": clean(line.unit),
                "priority": line.priority,
                "text": clean(line.text),
                "cut": line.cut,
            }


def _cursor(printed: str) -> str:
    try:
        return str(json.loads(printed)["__CURSOR"])
    except (ValueError, KeyError, TypeError):
        return ""
