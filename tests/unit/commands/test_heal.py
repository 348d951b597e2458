"""What `lab heal` puts right without a fault on record."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from coreos_lab import run
from coreos_lab.clients import ssh
from coreos_lab.commands import heal as command
from coreos_lab.model import Cluster, Node, NodeState
from coreos_lab.observed import membership, node_states
from coreos_lab.records import store


def test_a_docker_that_a_killed_deployment_left_stopped(
    planned: Callable[..., Cluster], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cluster = planned()
    store.save(cluster)
    folder = store.ClusterFolder("core").docker_stopped
    folder.mkdir(parents=True)
    (folder / "core-02").touch()
    provider: Any = None
    monkeypatch.setattr(command, "choose", lambda _name: provider)
    monkeypatch.setattr(node_states, "of", lambda *_args: {node.name: NodeState.RUNNING for node in cluster.nodes})
    monkeypatch.setattr(membership, "listed", lambda *_args: None)

    def ask(_cluster: Cluster, _node: Node, argv: Sequence[str]) -> run.Completed:
        return run.Completed(tuple(argv), 0, "", "")

    monkeypatch.setattr(ssh, "ask", ask)
    command.heal("core", as_json=False)
    assert capsys.readouterr().out == ("Docker is started, which an interrupted deployment had left stopped: core-02\n")
    command.heal("core", as_json=False)
    assert "nothing to heal" in capsys.readouterr().out
