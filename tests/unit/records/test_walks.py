"""How far a walk has come is kept with the cluster."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from coreos_lab.model import Cluster
from coreos_lab.records import clouds, store, walks
from coreos_lab.records.formats import OtherVersionError
from coreos_lab.records.store import ClusterFolder
from coreos_lab.records.walks import Progress


def test_a_record_is_read_as_it_was_written(planned: Callable[..., Cluster]) -> None:
    store.save(planned())
    stopped = Progress(3, "cd /tmp\n", {"loop": "200\n"})
    walks.record("core", "ch1", stopped)
    assert walks.load("core", "ch1") == stopped
    assert walks.load("core", "ch2") == Progress()
    walks.forget("core", "ch1")
    assert walks.load("core", "ch1") == Progress()


def test_without_a_cluster_a_record_is_kept_with_the_cloud(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_CLOUD", "mine")
    walks.record("core", "ch8", Progress(5, "x=1\n"))
    assert walks.load("core", "ch8") == Progress()  # there is no cloud yet either
    clouds.make("mine", "us-west-2", signed=True)
    walks.record("core", "ch8", Progress(5, "x=1\n"))
    assert walks.load("core", "ch8") == Progress(5, "x=1\n")
    monkeypatch.setenv("LAB_CLOUD", "other")
    assert walks.load("core", "ch8") == Progress()
    monkeypatch.setenv("LAB_CLOUD", "mine")
    walks.forget("core", "ch8")
    assert walks.load("core", "ch8") == Progress()


def test_a_record_from_before_has_no_second_terminals(planned: Callable[..., Cluster]) -> None:
    store.save(planned())
    walks.record("core", "ch1", Progress(3))
    path = ClusterFolder("core").walks / "ch1.json"
    before = json.loads(path.read_text(encoding="utf-8"))
    del before["beside"]
    path.write_text(json.dumps(before), encoding="utf-8")
    assert walks.load("core", "ch1") == Progress(3)


@pytest.mark.parametrize("step", [0, -1, float("inf"), "x", None])
def test_a_step_that_no_page_has_is_no_progress(planned: Callable[..., Cluster], step: object) -> None:
    """From the end of a page Python would count back, and a test begin with the last step."""
    store.save(planned())
    walks.record("core", "ch1", Progress(3))
    path = ClusterFolder("core").walks / "ch1.json"
    path.write_text(json.dumps({**json.loads(path.read_text(encoding="utf-8")), "step": step}), encoding="utf-8")
    with pytest.raises(OtherVersionError, match="does not understand the record of a walk"):
        walks.load("core", "ch1")
