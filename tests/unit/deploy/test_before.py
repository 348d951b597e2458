"""What runs of a lab before its units are submitted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from coreos_lab import wait
from coreos_lab.clients.fleet import Fleet, Machine, UnitState
from coreos_lab.clients.http import CannotCheckError
from coreos_lab.deploy import before, rollout
from coreos_lab.deploy.rollout import Rollout
from coreos_lab.model import Cluster, Lab, Node
from coreos_lab.observed import node_states, unit_states
from coreos_lab.observed.standing import Standing, judge
from coreos_lab.observed.unit_states import Look, NodeUnit
from coreos_lab.records import deployed

RUNS = NodeUnit("a.service", "loaded", "active", "running", "simple", "run2", "new", "1.0")
BEFORE = replace(RUNS, invocation="run1", hash="old")


def now(**values: object) -> NodeUnit:
    return replace(RUNS, **values)  # type: ignore[arg-type]


def state(name: str, machine: str) -> UnitState:
    return UnitState(name, machine, "loaded", "active", "running")


class Started:
    """A rollout's start: what runs on core-01 and core-02 before, and what is known of it when units are submitted."""

    def __init__(self, cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
        self.cluster = cluster
        self.there: Look = {"core-01": {"a.service": BEFORE}, "core-02": {"a.service": now(invocation="other")}}
        self.troubles: list[str] = []  # who does not answer, one look after the other
        self.recorded: dict[str, str] = {}
        monkeypatch.setattr(node_states, "require_running", lambda cluster, _provider: list(cluster.nodes))
        monkeypatch.setattr(Fleet, "states", lambda _fleet: self.states())
        machines = [Machine(node.name, node.address, {}) for node in cluster.nodes]
        monkeypatch.setattr(Fleet, "machines", lambda _fleet: machines)
        monkeypatch.setattr(unit_states, "look", self.look)
        monkeypatch.setattr(rollout, "submit", self.submit)
        monkeypatch.setattr(before, "INTERVAL", 0.0)

    def states(self) -> list[UnitState]:
        if self.troubles[:1] == ["fleet"]:
            self.troubles.pop(0)
            raise CannotCheckError("fleet: nobody answers")
        return [state("a.service", "core-01"), state("a.service", "core-02")]

    def look(self, _cluster: Cluster, nodes: list[Node], _names: list[str]) -> Look:
        silent = self.troubles.pop(0) if self.troubles else ""
        return {node.name: self.there[node.name] for node in nodes if node.name != silent}

    def submit(self, _nodes: list[Node], lab: Lab) -> None:
        found = deployed.load(self.cluster, lab.name)
        assert found is not None
        self.recorded = found.runs

    def start(self, lab: Lab) -> Rollout:
        deployed.begin(self.cluster, lab, {})
        made = Rollout(self.cluster, None, lab)  # type: ignore[arg-type]
        made.start(lab)
        return made


def test_runs_from_before_are_on_record_until_a_deployment_ends(
    planned: Callable[..., Cluster], made_lab: Callable[..., Lab], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first command is killed after it has submitted: the second finds the new file, and the old run under it."""
    started, lab = Started(planned(), monkeypatch), made_lab("mine", "a.service")
    started.start(lab)
    assert started.recorded == {"run1": "old", "other": "new"}
    started.there = {"core-01": {"a.service": now(invocation="run1")}, "core-02": {}}
    second = started.start(lab)
    assert judge(now(invocation="run1"), second._before["core-01"]["a.service"], "new") is Standing.OLD
    deployed.record(started.cluster, lab)
    found = deployed.load(started.cluster, "mine")
    assert found is not None
    assert found.runs == {}


def test_nothing_is_submitted_before_it_is_known_what_runs(
    planned: Callable[..., Cluster], made_lab: Callable[..., Lab], monkeypatch: pytest.MonkeyPatch
) -> None:
    started, lab = Started(planned(), monkeypatch), made_lab("mine", "a.service")
    started.troubles = ["fleet", "core-01", "core-02"]
    assert set(started.start(lab)._before) == {"core-01", "core-02"}
    started.troubles = ["core-02"] * 2
    monkeypatch.setattr(before, "SUBMIT_DEADLINE", 0.0)
    started.recorded = {}
    with pytest.raises(wait.DeadlineError, match="mine: which of its units run .* no answer from core-02"):
        started.start(lab)
    assert started.recorded == {}
