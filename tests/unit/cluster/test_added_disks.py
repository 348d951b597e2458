"""Nodes that lack a disk are restarted one by one; one that is broken on purpose is not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import pytest

from coreos_lab.clients import ssh
from coreos_lab.cluster import added_disks
from coreos_lab.errors import LabError
from coreos_lab.model import Cluster, FaultKind, Node, NodeState
from coreos_lab.observed import ready
from coreos_lab.observed.observation import observe
from coreos_lab.providers.base import DiskProvider, Provider
from coreos_lab.records import fault_journal


class Disks:
    """A provider whose nodes get their disks as they start."""

    boot_deadline = 1.0
    boots_at_once: int | None = None

    def __init__(self, lacking: set[str]) -> None:
        self.lacking, self.halted, self.done = lacking, set[str](), list[str]()

    def state(self, _cluster: Cluster, node: Node) -> NodeState:
        return NodeState.STOPPED if node.name in self.halted else NodeState.RUNNING

    def has_disks(self, _cluster: Cluster, node: Node) -> bool:
        return node.name not in self.lacking

    def halt(self, _cluster: Cluster, node: Node) -> None:
        self.halted.add(node.name)
        self.done.append(f"halt {node.name}")

    def start(self, _cluster: Cluster, nodes: list[Node], _user_data: object) -> None:
        self.halted -= {node.name for node in nodes}
        self.lacking -= {node.name for node in nodes}
        self.done.append(f"start {nodes[0].name}")

    def __getattr__(self, name: str) -> Any:
        return lambda *_args: None


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Disks]:
    def make(*lacking: str) -> Disks:
        disks = Disks(set(lacking))
        monkeypatch.setattr(ssh, "forget", lambda _cluster, _node=None: None)
        monkeypatch.setattr(
            ready, "wait_for_nodes", lambda _cluster, nodes, *_args, **_kw: disks.done.append(f"wait {nodes[0].name}")
        )
        assert isinstance(disks, DiskProvider)
        return disks

    return make


def test_each_is_restarted_once_the_one_before_serves(
    planned: Callable[..., Cluster], made: Callable[..., Disks]
) -> None:
    cluster, disks = planned(disks=1), made("core-01", "core-03")
    given = added_disks.give(observe(cluster, cast(Provider, disks)), cast(Provider, disks))
    assert [node.name for node in given] == ["core-01", "core-03"]
    assert disks.done == [f"{act} core-0{number}" for number in (1, 3) for act in ("halt", "start", "wait")]
    assert added_disks.give(observe(cluster, cast(Provider, disks)), cast(Provider, disks)) == []


def test_one_that_is_broken_on_purpose_stops_it_before_anything_is_done(
    planned: Callable[..., Cluster], made: Callable[..., Disks]
) -> None:
    cluster, disks = planned(disks=1), made("core-01", "core-02")
    fault_journal.record(cluster, FaultKind.ISOLATE, "core-02")
    with pytest.raises(LabError, match="core-02: is broken"):
        added_disks.give(observe(cluster, cast(Provider, disks)), cast(Provider, disks))
    assert disks.done == []
