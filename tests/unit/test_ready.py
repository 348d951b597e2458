"""Whether a cluster is there: how long fleet is waited for, and what is said meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest

from coreos_lab import events, ready, wait
from coreos_lab.clients.http import CannotCheckError
from coreos_lab.model import Cluster
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
    monkeypatch.setattr(ready, "_boot", lambda *_: None)
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
    assert wait_for(booted, 0.1) == ["fleetd asks an etcd that was away for long every 60 s only"]


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
