"""One moment of a cluster, and the files that tell others of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from coreos_lab.clients.etcd import Member
from coreos_lab.model import Cluster, FaultKind, Node, NodeState
from coreos_lab.observed import inventory, membership, node_states
from coreos_lab.observed.observation import Observation, observe
from coreos_lab.providers.base import Provider
from coreos_lab.records import fault_journal
from coreos_lab.records.store import ClusterFolder

Planned = Callable[..., Cluster]
STATES = {"core-01": NodeState.RUNNING, "core-02": NodeState.PAUSED, "core-03": NodeState.STOPPED}


def test_what_is_so_at_one_moment(planned: Planned, monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = planned()
    fault = fault_journal.record(cluster, FaultKind.PAUSE, "core-02")
    monkeypatch.setattr(node_states, "of", lambda _cluster, _provider: STATES)
    now = observe(cluster, Provider)  # type: ignore[arg-type]
    fault_journal.healed(cluster, fault)
    assert now == Observation(cluster, STATES, (fault,))
    assert [node.name for node in now.running] == ["core-01"]
    assert now.broken == {"core-02"}


def test_etcds_members_are_asked_for_once(planned: Planned, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[str]] = []

    def listed(nodes: list[Node]) -> list[Member]:
        asked.append([node.name for node in nodes])
        return []

    monkeypatch.setattr(membership, "listed", listed)
    now = Observation(planned(), STATES)
    assert (now.members, now.members) == ([], [])
    assert asked == [["core-01"]]


def test_the_inventory_says_which_nodes_run_and_which_are_broken(planned: Planned) -> None:
    cluster = planned()
    fault = fault_journal.record(cluster, FaultKind.PAUSE, "core-02")
    path = inventory.write(Observation(cluster, STATES, (fault,)))
    assert path == ClusterFolder("core").inventory
    written = json.loads(path.read_text())
    assert (written["cluster"], written["emulated"]) == ("core", False)
    assert Path(written["ssh_config"]).read_text().startswith("# ssh -F")
    assert [(node["name"], node["running"], node["broken"]) for node in written["nodes"]] == [
        ("core-01", True, False),
        ("core-02", False, True),
        ("core-03", False, False),
    ]
