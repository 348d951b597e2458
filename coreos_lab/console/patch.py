"""Differences between JSON objects as JSON Merge Patches (https://www.rfc-editor.org/rfc/rfc7386)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """The patch that makes `after` of `before`. Lists are replaced whole; a member that is None counts as absent."""
    patch: dict[str, Any] = {name: None for name in before if after.get(name) is None and before[name] is not None}
    for name, value in after.items():
        was = before.get(name)
        if value is None or value == was:
            continue
        if isinstance(value, Mapping) and isinstance(was, Mapping):
            if within := difference(was, value):
                patch[name] = within
        else:
            patch[name] = value
    return patch


def applied(before: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """What a patch makes of an object."""
    after = dict(before)
    for name, value in patch.items():
        if value is None:
            after.pop(name, None)
        elif isinstance(value, Mapping):
            was = after.get(name)
            after[name] = applied(was if isinstance(was, Mapping) else {}, value)
        else:
            after[name] = value
    return after
