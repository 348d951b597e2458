"""Faults of keys, with an etcd of paper."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from coreos_lab.chaos import keys
from coreos_lab.chaos.fault import Scene, values_for
from coreos_lab.clients.etcd import Key
from coreos_lab.errors import LabError
from coreos_lab.model import Cluster


class Paper:
    """Keys, and a count of changes."""

    def __init__(self) -> None:
        self.keys = {
            "/services/web/1": Key("172.17.8.101:80", None, 1),
            "/services/web/2": Key("172.17.8.102:80", 9, 2),
            "/hosts/core-02": Key("up", None, 3),
            "/coreos.com/network/subnets/10.1.2.0-24": Key('{"PublicIP":"172.17.8.102"}', 99, 4),
        }
        self.index = 4

    def read(self, key: str) -> Key | None:
        return self.keys.get(key)

    def tree(self, _folder: str) -> dict[str, str]:
        return {key: found.value for key, found in self.keys.items()}

    def set(self, key: str, value: str, *, ttl: int | None = None) -> None:
        self.index += 1
        self.keys[key] = Key(value, ttl, self.index)

    def remove(self, key: str) -> None:
        self.keys.pop(key, None)


@pytest.fixture
def paper(monkeypatch: pytest.MonkeyPatch) -> Paper:
    etcd = Paper()
    monkeypatch.setattr(keys, "Etcd", lambda _addresses: etcd)
    monkeypatch.setattr(keys, "machine_id", lambda _scene: "f00d" * 8)
    return etcd


@pytest.fixture
def scene(planned: Callable[..., Cluster], paper: Paper) -> Callable[..., Scene]:
    del paper

    def make(fault: keys.KeyFault, **values: str) -> Scene:
        cluster = planned()
        provider: Any = object()
        there = Scene(provider, cluster, cluster.nodes[1], values_for(fault, values))
        return replace(there, before=fault.before(there))

    return make


def test_what_names_the_node_is_removed_and_put_back(paper: Paper, scene: Callable[..., Scene]) -> None:
    fault = keys.RemoveKeys()
    there = scene(fault)
    assert not fault.seen(there)
    fault.inject(there)
    assert sorted(paper.keys) == ["/coreos.com/network/subnets/10.1.2.0-24", "/services/web/1"]
    assert fault.seen(there)
    fault.undo(there)
    assert (paper.keys["/services/web/2"].value, paper.keys["/services/web/2"].ttl) == ("172.17.8.102:80", 9)
    assert paper.keys["/hosts/core-02"].value == "up"
    assert fault.gone(there)


@pytest.mark.parametrize(
    ("key", "found"),
    [
        ("/services/web/172.17.8.102", True),
        ("/services/web/172.17.8.102:8080", True),
        ("/hosts/web-core-02", True),
        ("/machines/f00df00df00df00df00df00df00df00d", True),
        ("/services/web/172.17.8.1020", False),
        ("/services/web/2172.17.8.102", False),
        ("/hosts/core-021", False),
    ],
)
def test_a_key_may_name_the_node_in_its_own_name(
    paper: Paper, scene: Callable[..., Scene], key: str, found: bool
) -> None:
    paper.keys[key] = Key("up", None, 5)
    there = scene(keys.RemoveKeys())
    keys.RemoveKeys().inject(there)
    assert (key not in paper.keys) is found


def test_who_has_announced_himself_again_is_left_alone(paper: Paper, scene: Callable[..., Scene]) -> None:
    fault = keys.OverwriteKeys()
    there = scene(fault, key="/services/web/2", value="nonsense")
    fault.inject(there)
    assert paper.keys["/services/web/2"].value == "nonsense"
    assert not fault.gone(replace(there, before='{"/services/web/2": ["172.17.8.102:80", null, 2]}'))
    paper.set("/services/web/2", "172.17.8.102:8080", ttl=9)
    fault.undo(there)
    assert paper.keys["/services/web/2"].value == "172.17.8.102:8080"
    assert fault.gone(there)


def test_another_time_to_live_is_no_effect(paper: Paper, scene: Callable[..., Scene]) -> None:
    fault = keys.RemoveKeys()
    there = scene(fault, key="/services/web/2")
    paper.keys["/services/web/2"] = Key("172.17.8.102:80", 5, 2)
    assert not fault.seen(there)


@pytest.mark.parametrize(
    ("values", "why"),
    [({"key": "/nosuch"}, "etcd has no key /nosuch"), ({}, "no key in etcd names core-02")],
)
def test_what_is_not_there_cannot_be_broken(
    paper: Paper, scene: Callable[..., Scene], values: dict[str, str], why: str
) -> None:
    paper.keys.clear()
    fault = keys.RemoveKeys()
    with pytest.raises(LabError, match=why):
        fault.require_able(scene(fault, **values))
