"""systemd's grammar of unit files: config_parse() of systemd 252, which reads on the machine what fleet has written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from coreos_lab.units.option import Option

_COMMENT = ("#", ";")
_SPACE = " \t\n\r"


@dataclass
class Reading:
    """The options that systemd reads, and the lines that it ignores. Each list has the line's number first.

    `inner_comments` are the lines of comments between continued lines.
    """

    options: list[Option] = field(default_factory=list)
    malformed: list[tuple[int, str]] = field(default_factory=list)
    homeless: list[tuple[int, str]] = field(default_factory=list)  # assignments before the first section
    headers: list[tuple[int, str]] = field(default_factory=list)
    inner_comments: list[int] = field(default_factory=list)


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Lines as systemd splits them: also at a lone carriage return and at a NUL. The numbers are an editor's."""
    for number, line in enumerate(text.split("\n"), 1):
        for part in line.removesuffix("\r").replace("\0", "\r").split("\r"):
            yield number, part


def parse(text: str) -> Reading:
    """A unit file as systemd reads it. Continued lines are joined."""
    result = Reading()
    section = ""
    begun, joined = 0, ""
    for number, raw in _lines(text.removeprefix("\ufeff")):
        line = raw.lstrip(_SPACE)
        if line.startswith(_COMMENT):
            if joined:
                result.inner_comments.append(number)
            continue
        begun = begun if joined else number
        joined += raw if joined else line
        if (len(joined) - len(joined.rstrip("\\"))) % 2:
            joined = joined[:-1] + " "
            continue
        section = _add(result, section, begun, joined.strip(_SPACE))
        joined = ""
    if joined:
        _add(result, section, begun, joined.strip(_SPACE))
    return result


def _add(result: Reading, section: str, number: int, line: str) -> str:
    """Adds one logical line; returns the section that the next one is in."""
    if not line:
        return section
    if line.startswith("["):
        result.headers.append((number, line))
        return line[1:-1] if line.endswith("]") else section
    name, equals, value = line.partition("=")
    name = name.strip(_SPACE)
    if not equals or not name:
        result.malformed.append((number, line))
    elif not section:
        result.homeless.append((number, name))
    else:
        result.options.append(Option(section, name, value.strip(_SPACE), number))
    return section
