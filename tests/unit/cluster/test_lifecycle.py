"""Bringing a cluster up that is there already."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

import pytest

from coreos_lab.clients import ssh
from coreos_lab.cluster import joining, lifecycle, mirror, preloading
from coreos_lab.errors import LabError, UnknownError
from coreos_lab.model import Cluster, FaultKind, Leftovers, Node, NodeState
from coreos_lab.observed import inventory, node_states, ready
from coreos_lab.providers.base import Provider
from coreos_lab.records import fault_journal, identity, store


class Cables:
    """A provider whose nodes all run."""

    name = "paper"
    boot_deadline = 90.0
    boots_at_once: int | None = None

    def __getattr__(self, _name: str) -> Callable[..., None]:
        return lambda *_args: None

    def state(self, _cluster: Cluster, _node: Node) -> NodeState:
        return NodeState.RUNNING

    def has_disks(self, _cluster: Cluster, _node: Node) -> bool:
        return True


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was done, in that order."""
    noted: list[str] = []

    def waits(_cluster: Cluster, nodes: Sequence[Node], _provider: Provider, **_options: float) -> None:
        noted.append("wait " + " ".join(node.name for node in nodes))

    monkeypatch.setattr(node_states, "of", lambda cluster, _p: {n.name: NodeState.RUNNING for n in cluster.nodes})
    monkeypatch.setattr(ready, "wait_for_nodes", waits)
    monkeypatch.setattr(mirror, "run_mirror", lambda _cluster: noted.append("mirror"))
    monkeypatch.setattr(inventory, "write", lambda _now: noted.append("inventory"))
    return noted


def test_nodes_that_run_are_still_waited_for(planned: Callable[..., Cluster], done: list[str]) -> None:
    """An `up` that was killed after it had started them leaves nodes that run and do not serve yet."""
    assert lifecycle.bring_up(planned(), cast(Provider, Cables())) == lifecycle.Brought()
    assert done == ["inventory", "wait core-01 core-02 core-03", "mirror", "inventory"]


def test_what_belongs_to_the_network_is_made_whole_where_all_nodes_run(
    planned: Callable[..., Cluster], done: list[str]
) -> None:
    class Relayed(Cables):
        """Whoever hands its nodes' questions for names on has ended."""

        def create_network(self, cluster: Cluster) -> None:
            assert store.ClusterFolder(cluster.name).identity, "what is made is known by it"
            done.append("network")

    lifecycle.bring_up(planned(), cast(Provider, Relayed()))
    assert done[0] == "network"


