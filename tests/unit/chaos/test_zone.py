"""A zone that is gone, and machines that are replaced instead of repaired."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from coreos_lab.chaos import faults, healing, injecting
from coreos_lab.chaos.fault import Scene
from coreos_lab.chaos.phases import Phases
from coreos_lab.chaos.schedule import Step
from coreos_lab.cluster import snapshots
from coreos_lab.commands import targets
from coreos_lab.errors import LabError, UnknownError, UsageError
from coreos_lab.model import Cluster, FaultKind, Node, NodeState, Outcome, Stack
from coreos_lab.observed import membership
from coreos_lab.providers.aws.provider import AwsProvider
from coreos_lab.providers.base import ReplacingProvider, ZonedProvider
from coreos_lab.records import fault_journal, store
from coreos_lab.updating import before
from tests.unit.chaos.paper_machines import Paper
from tests.unit.paper import stands_for


@stands_for(ReplacingProvider, ZonedProvider)
class Zoned(Paper):
    """A provider of two zones: a has the first node, b the others. What is started is another machine."""

    def __init__(self, cluster: Cluster) -> None:
        super().__init__(cluster)
        self.closed: set[str] = set()
        self.machine = {node.name: number for number, node in enumerate(cluster.nodes, 1)}

    def zone(self, _cluster: Cluster, node: Node) -> str:
        return "a" if node.name == "core-01" else "b"

    def close_zone(self, _cluster: Cluster, zone: str) -> None:
        self.done.append(f"close {zone}")
        self.closed.add(zone)

    def open_zone(self, _cluster: Cluster, zone: str) -> None:
        self.done.append(f"open {zone}")
        self.closed.discard(zone)

    def is_open(self, _cluster: Cluster, zone: str) -> bool:
        return zone not in self.closed

    def kill(self, cluster: Cluster, node: Node) -> None:
        self.done.append(f"kill {node.name}")
        self.on_record = [fault.node for fault in fault_journal.open_faults(cluster)]
        self.states[node.name] = NodeState.ABSENT

    def start(self, cluster: Cluster, nodes: Sequence[Node], user_data: Callable[[Node], Path]) -> None:
        super().start(cluster, nodes, user_data)
        for node in nodes:
            self.machine[node.name] += 10

    def placed(self, cluster: Cluster) -> Cluster:
        def at(node: Node) -> Node:
            number = self.machine[node.name]
            return replace(node, address=f"198.18.0.{number}", private=f"10.0.1.{number}", instance=f"i-{number}")

        return replace(cluster, nodes=tuple(at(node) for node in cluster.nodes))


@pytest.fixture
def cluster(planned: Callable[..., Cluster]) -> Cluster:
    paper = replace(planned(provider="aws"), stack=Stack("aws", "us-west-2", "t2.small"))
    nodes = tuple(replace(node, address=f"198.18.0.{number}") for number, node in enumerate(paper.nodes, 1))
    return replace(paper, nodes=nodes)


@pytest.fixture
def zoned(cluster: Cluster, paper: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    made: Any = Zoned(cluster)
    paper.states, made.done = made.states, paper.done  # what the fixture has patched looks there
    monkeypatch.setattr(membership, "listed", lambda *_args, **_options: None)
    return made


def test_a_zone_is_closed_before_its_machines_end_and_open_before_others_start(cluster: Cluster, zoned: Any) -> None:
    nodes = targets.target_nodes(cluster, zoned, "az:b")
    assert [node.name for node in nodes] == ["core-02", "core-03"]
    injecting.inject(zoned, cluster, faults.plan(nodes, FaultKind.ZONE, {}))
    assert zoned.done == ["close b", "kill core-02", "close b", "kill core-03"]
    assert zoned.on_record == ["core-02", "core-03"]
    entries = fault_journal.open_faults(cluster)
    assert [entry.before for entry in entries] == [" b", " b"], "the undo needs no machine to know the zone"
    zoned.done.clear()
    healing.heal(zoned, cluster, entries)
    assert zoned.done == [
        *("network", "open b", "open b", "start core-02", "start core-03", "mirror"),
        "wait core-02 core-03",
    ]
    assert fault_journal.open_faults(cluster) == []


def test_a_zone_in_which_machines_can_be_launched_is_not_gone(cluster: Cluster, zoned: Any) -> None:
    fault = faults.FAULTS[FaultKind.ZONE]
    scene = Scene(zoned, cluster, cluster.nodes[0], {}, before="i-1 a")
    zoned.states["core-01"] = NodeState.ABSENT
    assert not fault.seen(scene)
    zoned.closed.add("a")
    assert fault.seen(scene)
    assert not fault.gone(scene)


def test_whom_the_verdict_calls_replaced(cluster: Cluster, zoned: Any) -> None:
    cluster = zoned.placed(cluster)
    store.save(cluster)
    followed: list[Cluster] = []
    phases = Phases(zoned, cluster, [])
    phases.follow = followed.append
    injecting.inject(zoned, cluster, faults.plan(cluster.nodes[1:2], FaultKind.KILL, {}))
    assert phases.repair(fault_journal.open_faults(cluster))
    (repair,) = phases.done
    assert (repair.name, repair.outcome) == ("repair", Outcome.PASS)
    assert repair.evidence == "core-02 serves again; core-02 was replaced: i-12 is in place of i-2"
    assert [each.nodes[1].address for each in followed] == ["198.18.0.12"]
    assert store.require("core").nodes[1].instance == "i-12"


def test_one_whose_healing_was_tried_twice_was_replaced(cluster: Cluster, zoned: Any) -> None:
    before = zoned.placed(cluster)
    injecting.inject(zoned, before, faults.plan(before.nodes[1:2], FaultKind.KILL, {}))
    injecting.inject(zoned, before, faults.plan(before.nodes[:1], FaultKind.ZONE, {}))
    zoned.start(before, before.nodes[:2], Path)
    now = zoned.placed(before)
    assert healing.fates(now, now, fault_journal.open_faults(now)) == [
        "core-02 was replaced: i-12 is in place of i-2",
        "core-01 was replaced: i-11 is in place of i-1",
    ]
    elsewhere = replace(now, stack=None)
    assert healing.fates(elsewhere, elsewhere, fault_journal.open_faults(now)) == []


def test_what_is_done_is_said_as_it_is(cluster: Cluster, zoned: Any, planned: Callable[..., Cluster]) -> None:
    (entry,) = injecting.inject(zoned, cluster, faults.plan(cluster.nodes[1:2], FaultKind.KILL, {}))
    assert faults.described(entry, cluster) == "kill: the machine is shut down and terminated, with its disks"
    assert faults.described(entry, planned()).startswith("kill: power cut: ")


def test_one_that_boots_again_came_back(cluster: Cluster, zoned: Any) -> None:
    cluster = zoned.placed(cluster)
    phases = Phases(zoned, cluster, [])
    injecting.inject(zoned, cluster, faults.plan(cluster.nodes[1:2], FaultKind.REBOOT, {}))
    phases.repair(fault_journal.open_faults(cluster))
    assert phases.done[0].evidence == "core-02 serves again; core-02 came back, as i-2"


def test_what_aws_cannot_do_is_refused(cluster: Cluster, zoned: Any) -> None:
    with pytest.raises(LabError, match="crash-loop: a machine that is replaced does not boot again"):
        injecting.require_able(zoned, cluster, faults.plan(cluster.nodes[:1], FaultKind.CRASH_LOOP, {}))
    aws: Any = AwsProvider()
    with pytest.raises(LabError, match="pause: the provider aws cannot freeze its machines"):
        faults.FAULTS[FaultKind.PAUSE].require_able(Scene(aws, cluster, cluster.nodes[0], {}))
    refused = {kind.value for kind, fault in faults.FAULTS.items() if not fault.is_for(aws)}
    assert refused == {
        *("pause", "crash-loop", "isolate", "partition", "bandwidth", "loss", "delay", "duplicate", "lose-disk"),
        *("slow-disk", "cpu-quota", "memory-limit", "task-limit", "clock-skew"),
    }
    with pytest.raises(UsageError, match="aws: this provider takes no snapshots"):
        snapshots.able(aws)
    with pytest.raises(LabError):
        before.able(aws)


def test_zones_are_named(cluster: Cluster, zoned: Any, paper: Any) -> None:
    with pytest.raises(UsageError, match="az:c: no node of cluster core runs in that zone .there is: az:a, az:b."):
        targets.target_nodes(cluster, zoned, "az:c")
    with pytest.raises(UsageError, match="az:a: the provider paper has no zones"):
        targets.target_nodes(cluster, paper, "az:a")
    with pytest.raises(LabError, match="zone: the provider paper has no zones"):
        injecting.require_able(paper, cluster, faults.plan(cluster.nodes[:1], FaultKind.ZONE, {}))


def test_a_zone_fails_as_a_whole() -> None:
    assert targets.usual_fault(["az:a"]) == "zone"
    assert targets.usual_fault(["az:a", "core-02"]) == targets.usual_fault([]) == "kill"
    with pytest.raises(UsageError, match="core-02: a zone fails as a whole"):
        targets.require_whole_zones(Step(("az:a", "core-02"), FaultKind.ZONE))
    targets.require_whole_zones(Step(("az:a",), FaultKind.ZONE))
    targets.require_whole_zones(Step(("core-02",), FaultKind.KILL))


@pytest.mark.parametrize("kind", [FaultKind.KILL, FaultKind.HALT])
def test_a_machine_in_place_of_a_lost_one_is_not_lost_too(
    cluster: Cluster, zoned: Any, monkeypatch: pytest.MonkeyPatch, kind: FaultKind
) -> None:
    """Healing was interrupted while the new machine booted: it does not say yet which boot that is."""
    cluster = zoned.placed(cluster)
    fault_journal.record(cluster, kind, "core-02", before="i-2 boot")
    zoned.machine["core-02"] = 12

    def silent(_cluster: Cluster, node: Node) -> str:
        raise UnknownError(f"{node.name}: is not reached over SSH")

    monkeypatch.setattr(zoned, "boot_id", silent, raising=False)
    healing.heal(zoned, cluster, fault_journal.open_faults(cluster))
    assert f"{kind.value} core-02" not in zoned.done
    assert fault_journal.open_faults(cluster) == []
