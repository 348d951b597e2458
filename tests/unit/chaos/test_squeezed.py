"""Faults of resources, extra disks and clocks, with a provider and a node of paper."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from coreos_lab.chaos import clock, extra_disk, fault, network, resource
from coreos_lab.chaos.fault import Fault, Scene, values_for
from coreos_lab.clients import ssh
from coreos_lab.errors import LabError, UsageError
from coreos_lab.model import Cluster, Disk, Limits, Node
from coreos_lab.providers import cables
from coreos_lab.providers.base import CableProvider, DiskProvider, LimitProvider
from tests.unit.paper import stands_for


@stands_for(CableProvider, DiskProvider, LimitProvider)
class Paper:
    """A provider that has everything, and notes the calls."""

    name = "paper"
    own_clocks = True

    def __init__(self) -> None:
        self.now, self.lost, self.rate, self.refused = Limits(memory=2**30), False, 0, 3

    def __getattr__(self, _name: str) -> Any:
        return lambda *_args: None

    def limit(self, _cluster: Cluster, _node: Node, allowed: Limits) -> None:
        self.now = allowed

    def limits(self, _cluster: Cluster, _node: Node) -> Limits:
        return self.now

    def usage(self, _cluster: Cluster, _node: Node) -> Limits:
        return Limits(memory=100 * 2**20, tasks=90)

    def held_back(self, _cluster: Cluster, _node: Node, _resource: str) -> int:
        return self.refused

    def lose_disk(self, _cluster: Cluster, _node: Node, _disk: Disk) -> None:
        self.lost = True

    def find_disk(self, _cluster: Cluster, _node: Node, _disk: Disk) -> None:
        self.lost = False

    def disk_is_lost(self, _cluster: Cluster, _node: Node, _disk: Disk) -> bool:
        return self.lost

    def slow_disk(self, _cluster: Cluster, _node: Node, _disk: Disk, rate: int | None) -> None:
        self.rate = rate or 0

    def disk_rate(self, _cluster: Cluster, _node: Node, _disk: Disk) -> int | None:
        return self.rate


class Bare:
    """A provider that can do nothing of all this."""

    name = "bare"
    own_clocks = False


@pytest.fixture
def node_answers(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the node answers, in turn; the last again and again. An answer that was given is removed."""
    answers = [""]
    calls: list[str] = []

    def node_run(_cluster: Cluster, _node: Node, call: list[str], **_options: object) -> Any:
        calls.append(" ".join(call))
        out = answers.pop(0) if len(answers) > 1 else answers[0]
        return type("Done", (), {"stdout": out, "stderr": "", "returncode": 0})

    monkeypatch.setattr(ssh, "node_run", node_run)
    return answers


@pytest.fixture
def scene(planned: Callable[..., Cluster]) -> Callable[..., Scene]:
    def make(fault: Fault, provider: Any = None, **values: str) -> Scene:
        cluster = planned()
        cluster = replace(
            cluster,
            limits=Limits(memory=2**30),
            nodes=tuple(replace(node, disks=(Disk("/dev/sdb", 2**26),)) for node in cluster.nodes),
        )
        return Scene(provider or Paper(), cluster, cluster.nodes[1], values_for(fault, values), "f00d")

    return make


@pytest.mark.usefixtures("node_answers")
@pytest.mark.parametrize(
    ("kind", "values", "left"),
    [
        (resource.CpuQuota, {"cpus": "0.1"}, Limits(memory=2**30, cpus=0.1)),
        (resource.MemoryLimit, {}, Limits(memory=132 * 2**20)),
        (resource.MemoryLimit, {"spare": "28M"}, Limits(memory=128 * 2**20)),
        (resource.TaskLimit, {"spare": "5"}, Limits(memory=2**30, tasks=95)),
    ],
)
def test_a_machine_that_is_squeezed(
    kind: type[resource.ResourceFault], values: dict[str, str], left: Limits, scene: Callable[..., Scene]
) -> None:
    broken = kind()
    at = scene(broken, **values)
    at = replace(at, before=broken.before(at))
    broken.require_able(at)
    broken.inject(at)
    provider: Any = at.provider
    assert provider.now == left
    assert not broken.gone(at)
    assert not broken.seen(at), "nothing was refused yet"
    provider.refused += 1
    assert broken.seen(at)
    broken.undo(at)
    assert provider.now == at.cluster.limits
    assert broken.gone(at)


def test_less_than_the_kernel_gives_is_refused(scene: Callable[..., Scene]) -> None:
    with pytest.raises(LabError, match=r"--set cpus=0\.00: the kernel cannot limit it to less than 0\.01"):
        resource.CpuQuota().require_able(scene(resource.CpuQuota(), cpus="0.00"))


