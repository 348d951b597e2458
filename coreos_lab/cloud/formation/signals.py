"""Signals, by which instances say that they have come up well, or have not.

A resource with a CreationPolicy is complete once so many have said so; a rolling update of a group waits for each of
its new instances. Source: AWS's "CreationPolicy attribute" and "SignalResource".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from coreos_lab.cloud import query
from coreos_lab.cloud.formation.call import Wait
from coreos_lab.cloud.formation.errors import invalid

SUCCESS, FAILURE = "SUCCESS", "FAILURE"
DURATION = re.compile(r"PT(?=\d)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?")  # ISO 8601's, as far as AWS has it
LONGEST = 43200  # seconds: twelve hours, AWS's limit
TIMEOUT = "PT5M"


@dataclass(frozen=True)
class Awaited:
    """How many signals a resource needs before it is complete, and within how many seconds."""

    count: int = 0
    seconds: int = 0


def awaited(policy: Mapping[str, Any]) -> Awaited:
    """What a CreationPolicy says. RefusedError for one that makes no sense."""
    if not policy:
        return Awaited()
    signal = policy.get("ResourceSignal", {})
    strange = sorted({*policy} - {"ResourceSignal"}) or sorted({*signal} - {"Count", "Timeout"})
    if strange:
        raise invalid(f"CreationPolicy: {strange[0]}: not part of this cloud")
    count = str(signal.get("Count", 1))
    if not query.is_number(count):
        raise invalid(f"CreationPolicy: Count {count}: must be a number")
    return Awaited(int(count), seconds(signal.get("Timeout", TIMEOUT)))


def seconds(text: Any) -> int:
    """A duration such as PT5M in seconds."""
    match = DURATION.fullmatch(str(text))
    if match is None:
        raise invalid(f"{text}: must be a duration such as PT5M or PT1H30M")
    found = sum(int(part or 0) * unit for part, unit in zip(match.groups(), (3600, 60, 1), strict=True))
    if found > LONGEST:
        raise invalid(f"{text}: PT12H at most")
    return found


def await_them(got: Callable[[], Mapping[str, str]], wanted: Awaited, wait: Wait) -> None:
    """Returns when enough signals have come. RefusedError for one of a failure, and for too few in time."""

    def enough() -> bool:
        found = got()
        if failed := sorted(sender for sender, status in found.items() if status == FAILURE):
            raise invalid(f"Received FAILURE signal with UniqueId {failed[0]}")
        return len(found) >= wanted.count

    wait(enough, f"Failed to receive {wanted.count} resource signal(s)", float(wanted.seconds))
