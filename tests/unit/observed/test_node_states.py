"""Which nodes run, as the provider tells."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import pytest

from coreos_lab.errors import LabError
from coreos_lab.model import Cluster, Node, NodeState
from coreos_lab.observed import node_states
from coreos_lab.providers.base import Provider

Planned = Callable[..., Cluster]


class Told:
    """A provider that only knows states."""

    def __init__(self, **known: NodeState) -> None:
        self._known = known

    def state(self, _cluster: Cluster, node: Node) -> NodeState:
        return self._known.get(node.name.replace("-", "_"), NodeState.ABSENT)


def told(**known: NodeState) -> Provider:
    return cast("Provider", Told(**known))


def test_only_those_that_run(planned: Planned) -> None:
    provider = told(core_01=NodeState.RUNNING, core_02=NodeState.PAUSED)
    assert [node.name for node in node_states.running(planned(), provider)] == ["core-01"]
    assert [node.name for node in node_states.require_running(planned(), provider)] == ["core-01"]
    assert list(node_states.of(planned(), provider).values()) == ["running", "paused", "absent"]


def test_none_that_runs_is_said_so(planned: Planned) -> None:
    with pytest.raises(LabError, match="core: none of its nodes runs") as refused:
        node_states.require_running(planned(), told(core_01=NodeState.STOPPED))
    assert "lab up" in refused.value.hint