def test_a_docker_that_was_left_stopped_is_started_before_it_is_waited_for(
    planned: Callable[..., Cluster], done: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = planned()
    folder = store.ClusterFolder(cluster.name).docker_stopped
    folder.mkdir(parents=True)
    (folder / "core-02").touch()
    monkeypatch.setattr(ssh, "ask", lambda _cluster, node, argv: done.append(f"{node.name}: {' '.join(argv)}"))
    lifecycle.bring_up(cluster, cast(Provider, Cables()))
    assert done[1:3] == ["core-02: sudo systemctl start docker.socket", "wait core-01 core-02 core-03"]


def test_what_was_put_right_is_said_although_no_node_was_started(
    planned: Callable[..., Cluster], done: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A node that cannot be reached was not made a member again."""
    del done
    cluster = planned()

    def waits(_cluster: Cluster, nodes: Sequence[Node], _provider: Provider, **options: Any) -> None:
        assert [options["rejoin"](node) is None for node in nodes] == [True, False, False]

    monkeypatch.setattr(joining, "rejoin", lambda _c, _p, node: None if node.name == "core-01" else print)
    monkeypatch.setattr(ready, "wait_for_nodes", waits)
    monkeypatch.setattr(preloading, "start_stopped", lambda *_args: ["core-02"])
    brought = lifecycle.bring_up(cluster, cast(Provider, Cables()))
    assert brought.started == ()
    assert brought.words == (
        "Docker of core-02 is started; core-02 is a member of etcd again; core-03 is a member of etcd again"
    )


def test_the_plan_is_removed_last(
    planned: Callable[..., Cluster], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Who is killed meanwhile leaves a cluster that can be destroyed, and no folder that looks like the next one's."""
    cluster = planned()
    store.save(cluster)
    folder = store.ClusterFolder(cluster.name)
    identity.ensure_token(folder)
    fault_journal.record(cluster, FaultKind.ISOLATE, "core-03")
    (folder.deployed / "ch3.units").mkdir(parents=True)
    (tmp_path / "large disk").mkdir()
    folder.snapshots.symlink_to(tmp_path / "large disk")

    class Gone(Cables):
        def leftovers(self, _cluster: Cluster) -> Leftovers:
            return Leftovers([], [])

    whole = shutil.rmtree

    def killed(path: Path, **options: Any) -> None:
        if path == folder.path:
            raise KeyboardInterrupt
        whole(path, **options)

    monkeypatch.setattr(mirror, "stop_mirror", lambda _cluster: None)
    monkeypatch.setattr(shutil, "rmtree", killed)
    with pytest.raises(KeyboardInterrupt):
        lifecycle.take_down(cluster, cast(Provider, Gone()))
    assert list(folder.path.iterdir()) == [folder.plan]


def test_one_that_is_broken_on_purpose_is_left_to_heal(planned: Callable[..., Cluster], done: list[str]) -> None:
    cluster = planned()
    fault_journal.record(cluster, FaultKind.ISOLATE, "core-03")
    lifecycle.bring_up(cluster, cast(Provider, Cables()))
    assert done[1] == "wait core-01 core-02"


def test_a_node_whose_boot_has_failed_is_started_anew(
    planned: Callable[..., Cluster], done: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = planned()
    states = {node.name: NodeState.RUNNING for node in cluster.nodes}
    fault_journal.record(cluster, FaultKind.ISOLATE, "core-01")

    class Frozen(Cables):
        """Two nodes are stuck, one of which is broken on purpose."""

        def stuck(self, _cluster: Cluster, node: Node) -> bool:
            return node.name in ("core-01", "core-02")

        def kill(self, _cluster: Cluster, node: Node) -> None:
            states[node.name] = NodeState.STOPPED

    monkeypatch.setattr(node_states, "of", lambda _cluster, _provider: dict(states))
    monkeypatch.setattr(ready, "port_open", lambda _address, _port: False)
    assert [node.name for node in lifecycle.bring_up(cluster, cast(Provider, Frozen())).started] == ["core-02"]
    assert done[1] == "wait core-02 core-03"
    states["core-02"] = NodeState.RUNNING
    monkeypatch.setattr(ready, "port_open", lambda _address, _port: True)
    assert lifecycle.bring_up(cluster, cast(Provider, Frozen())) == lifecycle.Brought(), (
        "etcd is there: nobody looks further"
    )


class Emptied:
    """A provider of which nothing is left but what it is told to find."""

    def __init__(self, left: Leftovers) -> None:
        self.left = left

    def destroy(self, *_: object) -> None: ...

    def destroy_network(self, *_: object) -> None: ...

    def leftovers(self, _cluster: Cluster) -> Leftovers:
        return self.left


@pytest.mark.parametrize(
    ("left", "error", "folder_stays"),
    [
        (Leftovers([], []), None, False),
        (Leftovers(["interface lab0"], ["nftables: no"]), LabError, True),
        (Leftovers([], ["nftables: no"]), UnknownError, False),
    ],
)
def test_not_seen_is_not_gone(
    planned: Callable[..., Cluster], left: Leftovers, error: type[LabError] | None, *, folder_stays: bool
) -> None:
    cluster = planned()
    store.save(cluster)
    try:
        lifecycle.take_down(cluster, Emptied(left))  # type: ignore[arg-type]
    except LabError as raised:
        assert type(raised) is error
        assert "could not look at nftables: no" in raised.details
    else:
        assert error is None
    assert store.ClusterFolder("core").path.exists() == folder_stays
