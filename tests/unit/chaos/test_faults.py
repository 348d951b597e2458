"""Breaking and mending, with a provider of paper."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from coreos_lab import mirror, ready
from coreos_lab.chaos import faults, journal, machine, quorum
from coreos_lab.errors import LabError
from coreos_lab.model import Cluster, FaultKind, Node, NodeState
from coreos_lab.wait import DeadlineError


class Paper:
    """A provider whose machines are entries; it notes what was done and what was on record then."""

    name = "paper"
    boot_deadline = 90.0
    own_clocks = False

    def __init__(self, cluster: Cluster) -> None:
        self.states = {node.name: NodeState.RUNNING for node in cluster.nodes}
        self.boots = dict.fromkeys(self.states, 1)
        self.done: list[str] = []
        self.on_record: list[str] = []

    def __getattr__(self, name: str) -> Any:
        ends = {"kill": NodeState.STOPPED, "halt": NodeState.STOPPED, "pause": NodeState.PAUSED}

        def act(cluster: Cluster, node: Node) -> None:
            self.done.append(f"{name} {node.name}")
            self.on_record = [fault.node for fault in journal.open_faults(cluster)]
            self.states[node.name] = ends.get(name, NodeState.RUNNING)
            self.boots[node.name] += name == "reboot"

        if name not in {*ends, "reboot"}:
            raise AttributeError(name)
        return act

    def state(self, _cluster: Cluster, node: Node) -> NodeState:
        return self.states[node.name]

    def boot_id(self, _cluster: Cluster, node: Node) -> str:
        return str(self.boots[node.name])

    def create_network(self, _cluster: Cluster) -> None:
        self.done.append("network")

    def start(self, _cluster: Cluster, nodes: Sequence[Node], _user_data: Callable[[Node], Path]) -> None:
        for node in nodes:
            self.done.append(f"start {node.name}")
            self.states[node.name] = NodeState.RUNNING


@pytest.fixture
def cluster(planned: Callable[..., Cluster]) -> Cluster:
    return planned()


@pytest.fixture
def paper(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> Any:
    provider = Paper(cluster)
    running = (NodeState.RUNNING,)
    monkeypatch.setattr(machine, "answers", lambda node: provider.states[node.name] in running)
    monkeypatch.setattr(mirror, "run_mirror", lambda _cluster: provider.done.append("mirror"))
    monkeypatch.setattr(
        ready,
        "wait_for_nodes",
        lambda _c, nodes, _p, **_o: provider.done.append(f"wait {' '.join(node.name for node in nodes)}"),
    )
    return provider


def broken(provider: Any, cluster: Cluster, node: Node, kind: FaultKind) -> journal.OpenFault:
    """One node's fault, done."""
    (done,) = faults.inject(provider, cluster, faults.plan([node], kind, {}))
    return done


ONE_ACT = (FaultKind.KILL, FaultKind.HALT, FaultKind.REBOOT, FaultKind.PAUSE)


@pytest.mark.parametrize("kind", ONE_ACT)
def test_the_undo_is_on_disk_before_the_act(cluster: Cluster, paper: Any, kind: FaultKind) -> None:
    fault = broken(paper, cluster, cluster.nodes[1], kind)
    assert paper.done == [f"{kind.value} core-02"]
    assert paper.on_record == ["core-02"]
    assert journal.open_faults(cluster) == [fault]
    known = faults.FAULTS[kind]
    assert isinstance(known, machine.MachineFault)
    assert paper.states["core-02"] is known.leaves


def test_a_crash_loop_ends_in_the_dark(cluster: Cluster, paper: Any) -> None:
    faults.inject(paper, cluster, faults.plan(cluster.nodes[1:2], FaultKind.CRASH_LOOP, {"times": "2"}))
    assert paper.done == ["kill core-02", "start core-02", "kill core-02"]
    assert paper.on_record == ["core-02"]


def test_what_only_the_others_can_mend_needs_their_majority(cluster: Cluster, paper: Any) -> None:
    with pytest.raises(LabError, match="core-01, core-02: lose-data could not be undone: etcd loses its quorum"):
        faults.inject(paper, cluster, faults.plan(cluster.nodes[:2], FaultKind.LOSE_DATA, {}))
    paper.states["core-03"] = NodeState.STOPPED
    with pytest.raises(LabError, match="core-01: remove-member could not be undone"):
        faults.inject(paper, cluster, faults.plan(cluster.nodes[:1], FaultKind.REMOVE_MEMBER, {}))
    assert journal.open_faults(cluster) == []


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
    assert journal.open_faults(cluster) == []


