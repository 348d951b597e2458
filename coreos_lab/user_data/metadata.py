"""fleet's metadata of machines: pairs such as disk=ssd, by which units choose theirs (MachineMetadata=)."""

from __future__ import annotations

import re

from coreos_lab.errors import UsageError

# What is safe in fleet's own list (commas), in its key of etcd (slashes) and in a line Environment="..." of systemd.
KEY = re.compile(r"[A-Za-z0-9_.-]{1,64}")
VALUE = re.compile(r"[A-Za-z0-9_.:/@+-]{1,128}")
REMEDY = "write it as NODE:KEY=VALUE,KEY=VALUE, or without NODE: for all nodes"


def parse(text: str) -> dict[str, str]:
    """The pairs of a list, as fleet reads it: what has no "=" is left out."""
    pairs = (pair.split("=", 1) for pair in text.split(",") if "=" in pair)
    return {key.strip(): value.strip() for key, value in pairs}


def text(pairs: dict[str, str]) -> str:
    """The list of pairs, as fleet reads it."""
    return ",".join(f"{key}={value}" for key, value in pairs.items())


def wrong(text: str) -> str:
    """What is wrong with a list of pairs that a reader wrote; "" for a good one."""
    seen: set[str] = set()
    for pair in text.split(","):
        key, equals, value = (part.strip() for part in pair.partition("="))
        if not equals:
            return f"{pair.strip()[:60]!r} is no pair KEY=VALUE"
        if not KEY.fullmatch(key):
            return f"{key[:60]!r}: no key: letters, digits, dots, underscores and hyphens"
        if not VALUE.fullmatch(value):
            return f"{key}: {value[:60]!r}: no value: letters, digits and _ . : / @ + -"
        if key in seen:
            return f"{key} is given twice"
        seen.add(key)
    return ""


def checked(text: str, option: str) -> str:
    """A list of pairs from the command line, as it is kept. Raises UsageError that names the option."""
    if why := wrong(text):
        raise UsageError(f"{option}: {why}", REMEDY)
    return ",".join("=".join(part.strip() for part in pair.split("=", 1)) for pair in text.split(","))
