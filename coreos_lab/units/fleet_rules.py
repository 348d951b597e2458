"""How fleet 1.0.0 reads a unit's [X-Fleet] section. A test compares it with fleet's own packages."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from coreos_lab.units.fleet_grammar import SPACE
from coreos_lab.units.option import Option

SECTION = "X-Fleet"
OPTIONS = ("MachineID", "MachineOf", "MachineMetadata", "Conflicts", "Global", "Replaces")
# Option names of fleet's first releases, which it still accepts.
OLD_NAMES = {
    "X-ConditionMachineID": "MachineID",
    "X-ConditionMachineBootID": "MachineID",
    "X-ConditionMachineOf": "MachineOf",
    "X-Conflicts": "Conflicts",
    "X-ConditionMachineMetadata": "MachineMetadata",
}
TYPES = ("service", "socket", "timer", "path", "mount", "automount", "device")
_TEMPLATE_TYPES = ("path", "service", "socket", "timer")
_NAME_MAX = 256  # bytes
_NAME_CHARS = frozenset("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ:-_.\\@")
_TRUE = ("true", "yes", "1", "on", "t")
FALSE = ("false", "no", "0", "off", "f", "n", "")


@dataclass(frozen=True)
class Word:
    """One value of an option of the [X-Fleet] section, by the option's present name."""

    name: str
    value: str
    option: Option


def name_error(stem: str, kind: str) -> str:
    """Why fleet refuses a unit named `stem`.`kind`, "" where it does not."""
    if len(stem) + 1 + len(kind) > _NAME_MAX:
        return f"a unit's name has {_NAME_MAX} characters at most"
    if not stem or stem.startswith("@") or not _NAME_CHARS.issuperset(stem):
        return "a unit's name is made of letters, digits and : _ . - \\ @, and does not begin with @"
    if "@" in stem and kind not in _TEMPLATE_TYPES:
        return f"fleet has no templates of type {kind}, only of {', '.join(_TEMPLATE_TYPES)}"
    return ""


def canonical(name: str) -> str:
    """The present name of an option of the [X-Fleet] section."""
    return OLD_NAMES.get(name, name)


def resolve(value: str, unit: str) -> str:
    """A value of the [X-Fleet] section with the specifiers that fleet knows (%n %N %p %i) replaced for `unit`."""
    if "." not in unit:
        return value
    stem = unit.rpartition(".")[0]
    prefix, _, instance = stem.partition("@")
    for specifier, meaning in (("%n", unit), ("%N", stem), ("%p", prefix), ("%i", instance)):
        value = value.replace(specifier, meaning)
    return value


def words(options: Iterable[Option], unit: str = "") -> list[Word]:
    """Every value of the [X-Fleet] section: quoted lists taken apart, specifiers replaced for `unit`.

    Without `unit` the specifiers stay, as they do while fleet checks what it refuses. Values under an old name come
    first, except for MachineID, where those under the present name do: fleet looks in that order.
    """
    all_words = [
        Word(canonical(option.name), resolve(value, unit), option)
        for option in options
        if option.section == SECTION
        for value in _listed(option.value)
    ]
    by_age = sorted(all_words, key=lambda word: word.option.name == word.name)
    machines = [word for word in all_words if word.name == "MachineID"]
    machines.sort(key=lambda word: [word.name, *OLD_NAMES].index(word.option.name))
    return [*machines, *(word for word in by_age if word.name != "MachineID")]


def _listed(value: str) -> list[str]:
    """The values of a line such as `"a=b" "c=d"`; one that does not begin and end with a quote is a single value."""
    if not (value.startswith('"') and value.endswith('"')):
        return [value]
    listed, current, quoted = [], "", False
    for char in value:
        if char == '"':
            quoted = not quoted
        elif char == " " and not quoted:
            listed.append(current)
            current = ""
        else:
            current += char
    return [*listed, current]


def values(options: Iterable[Option], name: str, unit: str = "") -> list[str]:
    """The values of one option of the [X-Fleet] section, under its present or an old name."""
    return [word.value for word in words(options, unit) if word.name == name]


def _fields(value: str) -> list[str]:
    return [word for word in "".join(" " if char in SPACE else char for char in value).split(" ") if word]


