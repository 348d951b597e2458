"""Breaking nodes: what is on record when, and what is refused before anything is broken."""

from __future__ import annotations

from typing import Any

import pytest

from coreos_lab.chaos import effect, faults, injecting, machine
from coreos_lab.errors import LabError, UnknownError
from coreos_lab.model import Cluster, FaultKind, NodeState
from coreos_lab.records import fault_journal
from coreos_lab.wait import DeadlineError
from tests.unit.chaos.paper_machines import broken, not_reached

ONE_ACT = (FaultKind.KILL, FaultKind.HALT, FaultKind.REBOOT, FaultKind.PAUSE)


@pytest.mark.parametrize("kind", ONE_ACT)
def test_the_undo_is_on_disk_before_the_act(cluster: Cluster, paper: Any, kind: FaultKind) -> None:
    fault = broken(paper, cluster, cluster.nodes[1], kind)
    assert paper.done == [f"{kind.value} core-02"]
    assert paper.on_record == ["core-02"]
    assert fault_journal.open_faults(cluster) == [fault]
    known = faults.FAULTS[kind]
    assert isinstance(known, machine.MachineFault)
    assert paper.states["core-02"] in known.leaves


def test_a_crash_loop_ends_in_the_dark(cluster: Cluster, paper: Any) -> None:
    injecting.inject(paper, cluster, faults.plan(cluster.nodes[1:2], FaultKind.CRASH_LOOP, {"times": "2"}))
    assert paper.done == ["kill core-02", "start core-02", "kill core-02"]
    assert paper.on_record == ["core-02"]


def test_what_only_the_others_can_mend_needs_their_majority(cluster: Cluster, paper: Any) -> None:
    with pytest.raises(LabError, match="core-01, core-02: lose-data could not be undone: etcd loses its quorum"):
        injecting.inject(paper, cluster, faults.plan(cluster.nodes[:2], FaultKind.LOSE_DATA, {}))
    paper.states["core-03"] = NodeState.STOPPED
    with pytest.raises(LabError, match="core-01: remove-member could not be undone"):
        injecting.inject(paper, cluster, faults.plan(cluster.nodes[:1], FaultKind.REMOVE_MEMBER, {}))
    assert fault_journal.open_faults(cluster) == []


def test_a_node_is_broken_once(cluster: Cluster, paper: Any) -> None:
    broken(paper, cluster, cluster.nodes[0], FaultKind.PAUSE)
    with pytest.raises(LabError, match="core-01: is broken already .pause") as refused:
        broken(paper, cluster, cluster.nodes[0], FaultKind.KILL)
    assert "lab heal" in refused.value.hint
    assert paper.done == ["pause core-01"]


def test_what_does_not_run_is_not_broken_and_not_on_record(cluster: Cluster, paper: Any) -> None:
    paper.states["core-01"] = NodeState.STOPPED
    with pytest.raises(LabError, match="core-01: is not running"):
        broken(paper, cluster, cluster.nodes[0], FaultKind.KILL)
    assert paper.done == []
    assert fault_journal.open_faults(cluster) == []


def test_several_are_broken_or_none(cluster: Cluster, paper: Any) -> None:
    paper.states["core-03"] = NodeState.STOPPED
    with pytest.raises(LabError, match="core-03: is not running"):
        injecting.inject(paper, cluster, faults.plan(cluster.nodes, FaultKind.KILL, {}))
    assert paper.done == []
    done = injecting.inject(paper, cluster, faults.plan([*cluster.nodes[:2], cluster.nodes[0]], FaultKind.KILL, {}))
    assert [fault.node for fault in done] == ["core-01", "core-02"]
    assert paper.done == ["kill core-01", "kill core-02"]


def test_without_an_effect_the_fault_stays_on_record(
    cluster: Cluster, paper: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(effect, "SEEN_DEADLINE", 0.01)
    monkeypatch.setattr(machine, "answers", lambda _node: True)
    with pytest.raises(DeadlineError, match="core-03: no effect of pause is seen"):
        broken(paper, cluster, cluster.nodes[2], FaultKind.PAUSE)
    assert [fault.node for fault in fault_journal.open_faults(cluster)] == ["core-03"]


def test_who_cannot_be_asked_is_no_effect_that_is_missing(
    cluster: Cluster, paper: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(effect, "SEEN_DEADLINE", 0.01)
    monkeypatch.setattr(machine.Pause, "seen", not_reached)
    with pytest.raises(UnknownError, match="core-03: whether pause has an effect is unknown: core-03: is not reached"):
        broken(paper, cluster, cluster.nodes[2], FaultKind.PAUSE)
    assert [fault.node for fault in fault_journal.open_faults(cluster)] == ["core-03"]
