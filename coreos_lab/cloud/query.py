"""AWS's query protocol: parameters with dots in their names on the way in, XML on the way out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from uuid import uuid4
from xml.sax.saxutils import escape

from coreos_lab.characters import NOT_XML
from coreos_lab.cloud.sigv4 import RefusedError

NUMBER = re.compile(r"[0-9]{1,18}")  # int() would take other digits, too, and refuse very many


def is_number(text: object) -> bool:
    """Whether a text is a whole number, not negative, with which one can calculate."""
    return NUMBER.fullmatch(str(text)) is not None


def nested(asked: Mapping[str, str]) -> dict[str, Any]:
    """Parameters as a tree: `A.member.1.B` is the part B of the first item of the list A.

    RefusedError where something is a text and has parts.
    """
    tree: dict[str, Any] = {}
    for name, value in asked.items():
        parts = name.replace(".member.", ".#").split(".")
        place = tree
        for part in parts[:-1]:
            place = place.setdefault(part, {})
            if not isinstance(place, dict):
                raise malformed(name)
        if parts[-1] in place:
            raise malformed(name)
        place[parts[-1]] = value
    found: dict[str, Any] = _lists(tree)
    return found


def malformed(name: str) -> RefusedError:
    """The error for a parameter that has another shape than it should have."""
    return RefusedError("MalformedInput", f"{name}: has another shape than this parameter has")


def _lists(tree: Any) -> Any:
    if not isinstance(tree, dict):
        return tree
    if tree and all(re.fullmatch(r"#\d+", key) for key in tree):
        return [_lists(tree[key]) for key in sorted(tree, key=lambda key: int(key[1:]))]
    return {key: _lists(value) for key, value in tree.items()}


def escaped(text: str) -> str:
    """A text as XML has it. A character that no XML may have, not even escaped, would make an answer unreadable."""
    return escape(NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text))


def xml(value: Any) -> str:
    """An answer's values as XML; what is empty is left out, but not an empty list."""
    if isinstance(value, list):
        return "".join(f"<member>{xml(each)}</member>" for each in value)
    if isinstance(value, dict):
        return "".join(f"<{key}>{xml(each)}</{key}>" for key, each in value.items() if each not in ("", None))
    return escaped(str(value).lower() if isinstance(value, bool) else str(value))


def answer(action: str, namespace: str, result: Mapping[str, Any]) -> bytes:
    """The body of an answer."""
    inside = f"<{action}Result>{xml(result)}</{action}Result>"
    meta = f"<ResponseMetadata><RequestId>{uuid4()}</RequestId></ResponseMetadata>"
    return f'<{action}Response xmlns="{namespace}">{inside}{meta}</{action}Response>'.encode()


def method(action: str) -> str:
    """The name of the method that carries an action out: CreateStack's is _create_stack."""
    return re.sub(r"(?=[A-Z])", "_", action).lower()
