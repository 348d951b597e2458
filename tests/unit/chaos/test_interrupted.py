"""A break that is interrupted in the middle of its act: what was begun comes to its end, and is healed."""

from __future__ import annotations

from typing import Any

import pytest

from coreos_lab import events, wait
from coreos_lab.chaos import effect, faults, healing, injecting, machine
from coreos_lab.chaos.fault import Scene
from coreos_lab.errors import LabError, UnknownError
from coreos_lab.model import Cluster, FaultKind, Node, NodeState
from coreos_lab.observed import ready
from coreos_lab.records import fault_journal

ENDS = {FaultKind.KILL: "kill", FaultKind.HALT: "halt", FaultKind.REBOOT: "reboot", FaultKind.PAUSE: "pause"}


class HalfDone:
    """Makes a provider's acts last: the first one is interrupted before it shows, and shows once we wait for nodes."""

    def __init__(self, paper: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        self.paper = paper
        self.later: list[Any] = []
        for name in ENDS.values():
            monkeypatch.setattr(paper, name, self._interrupted(name), raising=False)
        monkeypatch.setattr(paper, "resume", lambda *_args: self.later.clear(), raising=False)
        monkeypatch.setattr(ready, "wait_for_nodes", self._wait)

    def _interrupted(self, name: str) -> Any:
        whole, calls = getattr(self.paper, name), []

        def act(cluster: Cluster, node: Node) -> None:
            calls.append(node)
            if len(calls) == 1:
                self.later.append((whole, cluster, node, self.paper.boot_id(cluster, node)))
                raise KeyboardInterrupt
            whole(cluster, node)

        return act

    def shows(self) -> None:
        """The kernel or the machine's systemd ends what was begun, unless that boot is over."""
        while self.later:
            whole, cluster, node, boot = self.later.pop()
            if self.paper.boot_id(cluster, node) == boot:
                whole(cluster, node)

    def _wait(self, _cluster: Cluster, nodes: Any, *_args: object, **_options: object) -> None:
        self.shows()
        for node in nodes:
            if self.paper.states[node.name] is not NodeState.RUNNING:
                raise ready.NodeNotReadyError(f"{node.name}: its machine stopped while it booted")


@pytest.fixture
def half_done(paper: Any, monkeypatch: pytest.MonkeyPatch) -> HalfDone:
    return HalfDone(paper, monkeypatch)


def begin(paper: Any, cluster: Cluster, kind: FaultKind, **values: str) -> None:
    with pytest.raises(KeyboardInterrupt):
        injecting.inject(paper, cluster, faults.plan(cluster.nodes[1:2], kind, values))


@pytest.mark.parametrize("kind", [*ENDS, FaultKind.CRASH_LOOP])
def test_what_ends_only_after_the_interruption_is_healed(
    cluster: Cluster, paper: Any, half_done: HalfDone, kind: FaultKind
) -> None:
    begin(paper, cluster, kind)
    healing.heal(paper, cluster, fault_journal.open_faults(cluster))
    half_done.shows()
    assert paper.states["core-02"] is NodeState.RUNNING
    assert fault_journal.open_faults(cluster) == []
    if kind is not FaultKind.PAUSE:
        assert paper.boots["core-02"] == 2, "no process of the boot that was to end is left"


def test_the_second_cut_of_a_crash_loop_may_be_what_was_interrupted(
    cluster: Cluster, paper: Any, half_done: HalfDone
) -> None:
    entry = fault_journal.record(cluster, FaultKind.CRASH_LOOP, "core-02", {"times": "3"}, before=" 1")
    paper.boots["core-02"] = 2  # as the loop has started it
    with pytest.raises(KeyboardInterrupt):
        paper.kill(cluster, cluster.nodes[1])
    healing.heal(paper, cluster, [entry])
    half_done.shows()
    assert (paper.states["core-02"], paper.boots["core-02"]) == (NodeState.RUNNING, 3)


def test_a_machine_that_was_started_since_is_not_broken_again(cluster: Cluster, paper: Any) -> None:
    """Healing was interrupted, or the machine did not serve in time."""
    injecting.inject(paper, cluster, faults.plan(cluster.nodes[1:2], FaultKind.KILL, {}))
    paper.start(cluster, [cluster.nodes[1]], None)
    paper.done.clear()
    healing.heal(paper, cluster, fault_journal.open_faults(cluster))
    assert "kill core-02" not in paper.done
    assert fault_journal.open_faults(cluster) == []


def test_a_machine_that_does_not_say_which_boot_it_is_may_be_on_its_way_down(
    cluster: Cluster, paper: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = fault_journal.record(cluster, FaultKind.HALT, "core-02", before=" 1")

    def silent(_cluster: Cluster, node: Node) -> str:
        raise UnknownError(f"{node.name}: is not reached over SSH")

    monkeypatch.setattr(paper, "boot_id", silent, raising=False)
    healing.heal(paper, cluster, [entry])
    assert paper.done[:3] == ["network", "halt core-02", "start core-02"]


def test_a_machine_between_two_boots_is_not_rebooted_again(
    cluster: Cluster, paper: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """nspawn's cgroup is populated there, and no process is the machine's first."""
    entry = fault_journal.record(cluster, FaultKind.REBOOT, "core-02", before="1")
    monkeypatch.setattr(paper, "boot_id", lambda *_args: "", raising=False)
    healing.heal(paper, cluster, [entry])
    assert "reboot core-02" not in paper.done


@pytest.mark.parametrize("kind", [FaultKind.HALT, FaultKind.REBOOT])
def test_an_act_that_ends_by_itself_between_the_look_and_its_repetition_is_healed(
    cluster: Cluster, paper: Any, monkeypatch: pytest.MonkeyPatch, kind: FaultKind
) -> None:
    entry = fault_journal.record(cluster, kind, "core-02", before="1")

    def gone(_cluster: Cluster, node: Node) -> None:
        paper.states[node.name] = NodeState.STOPPED
        paper.boots[node.name] = ""
        raise LabError(f"{node.name}: is not running")

    monkeypatch.setattr(paper, ENDS[kind], gone, raising=False)
    monkeypatch.setattr(paper, "start", lambda *_args: paper.states.update({"core-02": NodeState.RUNNING}))
    healing.heal(paper, cluster, [entry])
    assert fault_journal.open_faults(cluster) == []


def test_an_act_that_cannot_be_repeated_and_has_no_effect_says_why(
    cluster: Cluster, paper: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = fault_journal.record(cluster, FaultKind.HALT, "core-02", before=" 1")

    def refused(_cluster: Cluster, _node: Node) -> None:
        raise LabError("the hypervisor refuses")

    monkeypatch.setattr(paper, "halt", refused, raising=False)
    monkeypatch.setattr(effect, "SEEN_DEADLINE", 0.05)
    with pytest.raises(LabError, match="the hypervisor refuses"):
        healing.heal(paper, cluster, [entry])
    assert fault_journal.open_faults(cluster) == [entry]


def test_which_boot_is_broken_is_on_record_before_the_act(cluster: Cluster, paper: Any) -> None:
    (entry,) = injecting.inject(paper, cluster, faults.plan(cluster.nodes[1:2], FaultKind.KILL, {}))
    assert entry.before == " 1", "the machine, which is nothing here, and its boot"


def test_a_machine_that_cannot_say_it_is_broken_all_the_same(
    cluster: Cluster, paper: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def silent(_cluster: Cluster, node: Node) -> str:
        raise UnknownError(f"{node.name}: is not reached over SSH")

    monkeypatch.setattr(paper, "boot_id", silent, raising=False)
    (entry,) = injecting.inject(paper, cluster, faults.plan(cluster.nodes[1:2], FaultKind.KILL, {}))
    assert entry.before == " "


def test_what_could_not_be_healed_is_said_with_the_way_on(
    cluster: Cluster, paper: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = fault_journal.record(cluster, FaultKind.KILL, "core-02")
    paper.states["core-02"] = NodeState.STOPPED

    def never(*_args: object, **_options: object) -> None:
        raise wait.DeadlineError("core-02 does not serve")

    monkeypatch.setattr(ready, "wait_for_nodes", never)
    said: list[str] = []
    with events.listening(lambda event: said.append(event.message)), pytest.raises(wait.DeadlineError):
        healing.heal(paper, cluster, [entry])
    assert "core-02 (kill) is still broken: core-02 does not serve; 'lab heal' tries again" in " ".join(said)


def test_a_pause_is_undone_also_where_it_has_not_shown(cluster: Cluster, paper: Any) -> None:
    scene = Scene(paper, cluster, cluster.nodes[1], {})
    machine.Pause().undo(scene)
    assert paper.done == ["resume core-02"]
    paper.states["core-02"] = NodeState.STOPPED
    machine.Pause().undo(scene)
    assert paper.done == ["resume core-02"], "after a restart of the host it is started"
