"""Whether a command's output is what a page shows."""

from __future__ import annotations

import re
from collections.abc import Sequence

ANY = "..."  # in a line of a page: any text, also none; a line of its own: any lines
# Escape sequences of terminals (ECMA-48): colours, cursor movements, titles.
ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")


def lines(output: str) -> list[str]:
    """The lines that a terminal would show, without colours; blanks count as one, since columns vary in width."""
    plain = re.sub(r"\r+\n", "\n", ESCAPES.sub("", output))
    return [" ".join(line.rpartition("\r")[2].split()) for line in plain.split("\n")]


def missing(output: str, expected: Sequence[str]) -> str:
    """The first of the expected lines that the output lacks; "" when all come, in this order.

    Other lines may come before, between and after them.
    """
    left = iter(lines(output))
    for line in expected:
        wanted = pattern(line)
        if line.strip() != ANY and not any(wanted.fullmatch(shown) for shown in left):
            return line
    return ""


def pattern(line: str) -> re.Pattern[str]:
    """What a line of a page matches."""
    return re.compile(".*".join(re.escape(" ".join(part.split())) for part in _spaced(line).split(ANY)))


def _spaced(line: str) -> str:
    """A line in which blanks beside `...` may be absent: `a ... b` matches `a b`."""
    return re.sub(r"\s*\.\.\.\s*", ANY, line)
