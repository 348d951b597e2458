"""The events of runs, whichever command makes them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from coreos_lab import events
from coreos_lab.console.following import Following
from coreos_lab.model import Cluster
from coreos_lab.records import runs, store


@pytest.fixture
def cluster(planned: Callable[..., Cluster]) -> Cluster:
    made = planned()
    store.save(made)
    return made


def line(message: str, step: str = "heal", kind: str = "note") -> str:
    return json.dumps({"kind": kind, "step": step, "message": message, "wall": 1.0}) + "\n"


def messages(following: Following) -> list[str]:
    return [event.message for event in following.new()]


def test_a_run_that_was_over_before_is_not_told_again(cluster: Cluster) -> None:
    (runs.new(cluster, "break-core-01") / runs.EVENTS).write_text(line("old"))
    following = Following("core")
    assert messages(following) == []
    folder = runs.new(cluster, "break-core-02")
    (folder / runs.EVENTS).write_text(line("one") + line("two")[:-9])
    assert messages(following) == ["one"]
    with (folder / runs.EVENTS).open("a") as out:
        out.write(line("two")[-9:])
    assert messages(following) == ["two"]
    assert messages(following) == []


def test_a_run_that_goes_on_is_told_from_its_begin(cluster: Cluster) -> None:
    folder = runs.new(cluster, "break-core-01")
    with events.recording(folder / runs.EVENTS):
        events.note("quorum", "etcd keeps its majority")
        following = Following("core")
        assert messages(following) == ["etcd keeps its majority"]


def test_damaged_lines_are_left_out(cluster: Cluster, tmp_path: Path) -> None:
    del tmp_path
    following = Following("core")
    assert messages(following) == []
    folder = runs.new(cluster, "break-core-01")
    (folder / runs.EVENTS).write_bytes(b'[]\n\xff\xfe\n{"kind": 1}\n' + line("whole").encode())
    assert messages(following) == ["whole"]


def test_a_fault_is_told_only_where_it_fails(cluster: Cluster) -> None:
    following = Following("core")
    assert messages(following) == []
    lines = [line("kill", "fault", "start"), line("no effect", "fault", "error"), line("kill", "fault", "end")]
    (runs.new(cluster, "break-core-01") / runs.EVENTS).write_text("".join(lines))
    assert messages(following) == ["no effect"]
