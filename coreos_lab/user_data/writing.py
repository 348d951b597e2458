"""Plain values as the text of a cloud-config, which coreos-cloudinit's YAML library (version 1.1) reads as the same."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from coreos_lab.user_data.document import FALSE, HEADER, NOTHING, TRUE


def write(data: dict[str, Any], comment: str) -> str:
    """A cloud-config of plain values, with a comment of one line."""
    return "\n".join([HEADER, f"# {comment}", *_lines(data, 0)]) + "\n"


def _lines(value: dict[str, Any] | list[Any], depth: int) -> Iterator[str]:
    entries = value.items() if isinstance(value, dict) else ((None, each) for each in value)
    for key, each in entries:
        head = "  " * depth + (f"{key}:" if key is not None else "-")
        if isinstance(each, dict | list):
            inner = list(_lines(each, depth + 1))
            if not inner:
                yield f"{head} {'{}' if isinstance(each, dict) else '[]'}"
            elif key is None:  # a list's entry begins behind its dash
                yield f"{head} {inner[0].lstrip(' ')}"
                yield from inner[1:]
            else:
                yield head
                yield from inner
        else:
            first, *rest = _written(each, depth + 1)
            yield f"{head} {first}"
            yield from rest


PLAIN = re.compile(r"[A-Za-z/$][A-Za-z0-9_./$@-]*([:=,][A-Za-z0-9_./$@-]+)*")


def _written(value: str | float | bool, depth: int) -> list[str]:
    """A single value as YAML 1.1 that is read as the same again; text of several lines as a block."""
    if isinstance(value, bool):
        return ["true" if value else "false"]
    if not isinstance(value, str):
        return [str(value)]
    if PLAIN.fullmatch(value) and value.lower() not in TRUE | FALSE | NOTHING | {"infinity"}:
        return [value]
    printable = all(char.isprintable() or char in "\n\t" for char in value)
    lines = value.split("\n")
    if printable and "\n" in value and value.strip("\n") and value[0] not in " \t\n":
        ends = len(value) - len(value.rstrip("\n"))
        style = {0: "|-", 1: "|"}.get(ends, "|+")
        body = lines[: -1 if ends else None]
        return [style, *("  " * depth + line if line else "" for line in body)]
    if printable and not set(value) & {"\n", "\t"}:
        return ["'" + value.replace("'", "''") + "'"]  # no escapes: $private_ipv4 is replaced before this is parsed
    return ['"' + "".join(_escaped(char) for char in value) + '"']


def _escaped(char: str) -> str:
    if char in '"\\':
        return f"\\{char}"
    return char if char.isprintable() else f"\\U{ord(char):08x}"
