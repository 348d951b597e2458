"""lab status and its --watch, without machines."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from coreos_lab.clients import etcd
from coreos_lab.clients.etcd import Member
from coreos_lab.clients.fleet import Fleet, Machine, Unit, UnitState
from coreos_lab.clients.http import CannotCheckError
from coreos_lab.commands import status
from coreos_lab.model import Cluster, FaultKind, Node, NodeState
from coreos_lab.observed import cluster_state, membership, unit_states
from coreos_lab.observed.unit_states import Look, NodeUnit
from coreos_lab.records import fault_journal


def state(memory: int, *, node_state: str = "running") -> dict[str, Any]:
    node = {
        "name": "core-01",
        "address": "172.17.8.101",
        "state": node_state,
        "etcd": "member",
        "etcd_healthy": True,
        "fleet": True,
        "memory_bytes": memory,
        "image": "k",
        "isolated": True,
    }
    faults = [] if node_state == "running" else [{"node": "core-01", "kind": "kill"}]
    whole = {
        "cluster": "core",
        "provider": "nspawn",
        "subnet": "172.17.8.0/24",
        "labs": ["ch3"],
        "units": [],
        "userns": True,
    }
    return {**whole, "nodes": [node], "faults": faults, "leaving": [], "lost": []}


@pytest.fixture
def states(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The states that successive queries return; Ctrl-C is pressed during the last one."""
    left = [state(1), state(2), *[state(n, node_state="stopped") for n in (3, 4)], state(5), state(6)]

    def query(_name: str) -> dict[str, Any]:
        seen = left.pop(0)
        if not left:
            signal.raise_signal(signal.SIGINT)
        return seen

    monkeypatch.setattr(status, "_query", query)
    monkeypatch.setattr(status, "INTERVAL", 0.0)
    return left


def test_a_line_of_json_for_every_change(states: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]) -> None:
    status.status("core", watch=True, as_json=True)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["nodes"][0]["state"] for line in lines] == ["running", "stopped", "running"]
    assert states == []


def test_away_from_a_terminal_the_text_is_printed_when_it_changes(
    states: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    del states
    status.status("core", watch=True, as_json=False)
    out = capsys.readouterr().out
    assert out.count("Cluster core") == 3
    assert out.count("Broken: core-01 (kill); 'lab heal' undoes it") == 1


def test_one_query_is_one_document(states: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]) -> None:
    status.status("core", watch=False, as_json=True)
    assert json.loads(capsys.readouterr().out)["nodes"][0]["memory_bytes"] == 1
    assert len(states) == 5


class Up:
    """A provider whose nodes all run."""

    def state(self, *_args: object) -> NodeState:
        return NodeState.RUNNING

    def memory(self, *_args: object) -> int:
        return 1

    def isolated(self, *_args: object) -> bool:
        return True


