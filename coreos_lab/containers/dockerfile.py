"""The container images that Dockerfiles are built from, by their FROM lines, and the order of building. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from coreos_lab.errors import UsageError

_ESCAPE = re.compile(r"#\s*escape\s*=\s*(\S)\s*", re.IGNORECASE)
_FROM = re.compile(r"(\s*FROM\s+(?:--\S+\s+)*)(\S+)(?:\s+AS\s+(\S+))?\s*", re.IGNORECASE)
_COPY = re.compile(r"(\s*(?:COPY|ADD)\s+(?:--\S+\s+)*?--from=)(\S+)", re.IGNORECASE)
_ARG = re.compile(r"(\w+)(?:=(\"[^\"]*\"|'[^']*'|\S*))?")
_VARIABLE = re.compile(r"\$(?:(\w+)|\{(\w+)(?::-([^}]*))?\})")
_HEREDOC = re.compile(r"<<-?[\"']?(\w+)[\"']?")


@dataclass(frozen=True)
class Needed:
    """A container image that a Dockerfile starts from or copies from: its name, and the number of that line."""

    name: str
    line: int


@dataclass(frozen=True)
class _Instruction:
    """One instruction with its continuation lines joined: `line` is its first (from 1), `lines` how many it takes."""

    line: int
    lines: int
    text: str


def needed(text: str) -> tuple[Needed, ...]:
    """The container images that a Dockerfile needs, without its own stages and `scratch`.

    Raises UsageError for a FROM whose variable has no default.
    """
    return tuple(need for _, need, _ in _walk(text) if need is not None)


def resolved(text: str, replacements: Mapping[str, str]) -> str:
    """The Dockerfile with the names of needed container images replaced; every line keeps its number."""
    lines = text.splitlines()
    for instruction, need, (begin, end) in _walk(text):
        if need is not None and need.name in replacements:
            renamed = instruction.text[:begin] + replacements[need.name] + instruction.text[end:]
            start = instruction.line - 1
            lines[start : start + instruction.lines] = [renamed, *[""] * (instruction.lines - 1)]
    return "\n".join(lines) + "\n"


def order(needs: Mapping[str, Sequence[str]]) -> list[str]:
    """The names in an order of building: what a name needs comes before it, else the order stays.

    Raises UsageError that shows the cycle where names need each other.
    """
    done: list[str] = []

    def visit(name: str, path: tuple[str, ...]) -> None:
        if name in path:
            circle = " -> ".join([*path[path.index(name) :], name])
            raise UsageError(f"container images are built from each other: {circle}", "change one of their FROM lines")
        if name not in done:
            for other in needs[name]:
                visit(other, (*path, name))
            done.append(name)

    for name in needs:
        visit(name, ())
    return done


def _walk(text: str) -> Iterator[tuple[_Instruction, Needed | None, tuple[int, int]]]:
    """Each instruction, what it needs, and the position of that name in its text."""
    defaults: dict[str, str] = {}
    stages: set[str] = set()
    count = 0
    for instruction in _instructions(text):
        need, span = None, (0, 0)
        if matched := _FROM.fullmatch(instruction.text):
            span = matched.span(2)
            name = _expand(matched[2], defaults, instruction.line)
            if name != "scratch" and name.lower() not in stages:
                need = Needed(name, instruction.line)
            stages |= {str(count), (matched[3] or str(count)).lower()}
            count += 1
        elif matched := _COPY.match(instruction.text):
            span = matched.span(2)
            if matched[2].lower() not in stages:
                need = Needed(matched[2], instruction.line)
        elif count == 0 and (words := instruction.text.split(maxsplit=1))[0].upper() == "ARG":
            defaults |= {found[1]: found[2].strip("\"'") for found in _ARG.finditer(words[-1]) if found[2] is not None}
        yield instruction, need, span


def _expand(name: str, defaults: Mapping[str, str], line: int) -> str:
    def value(matched: re.Match[str]) -> str:
        variable = matched[1] or matched[2]
        default = defaults.get(variable) or matched[3]
        if not default:
            raise UsageError(
                f"Dockerfile:{line}: FROM {name}: {variable} has no value", f"give it a default: 'ARG {variable}=...'"
            )
        return default

    return _VARIABLE.sub(value, name)


def _instructions(text: str) -> Iterator[_Instruction]:
    lines = text.splitlines()
    directive = _ESCAPE.fullmatch(lines[0]) if lines else None
    escape = directive[1] if directive else "\\"
    at = 0
    while at < len(lines):
        first, joined, more = at, "", True
        while more and at < len(lines):
            line = lines[at]
            at += 1
            if line.lstrip().startswith("#"):
                more = bool(joined)  # a comment within an instruction does not end it
                continue
            more = line.rstrip().endswith(escape) or (bool(joined) and not line.strip())
            joined += line.rstrip().removesuffix(escape) if more else line
        for end in _HEREDOC.findall(joined):
            rest = [line.strip() for line in lines[at:]]
            at += rest.index(end) + 1 if end in rest else 0
        if joined.strip():
            yield _Instruction(first + 1, at - first, joined)
