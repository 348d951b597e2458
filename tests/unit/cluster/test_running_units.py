"""The wait for units after a change of the nodes starts what fleet has left idle."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from types import SimpleNamespace

import pytest

from coreos_lab.clients import ssh
from coreos_lab.clients.fleet import Machine, Unit, UnitState
from coreos_lab.cluster import running_units
from coreos_lab.model import Cluster, Node
from coreos_lab.observed import unit_states
from coreos_lab.observed.unit_states import Look, NodeUnit


@pytest.mark.parametrize(("current", "started"), [("launched", True), ("loaded", False)])
def test_a_unit_that_fleet_left_idle_is_started(
    current: str, started: bool, planned: Callable[..., Cluster], monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = planned(nodes=1)
    node = cluster.nodes[0]
    calls: list[str] = []
    now = [0.0]
    side = Unit("side.service", "launched", current, "m1", ())
    fleet = SimpleNamespace(
        units=lambda: [side],
        states=lambda: [UnitState("side.service", "m1", "loaded", "inactive", "dead", side.hash)],
        machines=lambda: [Machine("m1", node.address, {})],
    )

    idle = NodeUnit("side.service", "loaded", "inactive", "dead", "simple", hash=side.hash)
    runs = NodeUnit("side.service", "loaded", "active", "running", "simple", "run1", side.hash)

    def look(_cluster: Cluster, _nodes: Sequence[Node], _names: Sequence[str]) -> Look:
        now[0] += 1.0
        late = now[0] > 20  # by itself, at last: the test must end where nothing is started too
        return {node.name: {"side.service": runs if calls or late else idle}}

    def ask(_cluster: Cluster, on: Node, call: Sequence[str]) -> None:
        calls.append(f"{on.name}: {' '.join(call)}")

    monkeypatch.setattr(running_units, "Fleet", lambda _addresses: fleet)
    monkeypatch.setattr(unit_states, "look", look)
    monkeypatch.setattr(ssh, "ask", ask)
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    monkeypatch.setattr(time, "sleep", lambda _seconds: None)

    assert running_units.wait_for(cluster, ["side.service"]) == {}
    assert calls == ["core-01: sudo systemctl start --no-block side.service"] * started


@pytest.mark.parametrize("comes_back", [True, False])
def test_a_unit_waits_for_a_machine_that_fleet_does_not_list_yet(
    comes_back: bool, planned: Callable[..., Cluster], monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = planned(nodes=2)
    now, listed = [0.0], [Machine("m1", cluster.nodes[0].address, {})]
    first = Unit("web@1.service", "launched", "launched", "m1", (("X-Fleet", "Conflicts", "web@*.service"),))
    second = Unit("web@2.service", "launched", "inactive", "", first.options)

    def units() -> list[Unit]:
        now[0] += 1.0
        if now[0] < 60 or not comes_back:
            return [first, second]
        listed[1:] = [Machine("m2", cluster.nodes[1].address, {})]
        return [first, Unit("web@2.service", "launched", "launched", "m2", first.options)]

    def look(_cluster: Cluster, nodes: Sequence[Node], _names: Sequence[str]) -> Look:
        runs = {"core-01": "web@1.service", "core-02": "web@2.service"}
        return {
            node.name: {
                runs[node.name]: NodeUnit(runs[node.name], "loaded", "active", "running", "simple", "r", first.hash)
            }
            for node in nodes
        }

    fleet = SimpleNamespace(units=units, states=list, machines=lambda: list(listed))
    monkeypatch.setattr(running_units, "Fleet", lambda _addresses: fleet)
    monkeypatch.setattr(unit_states, "look", look)
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    monkeypatch.setattr(time, "sleep", lambda _seconds: None)

    stranded = running_units.wait_for(cluster, ["web@1.service", "web@2.service"])
    assert set(stranded) == (set() if comes_back else {"web@2.service"})
    assert now[0] >= (60 if comes_back else 90)
