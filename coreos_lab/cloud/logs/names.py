"""Names in CloudWatch Logs: what they may have, ARNs, and pages of lists."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from coreos_lab.cloud.json_api import Values
from coreos_lab.cloud.json_api import invalid as wrong
from coreos_lab.cloud.logs.actions import INVALID, invalid
from coreos_lab.cloud.metadata import ACCOUNT

GROUP, STREAM = r"[\.\-_/#A-Za-z0-9]{1,512}", r"[^:*]{1,512}"
PAGE = 50  # items of a list in one answer
Item = TypeVar("Item")


def now() -> int:
    """The time in milliseconds since 1970."""
    return int(time.time() * 1000)


def group(name: str) -> str:
    """A group's name. RefusedError for one that cannot be."""
    if not re.fullmatch(GROUP, name):
        raise wrong(INVALID, "logGroupName", name, rf"Member must satisfy regular expression pattern: {GROUP}")
    return name


def stream(name: str) -> str:
    """A stream's name. RefusedError for one that cannot be."""
    if not re.fullmatch(STREAM, name):
        raise wrong(INVALID, "logStreamName", name, rf"Member must satisfy regular expression pattern: {STREAM}")
    return name


def of_group(values: Values) -> str:
    """The name of the group that a request is about, which it has as a name or as an ARN."""
    given = [values[name] for name in ("logGroupName", "logGroupIdentifier") if name in values]
    if len(given) != 1:
        raise invalid("Exactly one of logGroupName and logGroupIdentifier is needed")
    return of_arn(given[0]) if given[0].startswith("arn:") else group(given[0])


def arn(region: str, name: str) -> str:
    """A group's ARN."""
    return f"arn:aws:logs:{region}:{ACCOUNT}:log-group:{name}"


def of_arn(text: str) -> str:
    """The name of the group that has an ARN."""
    found = re.fullmatch(rf"arn:aws:logs:[a-z0-9-]+:{ACCOUNT}:log-group:({GROUP})(:\*)?", text)
    if found is None:
        raise invalid(f"{text}: not the ARN of a log group")
    return found[1]


def limit(values: Values, most: int) -> int:
    """How many items an answer may have."""
    found = int(values.get("limit", most))
    if not 1 <= found <= most:
        raise wrong(INVALID, "limit", found, f"Member must have value between 1 and {most}")
    return found


def page(items: Sequence[Item], values: Values, key: Callable[[Item], str]) -> tuple[Sequence[Item], dict[str, Any]]:
    """The items of one answer, and the token for the next. `items` are in the order in which they are listed."""
    token, count = values.get("nextToken"), limit(values, PAGE)
    begin = 0
    if token is not None:
        names = [key(each) for each in items]
        if token not in names:
            raise invalid("The specified nextToken is invalid.")
        begin = names.index(token) + 1
    found = items[begin : begin + count]
    more = begin + count < len(items)
    return found, {"nextToken": key(found[-1])} if more else {}
