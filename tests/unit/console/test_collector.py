"""The collector: it looks while somebody watches, and says what it cannot see."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from coreos_lab.chaos import leaders
from coreos_lab.console import collector
from coreos_lab.console.collector import LEAST, Collector, pause_after
from coreos_lab.console.deployment import Deployment
from coreos_lab.console.feed import Feed
from coreos_lab.model import Cluster, FaultKind, Lab, LabProbe
from coreos_lab.observed import cluster_state
from coreos_lab.records import fault_journal, store
from tests.unit.console.paper_cluster import Paper


def until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + 15
    while not condition():
        assert time.monotonic() < end, "in vain"
        time.sleep(0.02)


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[Cluster]:
    """The clusters that were looked at. No machine is asked."""
    made: list[Cluster] = []

    def state(cluster: Cluster, _provider: object) -> dict[str, Any]:
        made.append(cluster)
        node = {"etcd": "member", "etcd_healthy": True, "fleet": True, "memory_bytes": 1, "image": "", "isolated": True}
        nodes = [{**node, "name": each.name, "address": each.address, "state": "running"} for each in cluster.nodes]
        return {"nodes": nodes, "units": []}

    monkeypatch.setattr(cluster_state, "of", state)
    monkeypatch.setattr(leaders, "_stats", lambda _address: ("id", "core-01", "id"))
    monkeypatch.setattr(collector, "LEAST", 0.05)
    return made


@pytest.fixture
def cluster(planned: Callable[..., Cluster]) -> Cluster:
    made = planned(nodes=1)
    store.save(made)
    return made


@pytest.fixture
def looking(cluster: Cluster, looks: list[Cluster]) -> Iterator[Feed]:
    del cluster, looks
    feed = Feed()
    made = Collector("core", Paper(), feed)
    feed.on_look = made.watch
    yield feed
    made.watch(False)


def test_it_looks_only_while_somebody_watches(looking: Feed, looks: list[Cluster]) -> None:
    time.sleep(0.2)
    assert looks == []
    with looking.reading(lambda: None):
        until(lambda: len(looks) > 2)
        until(lambda: looking.document.get("leader") == "core-01")
    until(lambda: not [each for each in threading.enumerate() if each.name == "looking"])
    seen = len(looks)
    time.sleep(0.3)
    assert len(looks) == seen


def test_several_readers_are_one_collector(looking: Feed, looks: list[Cluster]) -> None:
    del looks
    with looking.reading(lambda: None), looking.reading(lambda: None), looking.reading(lambda: None):
        assert len([each for each in threading.enumerate() if each.name == "looking"]) == 1


@pytest.mark.skipif(not Path("/proc/locks").exists(), reason="needs Linux")
def test_faults_work_at_the_cluster_and_nodes_that_join_are_seen(looking: Feed, cluster: Cluster, planned: Any) -> None:
    with looking.reading(lambda: None) as reader:
        until(lambda: "nodes" in looking.document)
        with store.ClusterFolder("core").lock("lab scale 3"):
            until(lambda: looking.document["busy"].startswith("lab scale 3"))
            store.save(planned(nodes=3))
            fault_journal.record(cluster, FaultKind.KILL, "core-01")
            until(lambda: looking.document["faults"])
            until(lambda: len(looking.document["nodes"]) == 3)
        until(lambda: looking.document["busy"] == "")
        said = [f"{event['step']} {event.get('subject', '')}" for event in looking.news(reader)["events"]]
        assert {"fault core-01", "node core-02", "node core-03"} <= set(said)


def test_what_cannot_be_seen_is_said_and_looked_at_again(
    looking: Feed, looks: list[Cluster], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = cluster_state.of

    def broken(_cluster: Cluster, _provider: object) -> dict[str, Any]:
        raise ZeroDivisionError

    monkeypatch.setattr(cluster_state, "of", broken)
    with looking.reading(lambda: None):
        until(lambda: looking.document.get("trouble") == "a bug of ours: ZeroDivisionError: ")
        monkeypatch.setattr(cluster_state, "of", whole)
        until(lambda: looking.document["trouble"] == "")
        store.ClusterFolder("core").plan.unlink()
        until(lambda: "core: no such cluster" in looking.document["trouble"])
    assert looks


def test_looks_keep_within_their_share_of_a_core() -> None:
    assert pause_after(0.001, 3) == LEAST
    for nodes, allowed in ((3, 0.02), (50, 0.05)):
        for spent in (0.02, 0.05, 0.1):
            assert spent / (spent + pause_after(spent, nodes)) < allowed


def test_probes_come_as_samples(looking: Feed, monkeypatch: pytest.MonkeyPatch, made_lab: Callable[..., Lab]) -> None:
    lab = made_lab("ch3", "a.service", probes=(LabProbe("front", "a.service", 1),))

    def read(self: Any, _cluster: Cluster) -> None:
        self.labs, self.version = [lab], "one"

    monkeypatch.setattr(Deployment, "read", read)
    monkeypatch.setattr("coreos_lab.chaos.probes._ask", lambda _probe, address: (False, f"{address}: no answer"))
    with looking.reading(lambda: None) as reader:
        samples: list[dict[str, Any]] = []
        while len(samples) < 3:
            samples += looking.news(reader).get("samples", [])
            time.sleep(0.02)
    assert {sample["probe"] for sample in samples} == {"ch3/front"}
    assert samples[0]["ok"] is False
    assert samples[0]["detail"] == "172.17.8.101: no answer"
