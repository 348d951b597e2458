"""Nodes that share the host's processors boot a few at a time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

import pytest

from coreos_lab.cluster import waves
from coreos_lab.model import Cluster, Node
from coreos_lab.observed import ready
from coreos_lab.providers.base import Provider


class Host:
    """A provider whose nodes boot for a moment, and what was started by it, in order."""

    boot_deadline = 90.0

    def __init__(self, boots_at_once: int | None) -> None:
        self.boots_at_once = boots_at_once
        self.started: list[list[str]] = []
        self.most = 0
        self._booting = 0
        self._lock = threading.Lock()

    def start(self, _cluster: Cluster, nodes: Sequence[Node], _user_data: object) -> None:
        self.started.append([node.name for node in nodes])
        with self._lock:
            self._booting += sum(not node.member for node in nodes)
            self.most = max(self.most, self._booting)

    def boot(self, _cluster: Cluster, node: Node, _provider: Provider, _end: float) -> None:
        time.sleep(0.002 * (int(node.name[-1]) + 1))
        with self._lock:
            self._booting -= 1


def start(host: Host, cluster: Cluster) -> tuple[Node, ...]:
    return waves.start(cluster, cluster.nodes, cast(Provider, host), lambda node: Path(node.name))


@pytest.fixture
def many(planned: Callable[..., Cluster]) -> Cluster:
    return planned(nodes=30)


def test_no_more_boot_at_a_time_than_the_host_takes(many: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    host = Host(4)
    monkeypatch.setattr(ready, "boot", host.boot)
    booted = start(host, many)
    assert host.started[0] == [node.name for node in many.members], "the others' boots need the members' majority"
    assert [name for wave in host.started for name in wave] == [node.name for node in many.nodes]
    assert host.most == 4
    assert set(booted) == {node for node in many.nodes if not node.member}


@pytest.mark.parametrize("most", [30, None])
def test_few_nodes_start_together_and_are_not_waited_for(
    many: Cluster, monkeypatch: pytest.MonkeyPatch, most: int | None
) -> None:
    host = Host(most)
    monkeypatch.setattr(ready, "boot", host.boot)
    assert start(host, many) == ()
    assert host.started == [[node.name for node in many.nodes]]


def test_a_node_that_cannot_boot_ends_it(many: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    host = Host(4)

    def boot(*arguments: Any) -> None:
        if arguments[1].name == "core-08":
            raise ready.NodeNotReadyError("core-08: its machine stopped while it booted")
        host.boot(*arguments)

    monkeypatch.setattr(ready, "boot", boot)
    with pytest.raises(ready.NodeNotReadyError, match="core-08"):
        start(host, many)
    assert "core-30" not in [name for wave in host.started for name in wave]
