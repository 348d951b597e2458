"""How the names of phases begin where a run has several breaks: "2. effect" is of the second one."""

from __future__ import annotations

import re


def prefix(number: int, count: int) -> str:
    """The beginning of the names of a break's phases: its number, from 1, where there is more than one break."""
    return f"{number}. " if count > 1 else ""


def split(name: str) -> tuple[str, str]:
    """That beginning of a phase's name, "" where it has none, and the name without it."""
    found = re.match(r"\d+\. ", name)
    return (found[0], name[found.end() :]) if found else ("", name)
