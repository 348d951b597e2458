"""A node that is powered on, and one whose boot has failed."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from coreos_lab import interrupts, run
from coreos_lab.containers import layers
from coreos_lab.model import Cluster, NodeState
from coreos_lab.providers.nspawn import cgroup, limits, power, resolver, user_ids
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


def test_a_node_that_is_being_powered_on_is_on_record_before_an_interruption_takes_effect(
    planned: Callable[..., Cluster], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Else the repair after it would take the node for one that is off, and power it on a second time."""
    cluster = planned()
    looks: list[bool] = []
    monkeypatch.setattr(interrupts, "come", threading.Event())
    monkeypatch.setattr(power, "_root_tree", lambda _image: tmp_path)
    monkeypatch.setattr(power, "_require_space", lambda _folder: None)
    monkeypatch.setattr(layers, "preload", lambda _docker: None)
    monkeypatch.setattr(user_ids, "of_node", lambda *_args: 65536)
    monkeypatch.setattr(resolver, "for_node", lambda *_args: tmp_path / "resolv.conf")
    monkeypatch.setattr(run, "systemd_is_init", lambda: False)
    monkeypatch.setattr(cgroup, "make", lambda *_args: (tmp_path, []))
    monkeypatch.setattr(limits, "start_with", lambda *_args: None)
    monkeypatch.setattr(power, "launch_arguments", lambda *_args, **_options: [])
    monkeypatch.setattr(power, "nspawn_arguments", lambda *_args, **_options: [])
    monkeypatch.setattr(power, "state", lambda *_args: NodeState.STOPPED)
    monkeypatch.setattr(run, "spawn", lambda *_args, **_options: interrupts.come.set())

    def populated(_path: object) -> bool:
        looks.append(True)
        return len(looks) > 1

    monkeypatch.setattr(cgroup, "populated", populated)
    with ThreadPoolExecutor() as pool:  # as a provider's start() does
        pool.submit(power.start, cluster, cluster.nodes[0], None).result(timeout=10)
    assert len(looks) == 2
