"""What may be set of a lab when it is deployed: values of its units' Environment=, by names that lab.yaml lists."""

from __future__ import annotations

import re
from collections.abc import Mapping

from coreos_lab.errors import UsageError
from coreos_lab.model import Lab
from coreos_lab.unit_file import did_you_mean

# What stands in a unit as it is: nothing that systemd or a shell would take for more than a word.
_VALUE = re.compile(r"[A-Za-z0-9._:/-]+")


def variable(name: str) -> str:
    """The environment variable that a setting sets: FEED_RATE for feed-rate."""
    return name.upper().replace("-", "_")


def _assignment(name: str) -> re.Pattern[str]:
    # In an Environment= line that may have others before it.
    return re.compile(rf"(?m)^(Environment=(?:.*\s)?{variable(name)}=)(\S*)")


def default(lab: Lab, name: str) -> str | None:
    """A setting's value as the lab's units have it; None where none of them has it."""
    for unit in lab.units:
        if found := _assignment(name).search(unit.path.read_text(encoding="utf-8")):
            return found[2]
    return None


def require(lab: Lab, told: Mapping[str, str]) -> None:
    """UsageError for a setting that the lab has not, or a value that cannot stand in a unit."""
    for name, value in told.items():
        if name not in lab.settings:
            known = [*lab.settings]
            remedy = did_you_mean(name, known) if known else "its lab.yaml lists no settings"
            raise UsageError(f"--set {name}={value}: {lab.name} has no such setting", remedy)
        if not _VALUE.fullmatch(value):
            raise UsageError(f"--set {name}={value}: not a plain word", "letters, digits and . _ : / - only")


def applied(text: str, told: Mapping[str, str]) -> str:
    """A unit's text as the settings say."""
    for name, value in told.items():
        text = _assignment(name).sub(rf"\g<1>{value}", text)
    return text
