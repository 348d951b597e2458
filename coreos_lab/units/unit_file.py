"""A unit file's text and options, as fleet and systemd will read them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from coreos_lab.units import fleet_grammar, fleet_rules, systemd_grammar
from coreos_lab.units.option import Option


def read(path: Path) -> str:
    """A unit file's text, with its line ends as they are."""
    return path.read_bytes().decode("utf-8")


def parse(text: str) -> list[Option]:
    """A unit's options in their order: [X-Fleet] as fleet reads it, the other sections as systemd does."""
    options = systemd_grammar.parse(text).options
    try:
        fleets = fleet_grammar.parse(text.encode("utf-8")).options
    except fleet_grammar.RefusedError:
        return options
    own = [option for option in fleets if option.section == fleet_rules.SECTION]
    others = [option for option in options if option.section != fleet_rules.SECTION]
    return sorted([*others, *own], key=lambda option: option.line)


def values(options: Sequence[Option], section: str, name: str) -> list[str]:
    """Every value of one option of a section, in the file's order."""
    return [option.value for option in options if (option.section, option.name) == (section, name)]


def line_of(text: str, option: Option, *wanted: str) -> int:
    """The line of an option, in its unit's text, that has all these texts.

    If no line has all of them, it is the line with the last one, or the option's first line. In what is wanted, a
    dollar is written once, as the shell sees it.
    """
    lines = text.split("\n")
    last = option.line
    while last < len(lines) and lines[last - 1].rstrip("\r").endswith("\\"):
        last += 1
    own = [(number, lines[number - 1].replace("$$", "$")) for number in range(option.line, last + 1)]
    for needed in (wanted, wanted[-1:]):
        for number, line in own:
            if needed and all(each in line for each in needed):
                return number
    return option.line


def not_utf_8(data: bytes) -> int:
    """The first line of a file that is not UTF-8, 0 where all lines are."""
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        return data.count(b"\n", 0, error.start) + 1
    return 0
