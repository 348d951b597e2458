"""Bringing a cluster up that is there already."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import cast

import pytest

from coreos_lab import cluster as doing
from coreos_lab import mirror, node_states, ready
from coreos_lab.chaos import journal
from coreos_lab.clients import ssh
from coreos_lab.model import Cluster, FaultKind, Node, NodeState
from coreos_lab.providers.base import Provider


class Cables:
    """A provider whose nodes all run."""

    name = "paper"
    boot_deadline = 90.0

    def __getattr__(self, _name: str) -> Callable[..., None]:
        return lambda *_args: None

    def state(self, _cluster: Cluster, _node: Node) -> NodeState:
        return NodeState.RUNNING


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was done, in that order."""
    noted: list[str] = []

    def waits(_cluster: Cluster, nodes: Sequence[Node], _provider: Provider, **_options: float) -> None:
        noted.append("wait " + " ".join(node.name for node in nodes))

    monkeypatch.setattr(node_states, "of", lambda cluster, _p: {n.name: NodeState.RUNNING for n in cluster.nodes})
    monkeypatch.setattr(ready, "wait_for_nodes", waits)
    monkeypatch.setattr(mirror, "run_mirror", lambda _cluster: noted.append("mirror"))
    monkeypatch.setattr(ssh, "write_config", lambda *_args: noted.append("ssh config"))
    return noted


def test_nodes_that_run_are_still_waited_for(planned: Callable[..., Cluster], done: list[str]) -> None:
    """An `up` that was killed after it had started them leaves nodes that run and do not serve yet."""
    assert doing.bring_up(planned(), cast(Provider, Cables())) == []
    assert done == ["wait core-01 core-02 core-03", "mirror", "ssh config"]


def test_one_that_is_broken_on_purpose_is_left_to_heal(planned: Callable[..., Cluster], done: list[str]) -> None:
    cluster = planned()
    journal.record(cluster, FaultKind.ISOLATE, "core-03")
    doing.bring_up(cluster, cast(Provider, Cables()))
    assert done[0] == "wait core-01 core-02"
