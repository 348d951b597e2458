"""What is seen of units while something is broken."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from coreos_lab.chaos.observer import Observer
from coreos_lab.clients.fleet import Fleet, Machine, UnitState
from coreos_lab.model import Cluster


def test_a_unit_has_a_place_on_each_machine_that_runs_it(
    planned: Callable[..., Cluster], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    cluster = planned()
    machines = [Machine(f"id-{node.name}", node.address, {}) for node in cluster.nodes]
    states = [UnitState("agent.service", machine.id, "loaded", "active", "running") for machine in machines]
    states.append(UnitState("web.service", "id-core-02", "loaded", "activating", "start"))
    monkeypatch.setattr(Fleet, "machines", lambda _self: machines)
    monkeypatch.setattr(Fleet, "states", lambda _self: states)
    observer = Observer(cluster)
    observer._look_at_units()
    states.reverse()
    observer._look_at_units()
    observer.record(tmp_path / "units.jsonl")
    (line,) = (tmp_path / "units.jsonl").read_text().splitlines()
    assert json.loads(line)["units"] == {
        "agent.service": [[f"core-0{number}", "active", "running"] for number in (1, 2, 3)],
        "web.service": [["core-02", "activating", "start"]],
    }
