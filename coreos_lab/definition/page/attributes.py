"""The words after ```console: where a block runs, and how long it may take."""

from __future__ import annotations

import re
from dataclasses import dataclass

from coreos_lab.definition.page.steps import HOST, LIMIT
from coreos_lab.errors import UsageError
from coreos_lab.spelling import did_you_mean
from coreos_lab.units_of_measure import duration

NAMES = ("on", "terminal", "within", "limit", "check")
OF_BROWSER = ("within",)
ON = re.compile(rf"{HOST}|[a-z][a-z0-9-]*-\d+|unit:[\w@.:-]+")
TERMINAL = re.compile(r"[a-z][a-z0-9-]{0,19}")


@dataclass
class Attributes:
    """A block's attributes: `within` and `limit` in seconds, `on` as Block has it."""

    on: str = HOST
    terminal: str = ""
    within: float = 0.0
    limit: float = LIMIT
    check: bool = False


Mistake = tuple[str, str]  # what is wrong, and the remedy


def parse_attributes(info: str, language: str) -> tuple[Attributes, list[Mistake]]:
    """The attributes after a block's language, and what is wrong with them."""
    allowed = NAMES if language == "console" else OF_BROWSER
    attributes, mistakes = Attributes(), []
    for word in info.split():
        name, equals, value = word.partition("=")
        if name not in allowed:
            mistakes.append((f"{name}: no such attribute of a {language} block", did_you_mean(name, allowed)))
        elif name == "check":
            attributes.check = True
            if equals:
                mistakes.append((f"{word}: takes no value", "write check"))
        else:
            mistakes += _set(attributes, name, value)
    return attributes, mistakes


def _set(attributes: Attributes, name: str, value: str) -> list[Mistake]:
    if name in ("within", "limit"):
        try:
            setattr(attributes, name, duration(value, name))
        except UsageError as error:
            return [(error.message, error.hint)]
        return []
    pattern, remedy = {
        "on": (ON, "write host, a node such as core-01, or unit:NAME for the node that runs a unit"),
        "terminal": (TERMINAL, "name it with lower-case letters, such as terminal=watch"),
    }[name]
    if not pattern.fullmatch(value):
        return [(f"{name}={value}: not a valid value", remedy)]
    setattr(attributes, name, value)
    return []
