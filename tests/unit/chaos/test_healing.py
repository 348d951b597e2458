"""Undoing faults: in which order, and what stays on record."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from coreos_lab import run
from coreos_lab.chaos import effect, healing, machine
from coreos_lab.clients import ssh
from coreos_lab.errors import LabError, UnknownError
from coreos_lab.model import Cluster, FaultKind, Node, NodeState
from coreos_lab.observed import ready
from coreos_lab.records import fault_journal
from coreos_lab.records.store import ClusterFolder
from coreos_lab.wait import DeadlineError
from tests.unit.chaos.paper_machines import broken, not_reached


def test_all_are_started_before_any_is_waited_for(cluster: Cluster, paper: Any) -> None:
    for node in cluster.nodes[:2]:
        broken(paper, cluster, node, FaultKind.KILL)
    paper.done.clear()
    healing.heal(paper, cluster, fault_journal.open_faults(cluster))
    assert paper.done == ["network", "start core-01", "start core-02", "mirror", "wait core-01 core-02"]
    assert fault_journal.open_faults(cluster) == []


def test_a_docker_that_a_killed_deployment_left_stopped_is_started_before_its_node_is_waited_for(
    cluster: Cluster, paper: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A node whose Docker does not answer does not serve: the fault would stay on record."""
    fault = broken(paper, cluster, cluster.nodes[1], FaultKind.KILL)
    folder = ClusterFolder(cluster.name).docker_stopped
    folder.mkdir(parents=True)
    (folder / "core-01").touch()

    def ask(_cluster: Cluster, node: Node, argv: Sequence[str], **_options: object) -> run.Completed:
        paper.done.append(f"{node.name}: {argv[-1]}")
        return run.Completed(tuple(argv), 0, "", "")

    monkeypatch.setattr(ssh, "ask", ask)
    paper.done.clear()
    healing.heal(paper, cluster, [fault])
    assert paper.done == ["network", "start core-02", "mirror", "core-01: docker.socket", "wait core-02"]
    assert [*folder.iterdir()] == []


def test_after_a_restart_of_the_host_the_others_are_started_where_etcd_needs_them(cluster: Cluster, paper: Any) -> None:
    fault = broken(paper, cluster, cluster.nodes[1], FaultKind.KILL)
    paper.states = dict.fromkeys(paper.states, NodeState.STOPPED)
    paper.done.clear()
    healing.heal(paper, cluster, [fault])
    assert paper.done[1:4] == ["start core-02", "start core-01", "start core-03"]


def test_who_is_off_and_not_on_record_stays_so_where_etcd_does_without(cluster: Cluster, paper: Any) -> None:
    fault = broken(paper, cluster, cluster.nodes[1], FaultKind.KILL)
    paper.states["core-03"] = NodeState.STOPPED
    healing.heal(paper, cluster, [fault])
    assert paper.states["core-03"] is NodeState.STOPPED


