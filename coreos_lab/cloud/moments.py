"""Moments as AWS's query and XML APIs write them: in UTC, to the millisecond."""

from __future__ import annotations

from datetime import UTC, datetime


def written(moment: datetime) -> str:
    """A moment in ISO 8601, such as 2026-01-31T08:00:00.000Z."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def now() -> str:
    """The present moment."""
    return written(datetime.now(UTC))