def test_without_an_effect_the_fault_stays_on_record(
    cluster: Cluster, paper: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(faults, "EFFECT_DEADLINE", 0.01)
    monkeypatch.setattr(machine, "answers", lambda _node: True)
    with pytest.raises(DeadlineError, match="core-03: no effect of pause is seen"):
        broken(paper, cluster, cluster.nodes[2], FaultKind.PAUSE)
    assert [fault.node for fault in journal.open_faults(cluster)] == ["core-03"]


def test_all_are_started_before_any_is_waited_for(cluster: Cluster, paper: Any) -> None:
    for node in cluster.nodes[:2]:
        broken(paper, cluster, node, FaultKind.KILL)
    paper.done.clear()
    faults.heal(paper, cluster, journal.open_faults(cluster))
    assert paper.done == ["network", "start core-01", "start core-02", "mirror", "wait core-01 core-02"]
    assert journal.open_faults(cluster) == []


def test_after_a_restart_of_the_host_the_others_are_started_where_etcd_needs_them(cluster: Cluster, paper: Any) -> None:
    fault = broken(paper, cluster, cluster.nodes[1], FaultKind.KILL)
    paper.states = dict.fromkeys(paper.states, NodeState.STOPPED)
    paper.done.clear()
    faults.heal(paper, cluster, [fault])
    assert paper.done[1:4] == ["start core-02", "start core-01", "start core-03"]


def test_who_is_off_and_not_on_record_stays_so_where_etcd_does_without(cluster: Cluster, paper: Any) -> None:
    fault = broken(paper, cluster, cluster.nodes[1], FaultKind.KILL)
    paper.states["core-03"] = NodeState.STOPPED
    faults.heal(paper, cluster, [fault])
    assert paper.states["core-03"] is NodeState.STOPPED


def test_a_node_that_does_not_come_back_stays_on_record(
    cluster: Cluster, paper: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    fault = broken(paper, cluster, cluster.nodes[0], FaultKind.KILL)

    def never(*_args: object, **_options: object) -> None:
        raise DeadlineError("core-01 does not serve")

    monkeypatch.setattr(ready, "wait_for_nodes", never)
    with pytest.raises(DeadlineError):
        faults.heal(paper, cluster, [fault])
    assert journal.open_faults(cluster) == [fault]


def test_a_fault_of_a_node_that_is_gone_is_struck_off(cluster: Cluster, paper: Any) -> None:
    gone = journal.record(cluster, FaultKind.KILL, "core-09")
    faults.heal(paper, cluster, [gone])
    assert not any(act.startswith(("start", "wait")) for act in paper.done)
    assert journal.open_faults(cluster) == []


@pytest.mark.parametrize("kind", list(FaultKind))
def test_every_fault_has_its_name_and_its_act(kind: FaultKind) -> None:
    assert faults.kind_of(kind.value) is kind
    assert faults.FAULTS[kind].summary


def test_an_unknown_fault_names_every_known() -> None:
    with pytest.raises(LabError) as refused:
        faults.kind_of("KILL ")
    assert all(kind.value in refused.value.message for kind in FaultKind)


def test_several_are_broken_or_none(cluster: Cluster, paper: Any) -> None:
    paper.states["core-03"] = NodeState.STOPPED
    with pytest.raises(LabError, match="core-03: is not running"):
        faults.inject(paper, cluster, faults.plan(cluster.nodes, FaultKind.KILL, {}))
    assert paper.done == []
    done = faults.inject(paper, cluster, faults.plan([*cluster.nodes[:2], cluster.nodes[0]], FaultKind.KILL, {}))
    assert [fault.node for fault in done] == ["core-01", "core-02"]
    assert paper.done == ["kill core-01", "kill core-02"]


@pytest.mark.parametrize(
    ("kind", "told", "silent"),
    [
        (FaultKind.KILL, {}, True),
        (FaultKind.ISOLATE, {}, True),
        (FaultKind.PARTITION, {}, True),
        (FaultKind.PARTITION, {"port": "2380"}, True),
        (FaultKind.PARTITION, {"port": "80"}, False),
        (FaultKind.PARTITION, {"from": "core-01"}, False),
        (FaultKind.STOP, {}, True),
        (FaultKind.STOP, {"service": "docker"}, False),
        (FaultKind.FREEZE, {"service": "etcd2.service"}, True),
        (FaultKind.CRASH, {}, False),
    ],
)
def test_what_is_lost_to_etcd(cluster: Cluster, kind: FaultKind, told: dict[str, str], silent: bool) -> None:
    assert faults.silenced(faults.plan(cluster.nodes[1:2], kind, told)) == ({"core-02"} if silent else set())


def test_the_majority_of_three_and_of_five(planned: Callable[..., Cluster]) -> None:
    assert quorum.lost_by(planned(), {"core-02"}) == ""
    assert quorum.lost_by(planned(), {"core-01", "core-02"}) == (
        "etcd loses its quorum: 1 of 3 members is left, 2 are needed"
    )
    assert quorum.lost_by(planned(nodes=7), {"core-01", "core-02", "core-06", "core-07"}) == "", "clients do not vote"
    assert "2 of 5 members are left, 3 are needed" in quorum.lost_by(
        planned(nodes=7), {"core-01", "core-02", "core-03"}
    )