def conflicts(options: Iterable[Option], unit: str = "") -> list[str]:
    """The patterns of names that fleet keeps off the unit's machine."""
    return [pattern for value in values(options, "Conflicts", unit) for pattern in _fields(value)]


def peers(options: Iterable[Option], unit: str = "") -> list[str]:
    """The units on whose machine fleet puts this one."""
    return values(options, "MachineOf", unit)


def metadata(options: Iterable[Option], unit: str = "") -> dict[str, set[str]]:
    """The values that a machine may have, by key. fleet ignores what is not a single key=value."""
    allowed: dict[str, set[str]] = {}
    for value in values(options, "MachineMetadata", unit):
        if metadata_pair := pair(value):
            allowed.setdefault(metadata_pair[0], set()).add(metadata_pair[1])
    return allowed


def pair(value: str) -> tuple[str, str] | None:
    """Key and value of one MachineMetadata=, None where fleet ignores it."""
    key, _equals, wanted = value.partition("=")
    return (key, wanted) if key and wanted and "=" not in wanted else None


def is_global(options: Iterable[Option], unit: str = "") -> bool:
    """Whether the unit runs on every machine. The last Global= counts."""
    return any(truthy(value) for value in values(options, "Global", unit)[-1:])


def are_together(options: Sequence[Option], unit: str, others: Sequence[Option], other: str) -> bool:
    """Whether fleet puts `unit`, which has these options, and `other` on the same machines."""
    if is_global(options, unit) and is_global(others, other):
        return True
    if other in peers(options, unit) or unit in peers(others, other):
        return True
    machines = [values(each, "MachineID", name)[:1] for each, name in ((options, unit), (others, other))]
    return machines[0] == machines[1] != []


def truthy(value: str) -> bool:
    """Whether fleet reads a word as yes."""
    return value.lower() in _TRUE


def keeps_apart(options: Sequence[Option], unit: str, other: str) -> bool:
    """Whether fleet keeps `unit`, which has these options, off the machine of `other`."""
    return any(matches(pattern, other) for pattern in conflicts(options, unit))


def matches(pattern: str, name: str) -> bool:
    """Whether a name matches a pattern, as fleet tests it: by Go's path.Match. A malformed pattern matches nothing."""
    expression = _expression(pattern)
    return expression is not None and re.fullmatch(expression, name, re.DOTALL) is not None


def is_pattern(pattern: str) -> bool:
    """Whether Go's path.Match accepts a pattern: all brackets are closed, and something follows each backslash."""
    return _expression(pattern) is not None


def _expression(pattern: str) -> str | None:
    """The regular expression that a pattern stands for; None for a malformed one."""
    expression, at = "", 0
    while at < len(pattern):
        char = pattern[at]
        at += 1
        if char == "*":
            expression += "[^/]*"
        elif char == "?":
            expression += "[^/]"
        elif char == "[":
            character_class = _character_class(pattern, at)
            if character_class is None:
                return None
            class_expression, at = character_class
            expression += class_expression
        elif char == "\\":
            if at == len(pattern):
                return None
            expression += re.escape(pattern[at])
            at += 1
        else:
            expression += re.escape(char)
    return expression


def _character_class(pattern: str, at: int) -> tuple[str, int] | None:
    """The expression for the class that begins after a [, and the place after its ]; None for a malformed one."""
    negated = pattern[at : at + 1] == "^"
    at += negated
    ranges = ""
    empty = True
    while empty or pattern[at : at + 1] != "]":
        empty = False
        ends: list[str] = []
        while not ends or (len(ends) == 1 and pattern[at] == "-"):
            at += len(ends)  # the hyphen
            if pattern[at : at + 1] in ("", "-", "]"):
                return None
            at += pattern[at] == "\\"
            if at + 1 >= len(pattern):  # nothing, or nothing after it
                return None
            ends.append(pattern[at])
            at += 1
        if ends[0] <= ends[-1]:
            ranges += f"{re.escape(ends[0])}-{re.escape(ends[-1])}"
    if not ranges:
        return ("." if negated else "(?!)"), at + 1
    return f"[{'^' if negated else ''}{ranges}]", at + 1
