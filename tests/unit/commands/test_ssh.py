"""What `lab ssh` says to a call that is not right."""

from __future__ import annotations

from collections.abc import Callable
from unittest.mock import Mock

import pytest

from coreos_lab.commands.ssh import _with_name_first
from coreos_lab.commands.targets import target_node
from coreos_lab.errors import LabError, UsageError
from coreos_lab.model import Cluster
from coreos_lab.observed import node_states, unit_places
from coreos_lab.observed.unit_states import NodeUnit
from coreos_lab.records import store


@pytest.mark.parametrize(
    ("args", "meant"),
    [
        (["--name", "big", "--", "ls", "-l"], "lab ssh --name big core-07 -- ls -l"),
        (["--name=big", "uptime"], "lab ssh --name big core-07 -- uptime"),
        (["--name", "big"], "lab ssh --name big core-07"),
        (["--name"], "lab ssh core-07"),
    ],
)
def test_a_name_behind_the_node_is_put_before_it(args: list[str], meant: str) -> None:
    assert _with_name_first("core-07", args) == meant


def test_a_node_that_is_not_there(planned: Callable[..., Cluster]) -> None:
    with pytest.raises(UsageError) as refused:
        store.require_node(planned(), "core-09")
    assert "core-09: no such node in cluster core (there is: core-01, core-02, core-03)" in refused.value.message
    assert refused.value.hint == "'lab status' shows them"


def test_a_unit_that_is_up_nowhere_has_a_machine_to_look_at_and_none_to_break(
    planned: Callable[..., Cluster], monkeypatch: pytest.MonkeyPatch
) -> None:
    """systemd waits before it starts it again, or it has failed: that is where somebody wants to look."""
    cluster = planned()
    failed = NodeUnit("web@2.service", active="activating")
    monkeypatch.setattr(node_states, "running", lambda _cluster, _provider: list(cluster.nodes))
    monkeypatch.setattr(unit_places, "of", lambda _cluster, nodes, _unit: [(nodes[1], failed)])
    assert target_node(cluster, Mock(), "unit:web@2", up=False).name == "core-02"
    with pytest.raises(LabError, match=r"web@2\.service: no machine runs that unit"):
        target_node(cluster, Mock(), "unit:web@2")
