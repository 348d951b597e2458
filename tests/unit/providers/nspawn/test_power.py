"""A node whose boot has failed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from coreos_lab import run
from coreos_lab.model import Cluster
from coreos_lab.providers.nspawn import cgroup
from coreos_lab.providers.nspawn.provider import NspawnProvider


@pytest.mark.parametrize(("leader", "code", "stuck"), [(7, 0, True), (7, 1, False), (7, 124, True), (None, 0, False)])
def test_a_node_whose_boot_has_failed_is_stuck(
    planned: Callable[..., Cluster], monkeypatch: pytest.MonkeyPatch, leader: int | None, code: int, *, stuck: bool
) -> None:
    def answer(argv: list[str], **_options: object) -> run.Completed:
        assert argv[:3] == ["nsenter", "--target=7", "--all"]
        done = run.Completed(tuple(argv), code, "", "")
        if code == 124:
            raise run.CommandError(done)  # no answer
        return done

    monkeypatch.setattr(cgroup, "recorded", lambda _folder: Path("/cgroup"))
    monkeypatch.setattr(cgroup, "leader", lambda _path: leader)
    monkeypatch.setattr(run, "run", answer)
    cluster = planned()
    assert NspawnProvider().stuck(cluster, cluster.nodes[0]) is stuck
