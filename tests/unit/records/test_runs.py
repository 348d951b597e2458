"""The folders of runs: their order, and how many of them stay."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from coreos_lab import events
from coreos_lab.model import Cluster
from coreos_lab.records import runs


def names() -> list[str]:
    """The ends of the runs' names, oldest first."""
    return [folder.name.rpartition("-")[2] for folder in runs.ordered("core")]


def test_the_oldest_runs_go_unless_they_still_go_on(
    planned: Callable[..., Cluster], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "KEPT", 3)
    cluster = planned()
    first = runs.new(cluster, "a")
    with events.recording(first / runs.EVENTS):
        for what in "bcdef":
            (runs.new(cluster, what) / "record").touch()
    assert names() == ["a", "e", "f"]
    runs.new(cluster, "g")
    assert names() == ["e", "f", "g"]


def test_a_run_that_had_others_in_it_becomes_the_last(planned: Callable[..., Cluster]) -> None:
    cluster = planned()
    walk = runs.new(cluster, "walk")
    runs.new(cluster, "deploy")
    runs.make_last(cluster, walk)
    assert names() == ["deploy", "walk"]
    runs.new(cluster, "next")
    assert names() == ["deploy", "walk", "next"]