def test_a_node_that_does_not_come_back_stays_on_record(
    cluster: Cluster, paper: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    fault = broken(paper, cluster, cluster.nodes[0], FaultKind.KILL)

    def never(*_args: object, **_options: object) -> None:
        raise DeadlineError("core-01 does not serve")

    monkeypatch.setattr(ready, "wait_for_nodes", never)
    with pytest.raises(DeadlineError):
        healing.heal(paper, cluster, [fault])
    assert fault_journal.open_faults(cluster) == [fault]


def test_a_node_that_is_no_member_of_etcd_any_more_is_no_longer_on_record_as_broken(
    cluster: Cluster, paper: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    faults = [broken(paper, cluster, node, FaultKind.KILL) for node in cluster.nodes[:2]]
    waited: list[list[str]] = []

    def wait(_cluster: Cluster, nodes: Sequence[Node], *_args: object, **_options: object) -> None:
        waited.append([node.name for node in nodes])
        if cluster.nodes[0] in nodes:
            raise ready.ExpelledError(cluster.nodes[0], "is no member of etcd any more")

    monkeypatch.setattr(ready, "wait_for_nodes", wait)
    with pytest.raises(LabError, match="core-01: is no member of etcd any more") as error:
        healing.heal(paper, cluster, faults)
    assert "lab up" in error.value.hint
    assert waited == [["core-01", "core-02"], ["core-02"]], "the others are still waited for"
    assert fault_journal.open_faults(cluster) == [], "lab up leaves what is broken alone"


def test_a_fault_of_a_node_that_is_gone_is_struck_off(cluster: Cluster, paper: Any) -> None:
    gone = fault_journal.record(cluster, FaultKind.KILL, "core-09")
    healing.heal(paper, cluster, [gone])
    assert not any(act.startswith(("start", "wait")) for act in paper.done)
    assert fault_journal.open_faults(cluster) == []


def test_whether_an_effect_is_gone_is_asked_until_somebody_answers(
    cluster: Cluster, paper: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = broken(paper, cluster, cluster.nodes[2], FaultKind.PAUSE)
    with monkeypatch.context() as silent:
        silent.setattr(effect, "GONE_DEADLINE", 0.01)
        silent.setattr(machine.Pause, "gone", not_reached)
        with pytest.raises(UnknownError, match="whether its effect is gone is unknown"):
            healing.heal(paper, cluster, [entry])
    assert fault_journal.open_faults(cluster) == [entry], "for the next heal"
    calls: list[object] = []

    def answers_the_second_time(*_args: object) -> bool:
        calls.append(None)
        return len(calls) > 1 or not_reached()

    monkeypatch.setattr(machine.Pause, "gone", answers_the_second_time)
    healing.heal(paper, cluster, [entry])
    assert fault_journal.open_faults(cluster) == []


def test_a_fault_that_cannot_be_undone_keeps_no_other_from_it(
    cluster: Cluster, paper: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries = [
        fault_journal.record(cluster, FaultKind.STOP, "core-01", {"service": "docker"}),
        broken(paper, cluster, cluster.nodes[1], FaultKind.REBOOT),
        fault_journal.record(cluster, FaultKind.FREEZE, "core-03", {"service": "docker"}),
    ]

    def node_run(_cluster: Cluster, node: Node, call: Sequence[str], **_options: object) -> run.Completed:
        if node.name == "core-01" and call != ["true"]:
            raise run.CommandError(run.Completed(tuple(call), 1, "", "Failed to start docker.service"))
        return run.Completed(tuple(call), 0, "ActiveState=active\nMainPID=7\n", "")

    monkeypatch.setattr(ssh, "node_run", node_run)
    with pytest.raises(run.CommandError, match="exit code 1"):
        healing.heal(paper, cluster, entries)
    assert [fault.node for fault in fault_journal.open_faults(cluster)] == ["core-01"]


def test_a_machine_that_does_not_start_keeps_no_other_fault_from_being_undone(
    cluster: Cluster, paper: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries = [
        broken(paper, cluster, cluster.nodes[0], FaultKind.KILL),
        broken(paper, cluster, cluster.nodes[1], FaultKind.KILL),
        fault_journal.record(cluster, FaultKind.FREEZE, "core-03", {"service": "docker"}),
    ]
    whole = paper.start

    def start(_cluster: Cluster, nodes: Sequence[Node], user_data: Callable[[Node], Path]) -> None:
        whole(cluster, nodes[1:], user_data)
        raise LabError("core-01: no loop device takes its disk")

    def node_run(_cluster: Cluster, _node: Node, call: Sequence[str], **_options: object) -> run.Completed:
        return run.Completed(tuple(call), 0, "ActiveState=active\nMainPID=7\n", "")

    monkeypatch.setattr(ssh, "node_run", node_run)
    monkeypatch.setattr(paper, "start", start)
    with pytest.raises(LabError, match="no loop device"):
        healing.heal(paper, cluster, entries)
    assert [fault.node for fault in fault_journal.open_faults(cluster)] == ["core-01"]


def test_a_machine_that_hangs_is_asked_again(cluster: Cluster, paper: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = fault_journal.record(cluster, FaultKind.FREEZE, "core-03", {"service": "docker"})
    calls: list[str] = []

    def run_of(argv: Sequence[str], **_options: object) -> run.Completed:
        calls.append(str(argv[-1]))
        if len(calls) == 1:
            raise run.CommandError(run.Completed(tuple(argv), 124, "", "no end within 30 s"))
        return run.Completed(tuple(argv), 0, "ActiveState=active\nMainPID=7\n", "")

    monkeypatch.setattr(run, "run", run_of)
    healing.heal(paper, cluster, [entry])
    assert calls[:2] == ["true", "true"]
    assert fault_journal.open_faults(cluster) == []
