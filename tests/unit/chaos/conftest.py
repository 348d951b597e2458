"""A cluster of machines of paper."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from coreos_lab.chaos import machine
from coreos_lab.cluster import mirror
from coreos_lab.model import Cluster, NodeState
from coreos_lab.observed import ready
from tests.unit.chaos.paper_machines import Paper


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
