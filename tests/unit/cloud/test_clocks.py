"""A cloud keeps times of the host's clock. Where that is set back, nothing waits for it."""

from __future__ import annotations

import time

import pytest

from coreos_lab.cloud.balancing import health
from coreos_lab.cloud.balancing.kept import Check, Target
from coreos_lab.cloud.scaling.group import is_within

NOW = 1_800_000_000.0
CHECK = Check("HTTP", 80, "/", interval=30, timeout=5, healthy=5, unhealthy=2)


@pytest.mark.parametrize(
    ("passed", "within"), [(0.0, True), (299.0, True), (300.0, False), (1e9, False), (-1.0, False), (-3600.0, False)]
)
def test_a_pause_ends_also_where_the_clock_was_set_back(
    monkeypatch: pytest.MonkeyPatch, passed: float, *, within: bool
) -> None:
    monkeypatch.setattr(time, "time", lambda: NOW + passed)
    assert is_within(NOW, 300.0) is within


@pytest.mark.parametrize(("passed", "new"), [(0.0, True), (1e6, False), (-3600.0, False)])
def test_a_target_is_not_new_for_ever(passed: float, *, new: bool) -> None:
    assert health.is_new(Target("i-1", 80, since=NOW), CHECK, NOW + passed) is new
