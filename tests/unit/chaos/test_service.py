"""Faults of services, with a systemd of paper."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from coreos_lab.chaos import service
from coreos_lab.chaos.fault import Scene, values_for
from coreos_lab.clients import ssh
from coreos_lab.errors import LabError
from coreos_lab.model import Cluster, Node


class Systemd:
    """One service: what `systemctl show` prints of it, and the calls of systemctl."""

    def __init__(self) -> None:
        self.tells = {
            "LoadState": "loaded",
            "ActiveState": "active",
            "InvocationID": "a1",
            "MainPID": "77",
            "TriggeredBy": "docker.socket",
        }
        self.process = "Ssl"
        self.killer = "active"  # the state of the service that kills
        self.calls: list[str] = []

    def node_run(self, _cluster: Cluster, _node: Node, call: list[str], **_options: object) -> Any:
        text = ""
        if call[0] == "ps":
            text = self.process
        elif "--value" in call:
            text = self.killer
        elif call[:2] == ["systemctl", "show"]:
            names = [word.removeprefix("--property=") for word in call if word.startswith("--property=")]
            text = "\n".join(f"{name}={self.tells[name]}" for name in names)
        else:
            self.calls.append(" ".join(call[2:]))
        return type("Done", (), {"stdout": text, "returncode": 0})


@pytest.fixture
def systemd(monkeypatch: pytest.MonkeyPatch) -> Systemd:
    paper = Systemd()
    monkeypatch.setattr(ssh, "node_run", paper.node_run)
    return paper


@pytest.fixture
def scene(planned: Callable[..., Cluster]) -> Scene:
    cluster = planned()
    provider: Any = object()
    return Scene(provider, cluster, cluster.nodes[1], values_for(service.Stop(), {"service": "docker"}))


def test_what_would_start_it_again_stops_too(systemd: Systemd, scene: Scene) -> None:
    service.Stop().inject(scene)
    assert systemd.calls == ["stop docker.socket docker.service"]
    assert not service.Stop().seen(scene)
    systemd.tells["ActiveState"] = "inactive"
    assert service.Stop().seen(scene)
    assert not service.Stop().gone(scene)
    service.Stop().undo(scene)
    assert systemd.calls[1:] == ["start --no-block docker.socket docker.service"]
    systemd.tells["ActiveState"] = "active"
    assert service.Stop().gone(scene)


def test_a_crash_is_another_invocation(systemd: Systemd, scene: Scene) -> None:
    before = service.Crash().before(scene)
    service.Crash().inject(scene)
    assert systemd.calls == ["kill --signal=KILL docker.service"]
    assert not service.Crash().seen(replace(scene, before=before))
    systemd.tells["InvocationID"] = "b2"
    assert service.Crash().seen(replace(scene, before=before))


def test_a_frozen_service_is_active_and_stands_still(systemd: Systemd, scene: Scene) -> None:
    service.Freeze().inject(scene)
    assert not service.Freeze().seen(scene)
    systemd.process = "Tsl"
    assert service.Freeze().seen(scene)
    assert not service.Freeze().gone(scene)
    service.Freeze().undo(scene)
    assert systemd.calls == ["kill --signal=STOP docker.service", "kill --signal=CONT docker.service"]
    systemd.process = "Ssl"
    assert service.Freeze().gone(scene)


def test_what_keeps_crashing_is_killed_by_a_service_of_the_node(systemd: Systemd, scene: Scene) -> None:
    values = values_for(service.KeepCrashing(), {"service": "docker", "every": "0.5s"})
    there = replace(scene, id="f00d", values=values, before="a1")
    service.KeepCrashing().inject(there)
    (killer,) = systemd.calls
    assert "--unit=coreos-lab-f00d.service" in killer
    assert killer.endswith("while :; do systemctl kill --signal=KILL docker.service; sleep 0.5s; done")
    assert not service.KeepCrashing().seen(there)
    systemd.tells["InvocationID"] = "b2"
    assert service.KeepCrashing().seen(there)
    service.KeepCrashing().undo(there)
    assert systemd.calls[1:] == [
        "stop coreos-lab-f00d.service",
        "reset-failed docker.service",
        "start --no-block docker.service",
    ]
    assert not service.KeepCrashing().gone(there)
    systemd.killer = ""  # systemd did not say: that is no state
    assert not service.KeepCrashing().gone(there)
    systemd.killer = "inactive"
    assert service.KeepCrashing().gone(there)


@pytest.mark.parametrize(
    ("what", "state", "why"),
    [
        ("LoadState", "not-found", "core-02: has no service docker.service"),
        ("ActiveState", "failed", "core-02: docker.service is failed, so it cannot be broken"),
    ],
)
def test_what_does_not_run_cannot_be_broken(systemd: Systemd, scene: Scene, what: str, state: str, why: str) -> None:
    systemd.tells[what] = state
    with pytest.raises(LabError, match=why):
        service.Stop().require_able(scene)
    assert systemd.calls == []


@pytest.mark.parametrize("fault", [service.Stop(), service.Crash(), service.KeepCrashing(), service.Freeze()])
def test_a_service_that_has_left_the_machine_needs_no_undo(
    systemd: Systemd, scene: Scene, fault: service.ServiceFault
) -> None:
    """Its lab was taken off, or fleet has it elsewhere: systemctl would fail, and the fault stay on record for good."""
    there = replace(scene, id="f00d", values=values_for(fault, {"service": "docker"}))
    systemd.tells.update(LoadState="not-found", ActiveState="inactive", MainPID="0")
    systemd.process, systemd.killer = "", "inactive"
    fault.undo(there)
    assert not any(call.startswith(("start", "kill")) for call in systemd.calls)
    assert fault.gone(there)
