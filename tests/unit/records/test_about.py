"""What a run is about, and whether it still goes on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from coreos_lab import events
from coreos_lab.model import Cluster
from coreos_lab.records import about, runs
from coreos_lab.records.formats import OtherVersionError


def test_a_description_is_read_as_it_was_written(planned: Callable[..., Cluster], tmp_path: Path) -> None:
    made = about.describe(
        planned(),
        "break",
        "kill of core-02",
        "lab break core-02",
        judged=True,
        programs={"etcd": "3.5"},
        files={"a": "b"},
    )
    about.save(made, tmp_path)
    assert about.load(tmp_path) == made
    assert (made.nodes, made.cluster["agent-ttl"]) == (("core-01", "core-02", "core-03"), "10s")
    assert about.verb(tmp_path) == "break"


def test_one_from_before_programs_were_asked_has_none_of_them(planned: Callable[..., Cluster], tmp_path: Path) -> None:
    made = about.describe(planned(), "break", "x", "lab", judged=True, programs={"etcd": "3.5"})
    older = {name: value for name, value in asdict(made).items() if name != "programs"}
    about.FORMAT.write(tmp_path / about.FILE, older)
    assert about.load(tmp_path) == replace(made, programs={})


def test_a_run_from_before_has_none(tmp_path: Path) -> None:
    assert about.load(tmp_path) is None
    assert about.verb(tmp_path) == ""


def test_one_of_another_version_still_has_its_verb(planned: Callable[..., Cluster], tmp_path: Path) -> None:
    made = about.describe(planned(), "storm", "x", "lab", judged=True, programs={})
    about.FORMAT.write(tmp_path / about.FILE, {**vars(replace(made)), "version": 99})
    with pytest.raises(OtherVersionError):
        about.load(tmp_path)
    assert about.verb(tmp_path) == "storm"
    (tmp_path / about.FILE).write_text("[" * 9999)
    assert about.verb(tmp_path) == ""


def test_a_run_goes_on_while_its_events_are_recorded(tmp_path: Path) -> None:
    assert not runs.is_going_on(tmp_path)
    with events.recording(tmp_path / runs.EVENTS):
        assert runs.is_going_on(tmp_path)
    assert not runs.is_going_on(tmp_path)


@pytest.mark.parametrize("time", [float("inf"), float("nan"), 1e308, -1e308, 10**400])
def test_a_time_of_no_clock_is_no_description(planned: Callable[..., Cluster], tmp_path: Path, time: float) -> None:
    made = about.describe(planned(), "break", "x", "lab", judged=True, programs={})
    for name in ("wall", "mono"):
        about.FORMAT.write(tmp_path / about.FILE, {**vars(made), name: time})
        with pytest.raises(OtherVersionError):
            about.load(tmp_path)
