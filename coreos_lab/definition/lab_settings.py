"""A lab's settings: values in its units that `lab deploy --set` changes. lab.yaml lists them.

They are in the units' Environment= lines, but for OPTIONS: these systemd takes from no variable.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from coreos_lab.errors import UsageError
from coreos_lab.model import Counted, Lab
from coreos_lab.spelling import did_you_mean
from coreos_lab.units import command_lines, fleet_rules, unit_file
from coreos_lab.units.command_lines import Word

# A value that needs no quoting: systemd and shells read it as one word.
_VALUE = re.compile(r"[A-Za-z0-9._:/-]+")
OPTIONS = {"restart-sec": "RestartSec"}  # settings that are an option of [Service] themselves
NUMBER = "a whole number from 1 to 99"


def variable(name: str) -> str:
    """The environment variable that a setting sets: FEED_RATE for feed-rate."""
    return name.upper().replace("-", "_")


def place(name: str) -> str:
    """Where a unit has a setting, in words."""
    return f"a {OPTIONS[name]}= line" if name in OPTIONS else f"{variable(name)} in an Environment= line"


def _prefix(name: str) -> str:
    """What stands before the value in the word that has a setting."""
    return "" if name in OPTIONS else f"{variable(name)}="


def _assignments(text: str, name: str) -> Iterator[tuple[int, Word]]:
    """Where a text has a setting: the place of the option's value in the text, and the word."""
    starts = list(itertools.accumulate((len(line) + 1 for line in text.split("\n")), initial=0))
    for option in unit_file.parse(text):
        if option.name != OPTIONS.get(name, "Environment") or option.section == fleet_rules.SECTION:
            continue
        start = text.index("=", starts[option.line - 1]) + 1
        for word in command_lines.split(_value(text, start)):
            if word.text.startswith(_prefix(name)):
                yield start, word


def _value(text: str, start: int) -> str:
    """An option's value: the text from `start` to the end of the last continued line."""
    end = start
    while True:
        newline = text.find("\n", end)
        if newline < 0 or not text[:newline].endswith("\\"):
            return text[start : newline if newline >= 0 else len(text)]
        end = newline + 1


def default(lab: Lab, name: str) -> str | None:
    """A setting's value as the lab's units have it; None where none of them has it."""
    for unit in lab.units:
        values = [
            word.text.removeprefix(_prefix(name)) for _start, word in _assignments(unit_file.read(unit.path), name)
        ]
        if values:
            return values[-1]
    return None


def require(lab: Lab, chosen: Mapping[str, str]) -> None:
    """UsageError for a setting that the lab does not have, or a value that is not one plain word."""
    for name, value in chosen.items():
        if name not in lab.settings:
            listed = [*lab.settings]
            remedy = did_you_mean(name, listed) if listed else "its lab.yaml lists no settings"
            raise UsageError(f"--set {name}={value}: {lab.name} has no such setting", remedy)
        if not _VALUE.fullmatch(value):
            raise UsageError(f"--set {name}={value}: not a plain word", "use letters, digits and . _ : / - only")
        if name in _counting(lab) and number(value) is None:
            raise UsageError(f"--set {name}={value}: counts instances of {lab.name}", f"write {NUMBER}")


def _counting(lab: Lab) -> set[str]:
    """The settings that say how many instances a template has."""
    return {unit.counted.setting for unit in lab.units if unit.counted}


def number(value: str) -> int | None:
    """A number of instances; None for another text."""
    return int(value) if re.fullmatch(r"[1-9][0-9]?", value) else None


def counted(lab: Lab, chosen: Mapping[str, str]) -> Lab:
    """The lab with as many instances as its settings say: those that were chosen, else the defaults."""
    numbers = {name: number(chosen.get(name) or default(lab, name) or "") or 0 for name in _counting(lab)}
    return _with_instances(lab, lambda counted: range(counted.first, numbers[counted.setting] + 1))


def in_full(lab: Lab) -> Lab:
    """The lab with two instances of each template that a setting counts: what is wrong with any number is seen then."""
    return _with_instances(lab, lambda counted: range(counted.first, counted.first + 2))


def _with_instances(lab: Lab, of: Callable[[Counted], range]) -> Lab:
    units = (replace(unit, instances=tuple(map(str, of(unit.counted)))) if unit.counted else unit for unit in lab.units)
    return replace(lab, units=tuple(units))


def applied(text: str, chosen: Mapping[str, str]) -> str:
    """A unit's text with the chosen values. The rest of each line, and its quotes, stay."""
    for name, value in chosen.items():
        for start, word in reversed([*_assignments(text, name)]):
            begin, end = start + word.start, start + word.end
            quote = text[begin] if text[begin] in "\"'" else ""
            text = f"{text[:begin]}{quote}{_prefix(name)}{value}{quote}{text[end:]}"
    return text
