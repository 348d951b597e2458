"""A cloud-config that was read, and what is wrong in it: with file and line."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from coreos_lab.errors import UsageError

Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Problem:
    """Something wrong in a cloud-config: where, what, and the remedy."""

    file: str
    line: int
    message: str
    remedy: str = ""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}"


def refuse(problems: list[Problem]) -> None:
    """Raises a UsageError for the first problem by line, with the others as details; returns when there are none."""
    if not problems:
        return
    first, *others = sorted(problems, key=lambda problem: (problem.line, problem.message))
    details = [f"{problem}{f' ({problem.remedy})' if problem.remedy else ''}" for problem in others]
    raise UsageError(str(first), first.remedy, "\n".join(details))


@dataclass(frozen=True)
class Document:
    """A cloud-config that was read from `file`: its values by key, with "_" in all keys, and the line of each.

    Where it was translated, `names` has what its author calls a place, and `files` what it makes beside `write_files`
    (directories and links), by path. `own` are the units and files that the translation has added by itself.
    """

    file: str
    data: dict[str, Any]
    lines: dict[Path, int] = field(default_factory=dict)
    names: dict[Path, str] = field(default_factory=dict)
    files: dict[str, Path] = field(default_factory=dict)
    own: frozenset[str] = frozenset()

    def shown(self, path: Path) -> str:
        """A place in the words of the file."""
        return self.names.get(path) or shown(path)

    def problem(self, path: Path, message: str, remedy: str = "") -> Problem:
        """A problem with the value at `path`."""
        while path and path not in self.lines:
            path = path[:-1]
        return Problem(self.file, self.lines.get(path, 1), message, remedy)


def shown(path: Path) -> str:
    """A place in a cloud-config, in words: `coreos: units: entry 2`."""
    words = [f"entry {part + 1}" if isinstance(part, int) else part for part in path]
    return ": ".join(words) or "a cloud-config"
