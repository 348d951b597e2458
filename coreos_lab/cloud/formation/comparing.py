"""Which properties of a resource differ between two versions of it, and whether that replaces it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from coreos_lab.cloud.formation.call import Kind, Values


def plain(value: Any) -> Any:
    """A value as it is compared: a number or a boolean is the same as its text, as in CloudFormation."""
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    return str(value).lower() if isinstance(value, bool) else str(value)


def changed(old: Values, new: Values) -> list[str]:
    """The names of the properties that differ."""
    return [
        name
        for name in sorted({*old, *new})
        if (name in old) != (name in new) or plain(old.get(name)) != plain(new.get(name))
    ]


def replaces(kind: Kind, name: str, old: Any, new: Any) -> bool:
    """Whether a property's change from one value to another (None: it has none) replaces the resource."""
    if name in kind.replacing:
        return kind.replacing[name](old, new)
    return name not in kind.in_place


def is_replaced(kind: Kind, old: Values, new: Values) -> bool:
    """Whether the new properties need another resource."""
    return any(replaces(kind, name, old.get(name), new.get(name)) for name in changed(old, new))
