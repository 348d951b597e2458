"""Whether a cluster is there: how long fleet is waited for, and what is said meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from coreos_lab import events, run, wait
from coreos_lab.clients.http import CannotCheckError
from coreos_lab.model import CloudConfig, Cluster, Node
from coreos_lab.observed import ready
from coreos_lab.observed.last_words import last_words
from coreos_lab.providers.base import Provider

NO_PROVIDER = cast(Provider, None)


class LateFleet:
    """A fleetd that does not serve before a moment."""

    serves_at = 0.0

    def __init__(self, addresses: list[str], **_options: float) -> None:
        self.addresses = addresses

    def machines(self) -> list[SimpleNamespace]:
        if time.monotonic() < LateFleet.serves_at:
            raise CannotCheckError("fleetd answers 503")
        return [SimpleNamespace(address=address) for address in self.addresses]


@pytest.fixture
def booted(planned: Callable[..., Cluster], monkeypatch: pytest.MonkeyPatch) -> Cluster:
    """A cluster whose nodes and etcd are there, and fleet after 0.6 s."""
    monkeypatch.setattr(ready, "boot", lambda *_: None)
    monkeypatch.setattr(ready, "_etcd", lambda *_: None)
    monkeypatch.setattr(ready, "Fleet", LateFleet)
    monkeypatch.setattr(LateFleet, "serves_at", time.monotonic() + 0.6)
    return planned()


def wait_for(cluster: Cluster, deadline: float) -> list[str]:
    said: list[str] = []

    def sink(event: events.Event) -> None:
        said.extend([event.message] if event.kind == "note" else [])

    with events.listening(sink):
        ready.wait_for_nodes(cluster, cluster.nodes, NO_PROVIDER, deadline=deadline)
    return said


def test_fleet_may_come_as_late_as_it_asks_its_etcd_again(booted: Cluster) -> None:
    assert wait_for(booted, 0.1) == []


def test_why_fleet_is_waited_for_is_said_once(booted: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ready, "FLEET_IS_LATE", 0.2)
    assert wait_for(booted, 0.1) == ["fleetd asks an etcd that was away for long only every 60 s"]


def test_a_fleet_that_never_lists_a_node_is_named(booted: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ready, "FLEET_ASKS_AGAIN", 0.1)
    with pytest.raises(wait.DeadlineError, match=r"fleet does not list core-01, core-02, core-03 \(waited"):
        wait_for(booted, 0.1)


def test_an_etcd_that_fails_does_not_wait_for_fleet(booted: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any) -> None:
        raise ready.NodeNotReadyError("core-02: etcd is not healthy")

    monkeypatch.setattr(ready, "_etcd", fails)
    monkeypatch.setattr(LateFleet, "serves_at", time.monotonic() + 30)
    began = time.monotonic()
    with pytest.raises(ready.NodeNotReadyError, match="core-02"):
        wait_for(booted, 20)
    assert time.monotonic() - began < 10


def test_many_nodes_are_given_more_time() -> None:
    assert ready.patience_for(3, 90.0) == 90.0
    assert ready.patience_for(99, 90.0) > 300


@pytest.mark.parametrize(
    ("warnings", "shown"),
    [
        ("core-01 systemd[1]: user-cloudinit.service: Failed with result 'exit-code'.", "useradd: no such group"),
        ("core-01 dockerd[9]: no space", "core-01 dockerd[9]: no space"),
        ("", "of the console"),
    ],
)
def test_the_last_words_say_why_a_cloud_config_was_not_applied(
    planned: Callable[..., Cluster], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, warnings: str, shown: str
) -> None:
    class Quiet:
        def journal_folders(self, _cluster: Cluster, _node: Node) -> list[Path]:
            return [tmp_path]

        def console(self, _cluster: Cluster, _node: Node) -> Path:
            return tmp_path / "console"

    def journal(argv: list[str], **_more: object) -> run.Completed:
        unit = "--unit=user-cloudinit.service" in argv
        return run.Completed(tuple(argv), 0, f"{'useradd: no such group' if unit else warnings}\n", "")

    (tmp_path / "console").write_text("of the console\n")
    monkeypatch.setattr(run, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(run, "run", journal)
    cluster = planned()
    assert last_words(cluster, cluster.nodes[0], Quiet()) == shown  # type: ignore[arg-type]


def test_a_boot_that_a_cloud_config_stopped_is_not_waited_for(
    planned: Callable[..., Cluster], monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[str] = []

    class Stuck:
        def stuck(self, _cluster: Cluster, node: Node) -> bool:
            looks.append(node.name)
            return len(looks) > 1

    monkeypatch.setattr(ready, "FAILED_AFTER", 0.0)
    monkeypatch.setattr(ready, "last_words", lambda *_args: "useradd: no such group")
    plain = planned()
    own = planned(cloud_configs=(CloudConfig("", "/m.yml", "#cloud-config\n"),))
    look = ready._failing_boot(plain, plain.nodes[0], cast(Provider, Stuck()))
    assert not look()
    assert looks == []  # a node with the lab's own cloud-config alone is not asked
    look = ready._failing_boot(own, own.nodes[0], cast(Provider, Stuck()))
    assert not look()
    with pytest.raises(ready.NodeNotReadyError, match="core-01: its boot has failed: its cloud-config") as caught:
        look()
    assert caught.value.details == "useradd: no such group"
