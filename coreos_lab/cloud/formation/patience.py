"""Waiting for the API: until something is there, until something can be deleted, and what went wrong in one line."""

from __future__ import annotations

import time
from collections.abc import Callable

from coreos_lab.cloud.formation.call import Call, code_of
from coreos_lab.cloud.formation.errors import invalid
from coreos_lab.cloud.sigv4 import RefusedError

PATIENCE = 120.0  # seconds for an instance to run or to end, and for what depends on a resource to go
POLL = 0.2


def without(delete: Callable[[], None], patience: float) -> str:
    """Why a resource cannot be deleted, "" once it is gone. For `patience` seconds, what depends on it may go."""
    end = time.monotonic() + patience
    while True:
        try:
            delete()
        except Exception as error:
            if is_absence(error):
                return ""
            if code_of(error) != "DependencyViolation" or time.monotonic() > end:
                return reason_of(error)
            time.sleep(POLL)
        else:
            return ""


def is_absence(error: BaseException) -> bool:
    """Whether an error says that a thing is not there."""
    code = code_of(error)
    return code.startswith("NoSuch") or code.endswith("NotAttached") or "NotFound" in code


def find(call: Call, kind: str, known: set[str]) -> list[str]:
    """The ids that a resource may have whose making was interrupted, by its tags; none where nothing was made.

    `known` are the ids of the stack's other resources: the one that it replaces has the same tags. Resources that are
    gone may be among them, as their tags stay for a time.
    """
    wanted = dict(call.tags)
    listed = call.ec2.describe_tags(Filters=[{"Name": "resource-type", "Values": [kind]}])["Tags"]
    own: dict[str, dict[str, str]] = {}
    for each in listed:
        own.setdefault(each["ResourceId"], {})[each["Key"]] = each["Value"]
    return [name for name, its in own.items() if wanted.items() <= its.items() and name not in known]


def until(true: Callable[[], bool], missing: str, patience: float = PATIENCE) -> None:
    """Waits until something is true. RefusedError says what is missing."""
    end = time.monotonic() + patience
    while not true():
        if time.monotonic() > end:
            raise invalid(f"{missing} within {patience:g} s")
        time.sleep(POLL)


def reason_of(error: BaseException) -> str:
    """An error in one line, as an event has it."""
    if isinstance(error, RefusedError):
        return error.message
    said = getattr(error, "response", {}).get("Error", {})
    return f"{said['Message']} ({said['Code']})" if said else f"{type(error).__name__}: {error}"
