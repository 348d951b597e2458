"""Tells a state that lasts from one that a unit only passes through."""

from __future__ import annotations

import time
from collections.abc import Iterable

from coreos_lab.observed.unit_places import Place

LASTING = 3.0  # seconds: between being loaded and being started by fleet, a unit looks idle


class Lasting:
    """The places of units that have been in one state, such as idle, for some seconds."""

    def __init__(self, seconds: float = LASTING) -> None:
        self._seconds = seconds
        self._since: dict[Place, float] = {}  # monotonic seconds

    def of(self, places: Iterable[Place], now: float | None = None) -> list[Place]:
        """Those of `places` that were in each call for `seconds` now; each is returned once in that time."""
        now = time.monotonic() if now is None else now
        self._since = {place: self._since.get(place, now) for place in places}
        lasting = [place for place, since in self._since.items() if now - since >= self._seconds]
        for place in lasting:
            del self._since[place]
        return lasting
