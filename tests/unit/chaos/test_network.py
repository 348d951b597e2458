"""Faults of the network: which rules, and where they are put."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from coreos_lab import run
from coreos_lab.chaos import fault, faults, network
from coreos_lab.chaos.fault import Scene, values_for
from coreos_lab.clients import ssh
from coreos_lab.errors import LabError, UsageError
from coreos_lab.model import Cluster, FaultKind, Node, NodeState
from coreos_lab.providers import cables
from coreos_lab.providers.base import CableProvider
from tests.unit.paper import stands_for


@stands_for(CableProvider)
class Wired:
    """A provider of paper whose cables have names."""

    name = "wired"

    def __getattr__(self, _name: str) -> Any:
        return lambda *_args: NodeState.RUNNING

    def cable(self, _cluster: Cluster, node: Node) -> str:
        return f"port-{node.name[-1]}"


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """The tables that are in the kernel."""
    tables: dict[str, list[str]] = {}
    monkeypatch.setattr(cables, "require_able", lambda: None)
    monkeypatch.setattr(cables, "cut", tables.__setitem__)
    monkeypatch.setattr(cables, "mend", lambda name: tables.pop(name, None))
    monkeypatch.setattr(cables, "cuts", lambda _network: list(tables))
    return tables


@pytest.fixture
def scene(planned: Callable[..., Cluster]) -> Callable[..., Scene]:
    def make(**values: str) -> Scene:
        cluster = planned()
        provider: Any = Wired()
        return Scene(provider, cluster, cluster.nodes[1], values_for(network.Partition(), values), "f00d")

    return make


def rules(scene: Scene) -> str:
    return " ".join("".join(network.Partition().rules(scene)).split())


def test_a_pulled_cable_lets_nothing_through(scene: Callable[..., Scene], kernel: dict[str, list[str]]) -> None:
    network.Isolate().inject(scene())
    (name,) = kernel
    assert name == "coreos_lab_0_f00d"
    text = "".join(kernel[name])
    assert 'iifname "port-2" counter drop' in text
    assert 'oifname "port-2" counter drop' in text
    network.Isolate().undo(scene())
    network.Isolate().undo(scene())
    assert kernel == {}


def test_both_ways_from_all_others(scene: Callable[..., Scene]) -> None:
    text = rules(scene())
    assert 'iifname { "port-2" } oifname { "port-1", "port-3" } counter drop' in text
    assert 'iifname { "port-1", "port-3" } oifname { "port-2" } counter drop' in text


def test_one_way_from_one_node_at_one_port(scene: Callable[..., Scene]) -> None:
    text = rules(scene(**{"from": "core-03", "way": "in", "port": "2380"}))
    only = "meta l4proto { tcp, udp } th dport 2380"
    assert f'iifname {{ "port-3" }} oifname {{ "port-2" }} {only} counter drop' in text
    assert "port-1" not in text
    assert text.count("drop") == 1


def test_the_other_side_must_be_there(scene: Callable[..., Scene], kernel: dict[str, list[str]]) -> None:
    del kernel
    with pytest.raises(UsageError, match="from=core-07: core has no such node"):
        network.Partition().require_able(scene(**{"from": "core-01,core-07"}))
    with pytest.raises(UsageError, match="no node is left on the other side of core-02"):
        network.Partition().require_able(scene(**{"from": "core-02"}))


def test_a_provider_without_cables_is_refused(planned: Callable[..., Cluster]) -> None:
    class Wireless:
        name = "wireless"

    provider: Any = Wireless()
    cluster = planned()
    with pytest.raises(LabError, match="isolate: the provider wireless has no cables on the host"):
        network.Isolate().require_able(Scene(provider, cluster, cluster.nodes[0], {}))


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, ["core-02 -> 172.17.8.101/22 172.17.8.103/22"]),
        ({"way": "in"}, ["core-02 -> 172.17.8.101/22 172.17.8.103/22"]),
        ({"way": "out", "port": "2380"}, ["core-02 -> 172.17.8.101/2380 172.17.8.103/2380"]),
        ({"way": "in", "port": "2380"}, ["core-01 -> 172.17.8.102/2380", "core-03 -> 172.17.8.102/2380"]),
        (
            {"port": "80", "from": "core-01"},
            ["core-02 -> 172.17.8.101/80", "core-01 -> 172.17.8.102/80"],
        ),
    ],
)
def test_who_tries_to_reach_whom(
    scene: Callable[..., Scene], monkeypatch: pytest.MonkeyPatch, values: dict[str, str], expected: list[str]
) -> None:
    tried = []

    def node_run(_cluster: Cluster, node: Node, call: list[str], **_options: object) -> Any:
        tried.append(f"{node.name} -> {' '.join(call[4:])}")
        return type("Done", (), {"returncode": 0})

    monkeypatch.setattr(ssh, "node_run", node_run)
    assert network.Partition().seen(scene(**values))
    assert tried == expected


@pytest.mark.parametrize(("rate", "bytes_a_second"), [("1mbit", 125_000), ("64kbit", 8_000)])
def test_a_narrow_cable_is_narrow_both_ways(
    scene: Callable[..., Scene], kernel: dict[str, list[str]], rate: str, bytes_a_second: int
) -> None:
    there = scene()
    network.Bandwidth().inject(replace(there, values=values_for(network.Bandwidth(), {"rate": rate})))
    text = "".join(kernel["coreos_lab_0_f00d"])
    for way in ("iifname", "oifname"):
        assert f'{way} "port-2" limit rate over {bytes_a_second} bytes/second' in text


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"form": "x"}, "partition has no such parameter .there is: from, way, port"),
        ({"way": "up"}, "way=up: not both, in or out"),
        ({"port": "0"}, "port=0: not all, or a port's number"),
    ],
)
def test_values_are_judged(values: dict[str, str], why: str) -> None:
    with pytest.raises(UsageError, match=why):
        fault.values_for(faults.FAULTS[FaultKind.PARTITION], values)


def test_the_emulator_goes_with_a_machine_that_is_off(
    scene: Callable[..., Scene], monkeypatch: pytest.MonkeyPatch
) -> None:
    """libvirt knows no cable of a machine that is off, so asking for it would leave the fault on record."""
    there = scene()
    monkeypatch.setattr(Wired, "state", lambda *_args: NodeState.STOPPED)

    def none(*_args: object) -> str:
        raise LabError("core-02: has no cable")

    monkeypatch.setattr(Wired, "cable", none)
    network.Delay().undo(there)


@pytest.mark.parametrize(
    ("code", "said", "known"),
    [(0, "", True), (1, 'Cannot find device "port-2"', True), (2, "Cannot open netlink socket", False)],
)
def test_an_emulator_that_cannot_be_looked_for_is_not_gone(
    monkeypatch: pytest.MonkeyPatch, code: int, said: str, known: bool
) -> None:
    monkeypatch.setattr(run, "run", lambda argv, **_options: run.Completed(argv, code, "", said))
    if known:
        assert not cables.emulates("port-2")
        return
    with pytest.raises(run.CommandError):
        cables.emulates("port-2")
