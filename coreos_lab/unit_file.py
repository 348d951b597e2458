"""systemd unit files as fleet reads them: sections, options and the rules that fleet itself enforces.

Finding a mistake here costs nothing; fleet finds it on a running cluster, and says it without the line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from fnmatch import fnmatchcase

LINE_MAX = 2048  # bytes of one line, after which fleet refuses the unit
SECTIONS = ("Unit", "Service", "Socket", "Timer", "Path", "Mount", "Automount", "Device", "Install", "X-Fleet")
FLEET_OPTIONS = ("MachineID", "MachineOf", "MachineMetadata", "Conflicts", "Global", "Replaces")
TYPES = ("service", "socket", "timer", "path", "mount", "automount", "device")

# What fleet refuses to find together in one [X-Fleet] section.
_CONTRADICTIONS = (
    ("MachineID", "MachineOf"),
    ("MachineID", "Conflicts"),
    ("MachineID", "Global"),
    ("MachineID", "Replaces"),
    ("Global", "MachineOf"),
    ("Global", "Replaces"),
    ("Conflicts", "Replaces"),
)
_TRUE = ("true", "yes", "1", "on", "t")
_PUBLISHED = re.compile(r"(?:\s-p[ =]?|\s--publish[ =])(?:[\d.]+:)?(\d+):\d+")


@dataclass(frozen=True)
class Option:
    """One `Name=value` of a unit file; `line` is where it begins."""

    section: str
    name: str
    value: str
    line: int


@dataclass(frozen=True)
class Mistake:
    """Something wrong on a line of a file: what, and what to do about it."""

    line: int
    message: str
    remedy: str = ""


def did_you_mean(word: str, known: Sequence[str]) -> str:
    """A remedy for a word that is none of the known ones."""
    close = get_close_matches(word, known, n=1, cutoff=0.6)
    return f"did you mean {close[0]}?" if close else f"known are: {', '.join(known)}"


def parse(text: str) -> tuple[list[Option], list[Mistake]]:
    """A unit file's options in their order, and the lines that are none."""
    options: list[Option] = []
    mistakes: list[Mistake] = []
    section = ""
    for number, line in _logical_lines(text):
        if line.startswith("["):
            section = line[1:-1] if line.endswith("]") else ""
            if section not in SECTIONS and not (section.startswith("X-") and section.lower() != "x-fleet"):
                mistakes.append(Mistake(number, f"{line}: no such section", did_you_mean(section, SECTIONS)))
            continue
        name, equals, value = line.partition("=")
        if not equals or not name.strip():
            mistakes.append(Mistake(number, f"{line!r} is no Name=value", "end the line before with \\ to go on in it"))
        elif not section:
            mistakes.append(Mistake(number, f"{name.strip()}= stands in no section", "put [Service] or such above it"))
        else:
            options.append(Option(section, name.strip(), value.strip(), number))
    return options, mistakes


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Lines without comments, continued ones joined, each with the number of its first."""
    begun, joined = 0, ""
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        if line.startswith(("#", ";")):  # also between continued lines
            continue
        begun = begun or number
        if line.endswith("\\"):
            joined += line[:-1] + " "
            continue
        joined += line
        if joined.strip():
            yield begun, joined.strip()
        begun, joined = 0, ""
    if joined.strip():
        yield begun, joined.strip()


def resolve(value: str, unit: str) -> str:
    """A value of the [X-Fleet] section with the specifiers that fleet knows (%n %N %p %i) replaced for `unit`."""
    stem = unit.rpartition(".")[0]
    prefix, _, instance = stem.partition("@")
    for specifier, meaning in (("%n", unit), ("%N", stem), ("%p", prefix), ("%i", instance)):
        value = value.replace(specifier, meaning)
    return value


def values(options: list[Option], section: str, name: str) -> list[str]:
    """Every value that an option of a section has."""
    return [option.value for option in options if (option.section, option.name) == (section, name)]


def conflicts(options: list[Option], unit: str, other: str) -> bool:
    """Whether fleet keeps `unit`, which has these options, away from the machine of `other`."""
    patterns = [pattern for value in values(options, "X-Fleet", "Conflicts") for pattern in value.split()]
    return any(fnmatchcase(other, resolve(pattern.strip('"'), unit)) for pattern in patterns)


def published_ports(options: list[Option]) -> dict[int, int]:
    """The machine's ports that a unit's `docker run -p` takes, each with the line that says so."""
    return {
        int(port): option.line
        for option in options
        if option.section == "Service" and option.name.startswith("Exec")
        for port in _PUBLISHED.findall(option.value)
    }


def check_name(name: str) -> str:
    """What is wrong with a unit's name, "" when nothing is."""
    stem, dot, kind = name.rpartition(".")
    if not dot or kind not in TYPES:
        return f"a unit's name ends in one of .{', .'.join(TYPES)}"
    if not re.fullmatch(r"[A-Za-z0-9:_.\\-]+(@[A-Za-z0-9:_.\\-]*)?", stem):
        return "a unit's name is made of letters, digits and : _ . - with one @ at most"
    return ""


def check(name: str, text: str) -> tuple[list[Option], list[Mistake]]:
    """A unit file's options, and every mistake that can be seen in the file alone."""
    options, mistakes = parse(text)
    for number, line in enumerate(text.splitlines(), 1):
        if len(line.encode()) > LINE_MAX:
            mistakes.append(Mistake(number, f"longer than {LINE_MAX} bytes", "break the line with \\"))
    mistakes += _fleet_mistakes(options)
    if name.endswith(".service") and not values(options, "Service", "ExecStart"):
        mistakes.append(Mistake(1, "no ExecStart= in [Service]", "say there what the unit runs"))
    return options, mistakes


def _fleet_mistakes(options: list[Option]) -> list[Mistake]:
    fleet = [option for option in options if option.section == "X-Fleet"]
    mistakes = [
        Mistake(option.line, f"{option.name}: fleet has no such option", did_you_mean(option.name, FLEET_OPTIONS))
        for option in fleet
        if option.name not in FLEET_OPTIONS
    ]
    lines = {option.name: option.line for option in fleet if option.name != "Global" or option.value.lower() in _TRUE}
    mistakes += [
        Mistake(lines[second], f"fleet refuses {first}= and {second}= together", "keep one of them")
        for first, second in _CONTRADICTIONS
        if first in lines and second in lines
    ]
    return mistakes
