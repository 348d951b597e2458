"""What a request for load balancers says, part by part."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from coreos_lab.cloud import query
from coreos_lab.cloud.sigv4 import RefusedError

Asked = dict[str, Any]


def invalid(message: str) -> RefusedError:
    """The error for a request that is not as it must be."""
    return RefusedError("ValidationError", message)


def not_ours(key: str, value: str) -> RefusedError:
    """The error for an attribute that this cloud does not carry out."""
    return RefusedError("UnsupportedOperation", f"{key}={value}: not part of this cloud (see docs/cloud.md)")


def name(asked: Asked, key: str, most: int) -> str:
    """A name: letters, digits and hyphens, none of those at an end."""
    found = str(asked.get(key, ""))
    if not re.fullmatch(rf"(?!internal-)[A-Za-z0-9](?:[A-Za-z0-9-]{{0,{most - 2}}}[A-Za-z0-9])?", found):
        rule = f"{most} letters, digits and hyphens at most, no hyphen at an end, no internal- at the beginning"
        raise invalid(f"{key}: '{found}': must be {rule}")
    return found


def part(its: Asked, key: str) -> str:
    """A part that an item of a list must have."""
    if not its.get(key):
        raise invalid(f"{key}: is needed")
    return str(its[key])


def pairs(asked: Asked) -> Iterator[tuple[str, str]]:
    """The attributes that are to be set."""
    for each in asked.get("Attributes", []):
        yield part(each, "Key"), str(each.get("Value", ""))


def count(value: object, key: str, least: int, most: int) -> int:
    """A number within limits."""
    text = str(value)
    if not query.is_number(text) or not least <= int(text) <= most:
        raise invalid(f"{key}: '{text}': must be a number from {least} to {most}")
    return int(text)


def boolean(value: str, key: str) -> str:
    """`true` or `false`."""
    if value.lower() not in ("true", "false"):
        raise invalid(f"{key}: '{value}': must be true or false")
    return value.lower()


def port(value: object, key: str) -> int:
    """A port."""
    return count(value, key, 1, 65535)


def protocol(value: object, key: str, known: tuple[str, ...]) -> str:
    """A protocol. Those with TLS would need certificates, which this cloud does not give out."""
    found = str(value)
    if found not in known:
        raise RefusedError("UnsupportedOperation", f"{key}={found}: this cloud has {' and '.join(known)}")
    return found


def codes(value: str) -> str:
    """HTTP's status codes that pass a health check: 200, or 200,202, or 200-299."""
    if not re.fullmatch(r"[2-4]\d\d(-[2-4]\d\d)?(,[2-4]\d\d(-[2-4]\d\d)?)*", value):
        raise invalid(f"HttpCode: '{value}': must be codes from 200 to 499, such as 200,202 or 200-299")
    return value


def path(value: str, key: str) -> str:
    """A health check's path, without what would not pass a line of a configuration."""
    if not re.fullmatch(r"/[!-~]{0,1023}", value):
        raise invalid(f"{key}: '{value}': must begin with / and have 1024 printable characters at most, no space")
    return value