@pytest.mark.parametrize(
    "kind",
    [
        resource.CpuQuota,
        resource.MemoryLimit,
        resource.TaskLimit,
        extra_disk.LoseDisk,
        extra_disk.SlowDisk,
        clock.ClockSkew,
        network.Loss,
        network.Delay,
        network.Duplicate,
    ],
)
def test_a_provider_that_cannot_is_named(kind: type[Fault], scene: Callable[..., Scene]) -> None:
    provider: Any = Bare()
    assert not kind().is_for(provider)
    with pytest.raises(LabError, match="bare"):
        kind().require_able(scene(kind(), provider))


def test_a_disk_that_is_gone(scene: Callable[..., Scene], node_answers: list[str]) -> None:
    broken = extra_disk.LoseDisk()
    at = scene(broken)
    broken.require_able(at)
    broken.inject(at)
    node_answers[:] = ["0\n"]
    assert broken.seen(at)
    node_answers[:] = ["4096\n"]
    assert not broken.seen(at), "it can be read: no effect"
    broken.undo(at)
    assert broken.gone(at)


def test_a_disk_that_nobody_has_is_refused(scene: Callable[..., Scene]) -> None:
    with pytest.raises(UsageError, match=r"--set disk=sdc: core-02 has no such extra disk \(there is: sdb\)"):
        extra_disk.LoseDisk().require_able(scene(extra_disk.LoseDisk(), disk="sdc"))
    with pytest.raises(UsageError, match="the disk is smaller"):
        extra_disk.SlowDisk().require_able(scene(extra_disk.SlowDisk(), rate="65M"))


def test_a_slow_disk_takes_its_time(
    scene: Callable[..., Scene], node_answers: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = extra_disk.SlowDisk()
    at = scene(broken)
    provider: Any = at.provider
    broken.inject(at)
    assert provider.rate == 2**20
    node_answers[:] = [str(2**20)]
    assert not broken.seen(at), "it was read at once"
    ticks = iter((0.0, 1.0))
    monkeypatch.setattr(time, "monotonic", lambda: next(ticks))
    assert broken.seen(at)
    assert not broken.gone(at)
    broken.undo(at)
    assert broken.gone(at)


def test_a_clock_that_is_wrong(scene: Callable[..., Scene], node_answers: list[str]) -> None:
    broken = clock.ClockSkew()
    at = scene(broken, by="-10m")
    broken.require_able(at)
    node_answers[:] = ["systemd-timesyncd\n"]
    at = replace(at, before=broken.before(at))
    assert at.before == "systemd-timesyncd"
    node_answers[:] = [f"{time.time() - 600}\n"]
    assert broken.seen(at)
    assert not broken.gone(at)
    node_answers[:] = [f"{time.time()}\n"]
    assert not broken.seen(at)
    assert broken.gone(at)


def test_lost_packets(scene: Callable[..., Scene], node_answers: list[str]) -> None:
    broken = network.Loss()
    at = scene(broken, percent="30")
    text = "".join(broken.rules(at))
    assert text.count("numgen random mod 100 < 30 counter drop") == 2
    node_answers[:] = ["20 packets transmitted, 15 received, 25% packet loss, time 400ms\n"]
    assert broken.seen(at)
    node_answers[:] = ["20 packets transmitted, 20 received, 0% packet loss, time 400ms\n"]
    assert not broken.seen(at)
    with pytest.raises(UsageError, match="percent"):
        fault.values_for(broken, {"percent": "100"})


def test_what_the_emulator_is_told(
    scene: Callable[..., Scene], node_answers: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[list[str]] = []
    monkeypatch.setattr(cables, "emulate", lambda _cable, how: calls.append(list(how)))
    network.Delay().inject(scene(network.Delay()))
    network.Duplicate().inject(scene(network.Duplicate(), percent="5"))
    assert calls == [["delay", "200ms"], ["duplicate", "5%"]]
    node_answers[:] = ["64 bytes from 172.17.8.1: icmp_seq=1 ttl=64 time=201 ms\n"]
    assert network.Delay().seen(scene(network.Delay()))
    node_answers[:] = ["64 bytes from 172.17.8.1: icmp_seq=1 ttl=64 time=0.1 ms\n"]
    assert not network.Delay().seen(scene(network.Delay()))
    node_answers[:] = ["64 bytes from 172.17.8.1: icmp_seq=1 ttl=64 time=0.1 ms (DUP!)\n"]
    assert network.Duplicate().seen(scene(network.Duplicate()))
