"""Layers that are entered into a node's Docker while it is stopped, and that it always runs again."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from coreos_lab import run
from coreos_lab.cluster import mirror, preloading
from coreos_lab.containers import layers
from coreos_lab.model import Cluster, Node, NodeState
from coreos_lab.observed import node_states
from coreos_lab.records import store

Planned = Callable[..., Cluster]
MISSING = layers.Layer("sha256:chain", "sha256:diff", 100, "layer")


class PaperNode:
    """The provider of one node whose Docker may be stopped to be given layers, and what becomes of it.

    `stopping` and `starting` are the exit codes of the calls that do so, None for one that does not end.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, stopping: int | None = 0, starting: int | None = 0) -> None:
        self.done: list[str] = []
        self.starting = starting

        def on_node(argv: list[str], **options: Any) -> run.Completed:
            stops = "docker ps" in argv[-1]
            self.done.append("stop" if stops else "start")
            code = stopping if stops else self.starting
            done = run.Completed(tuple(argv), 124 if code is None else code, "", "")
            if code is None or (code and options["check"]):
                raise run.CommandError(done)
            return done

        monkeypatch.setattr(run, "run", on_node)
        monkeypatch.setattr(layers, "missing", lambda _docker: [MISSING])
        monkeypatch.setattr(layers, "preload", lambda _docker: self.done.append("preload"))

    def docker_data(self, _cluster: Cluster, node: Node) -> Path | None:
        return Path("docker") if node.name == "core-01" else None

    def state(self, *_args: object) -> NodeState:
        return NodeState.RUNNING


@pytest.fixture
def cluster(planned: Planned) -> Cluster:
    store.save(planned())
    return planned()


def on_record(cluster: Cluster) -> list[str]:
    """The nodes whose Docker may be stopped."""
    folder = store.ClusterFolder(cluster.name).docker_stopped
    return [path.name for path in folder.iterdir()] if folder.exists() else []


def states(cluster: Cluster, state: NodeState = NodeState.RUNNING) -> dict[str, NodeState]:
    return {node.name: state for node in cluster.nodes}


@pytest.mark.parametrize(
    ("stopping", "done"),
    [(0, ["stop", "preload", "start"]), (1, ["stop"]), (255, ["stop", "start"]), (None, ["stop", "start"])],
)
def test_docker_runs_again_whatever_became_of_the_call_that_stopped_it(
    stopping: int | None, done: list[str], cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    node: Any = PaperNode(monkeypatch, stopping)
    preloading.preload(cluster, node, {MISSING.diff})
    assert (node.done, on_record(cluster)) == (done, [])


def test_docker_is_not_stopped_for_what_another_cluster_has_had_built(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    node: Any = PaperNode(monkeypatch)
    preloading.preload(cluster, node, {"sha256:other"})
    assert node.done == []


def test_the_next_deployment_starts_a_docker_that_a_killed_one_has_left_stopped(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    node: Any = PaperNode(monkeypatch)
    on_node = run.run

    class Killed(BaseException):
        """SIGKILL: nothing is done after it."""

    def killed(*_args: object, **_options: object) -> None:
        assert on_record(cluster) == ["core-01"]
        monkeypatch.setattr(run, "run", killed)
        raise Killed

    monkeypatch.setattr(layers, "preload", killed)
    with pytest.raises(Killed):
        preloading.preload(cluster, node, {MISSING.diff})
    monkeypatch.setattr(run, "run", on_node)
    monkeypatch.setattr(node_states, "of", lambda cluster, _provider: states(cluster))
    monkeypatch.setattr(mirror, "run_mirror", lambda _cluster: None)
    for _ in range(2):
        mirror.provide(cluster, node, {})
        assert (node.done, on_record(cluster)) == (["stop", "start"], [])


@pytest.mark.parametrize("starting", [1, 255, None])
def test_a_docker_that_could_not_be_started_stays_on_record(
    starting: int | None, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    node: Any = PaperNode(monkeypatch, stopping=0, starting=starting)
    with pytest.raises(run.CommandError):
        preloading.preload(cluster, node, {MISSING.diff})
    preloading.start_stopped(cluster, states(cluster))
    assert on_record(cluster) == ["core-01"]
    node.starting = 0
    preloading.start_stopped(cluster, states(cluster))
    assert on_record(cluster) == []


def test_a_node_that_is_off_starts_its_docker_by_itself(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    node: Any = PaperNode(monkeypatch, starting=1)
    with pytest.raises(run.CommandError):
        preloading.preload(cluster, node, {MISSING.diff})
    preloading.start_stopped(cluster, states(cluster, NodeState.STOPPED))
    assert (node.done[3:], on_record(cluster)) == ([], [])


@pytest.mark.parametrize(("docker", "stopped"), [("exit 1", False), ("echo c0ffee", False), ("exit 0", True)])
def test_a_docker_that_does_not_answer_is_not_idle(docker: str, stopped: bool, tmp_path: Path) -> None:
    for name, does in (("docker", docker), ("sudo", 'echo "$@"')):
        (tmp_path / name).write_text(f"#!/bin/sh\n{does}\n")
        (tmp_path / name).chmod(0o755)
    path = f"{tmp_path}:{os.environ['PATH']}"
    called = run.run(["sh", "-c", preloading.STOP_IF_IDLE], check=False, env={"PATH": path})
    assert (called.returncode == 0, "systemctl stop" in called.stdout) == (stopped, stopped)
