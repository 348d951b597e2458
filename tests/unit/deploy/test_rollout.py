"""A rollout as its run's record sees it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from coreos_lab.deploy.rollout import Rollout
from coreos_lab.model import Cluster, Lab
from coreos_lab.observed import node_states
from coreos_lab.observed.standing import Standing


def test_units_that_do_not_run_everywhere_are_late(
    planned: Callable[..., Cluster], made_lab: Callable[..., Lab], monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.setattr(node_states, "require_running", lambda cluster, _provider: list(cluster.nodes))
    for name in "abc":
        (tmp_path / f"{name}.service").write_text("[Service]\nExecStart=/bin/true\n")
    provider: Any = None
    rollout = Rollout(planned(), provider, made_lab("mine", "a.service", "b.service", "c.service"))
    assert rollout.late == [], "nothing was looked at"
    rollout._picture.standings = {
        ("c.service", "core-02"): Standing.COMING,
        ("c.service", "core-01"): Standing.FAILED,
        ("b.service", "core-01"): Standing.UP,
        ("a.service", "core-03"): Standing.FAILED,
        ("a.service", "core-01"): Standing.UP,
    }
    assert rollout.late == ["a.service", "c.service"]
