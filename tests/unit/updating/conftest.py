"""Fixtures of the tests of updates."""

from tests.unit.updating.paper_park import park

__all__ = ["park"]
