"""One assignment of a unit file."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Option:
    """One `Name=value` of a unit file; `line` is the line, from 1, on which it begins."""

    section: str
    name: str
    value: str
    line: int