def test_without_a_list_of_machines_units_are_unknown(
    planned: Callable[..., Cluster], monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_answer(_fleet: Fleet) -> None:
        raise CannotCheckError("fleet: nobody answers")

    unit = Unit("a.service", "launched", "launched", "m1", ())
    monkeypatch.setattr(Fleet, "units", lambda _fleet: [unit])
    monkeypatch.setattr(Fleet, "states", lambda _fleet: [])
    monkeypatch.setattr(Fleet, "machines", no_answer)
    monkeypatch.setattr(etcd, "is_healthy", lambda *_args, **_options: True)
    monkeypatch.setattr(membership, "list_of", lambda *_args, **_options: None)
    assert cluster_state.of(planned(), Up())["units"] is None  # type: ignore[arg-type]


@pytest.fixture
def reloaded(planned: Callable[..., Cluster], monkeypatch: pytest.MonkeyPatch) -> Cluster:
    """A Global unit on three machines, of which fleet reports a state of the first one only."""
    cluster = planned()
    unit = Unit("g.service", "launched", "", "", (("X-Fleet", "Global", "true"),))
    machines = [Machine(f"m{number}", node.address, {}) for number, node in enumerate(cluster.nodes)]
    monkeypatch.setattr(Fleet, "units", lambda _fleet: [unit])
    monkeypatch.setattr(Fleet, "states", lambda _fleet: [UnitState("g.service", "m0", "loaded", "active", "running")])
    monkeypatch.setattr(Fleet, "machines", lambda _fleet: machines)
    monkeypatch.setattr(etcd, "is_healthy", lambda *_args, **_options: True)
    monkeypatch.setattr(membership, "list_of", lambda *_args, **_options: None)
    return cluster


def units(cluster: Cluster) -> list[tuple[str, str]]:
    seen = cluster_state.of(cluster, Up())["units"]  # type: ignore[arg-type]
    return [(unit["node"], unit["active"]) for unit in seen]


def test_each_member_is_asked_once_for_its_health_and_once_for_its_list(
    reloaded: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """etcd answers the first by a write that a majority has on disk."""
    asked: list[str] = []

    def healthy(address: str, **_options: object) -> bool:
        asked.append(address)
        return True

    def listed(node: Node, **_options: object) -> list[Member]:
        asked.append(node.name)
        return [Member(each.name, each.name, (each.peer_url,)) for each in reloaded.nodes]

    monkeypatch.setattr(etcd, "is_healthy", healthy)
    monkeypatch.setattr(membership, "list_of", listed)
    monkeypatch.setattr(unit_states, "look", lambda *_args: {})
    seen = cluster_state.of(reloaded, Up())  # type: ignore[arg-type]
    assert [node["etcd"] for node in seen["nodes"]] == ["member"] * 3
    assert sorted(asked) == sorted(
        [*(node.address for node in reloaded.nodes), *(node.name for node in reloaded.nodes)]
    )


def test_a_unit_that_fleet_does_not_report_is_asked_for_on_its_node(
    reloaded: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = {
        "core-02": {"g.service": NodeUnit("g.service", "loaded", "active", "running", hash="a1")},
        "core-03": {"g.service": NodeUnit("g.service", "not-found", "inactive", "dead")},
    }
    asked: list[list[str]] = []

    def look(_cluster: Cluster, nodes: Sequence[Node], names: Sequence[str]) -> Look:
        asked.append([*(node.name for node in nodes), *names])
        return {node.name: there[node.name] for node in nodes}

    monkeypatch.setattr(unit_states, "look", look)
    assert units(reloaded) == [("core-01", "active"), ("core-02", "active"), ("core-03", "not loaded")]
    assert asked == [["core-02", "core-03", "g.service"]]


def test_a_broken_node_is_not_asked_for_its_units(reloaded: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    def look(_cluster: Cluster, nodes: Sequence[Node], _names: Sequence[str]) -> Look:
        assert [node.name for node in nodes] == ["core-03"]
        return {}

    fault_journal.record(reloaded, FaultKind.ISOLATE, "core-02")
    monkeypatch.setattr(unit_states, "look", look)
    assert units(reloaded) == [("core-01", "active"), ("core-02", "not loaded"), ("core-03", "not loaded")]


def test_machine_images_are_named_where_they_differ() -> None:
    seen = state(1)
    assert "Machine images" not in status._text(seen)
    seen["nodes"] += [{**seen["nodes"][0], "name": name, "image": image} for name, image in (("b", "k-2"), ("c", ""))]
    assert "Machine images: core-01 k; b k-2\n" in status._text(seen) + "\n"


def test_nodes_that_are_not_isolated_are_named() -> None:
    seen = state(1)
    assert "Not isolated" not in status._text(seen)
    seen["nodes"][0]["isolated"] = False
    assert "Not isolated: root on core-01 is root of this machine (booted by an older lab" in status._text(seen)
    assert "(made with --no-userns)" in status._text({**seen, "userns": False})


def test_a_broken_node_is_asked_last(planned: Callable[..., Cluster], monkeypatch: pytest.MonkeyPatch) -> None:
    """Behind a partition it still answers, and tells of the cluster as it was."""
    cluster, asked = planned(), list[list[str]]()
    fault_journal.record(cluster, FaultKind.PARTITION, "core-01")

    class Noted(Fleet):
        def __init__(self, addresses: Sequence[str], *, timeout: float = 3.0) -> None:
            asked.append(list(addresses))
            super().__init__(addresses, timeout=timeout)

    monkeypatch.setattr(cluster_state, "Fleet", Noted)
    for query in ("units", "states", "machines"):
        monkeypatch.setattr(Noted, query, lambda _fleet: [])
    monkeypatch.setattr(etcd, "is_healthy", lambda *_args, **_options: True)
    monkeypatch.setattr(membership, "list_of", lambda *_args, **_options: None)
    cluster_state.of(cluster, Up())  # type: ignore[arg-type]
    assert asked == [["172.17.8.102", "172.17.8.103", "172.17.8.101"]]
