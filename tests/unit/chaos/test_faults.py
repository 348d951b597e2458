"""The list of all faults, and what all of them have in common."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from coreos_lab import run
from coreos_lab.chaos import faults
from coreos_lab.chaos.fault import Scene, values_for
from coreos_lab.clients import ssh
from coreos_lab.errors import LabError, UnknownError
from coreos_lab.model import Cluster, FaultKind
from coreos_lab.providers.base import DiskProvider
from tests.unit.paper import stands_for


@pytest.mark.parametrize("kind", list(FaultKind))
def test_every_fault_has_its_name_and_its_act(kind: FaultKind) -> None:
    assert faults.kind_of(kind.value) is kind
    assert faults.FAULTS[kind].summary


def test_an_unknown_fault_names_every_known() -> None:
    with pytest.raises(LabError) as refused:
        faults.kind_of("KILL ")
    assert all(kind.value in refused.value.message for kind in FaultKind)


@pytest.mark.parametrize(
    ("kind", "values", "silent"),
    [
        (FaultKind.KILL, {}, True),
        (FaultKind.ISOLATE, {}, True),
        (FaultKind.PARTITION, {}, True),
        (FaultKind.PARTITION, {"port": "2380"}, True),
        (FaultKind.PARTITION, {"port": "80"}, False),
        (FaultKind.PARTITION, {"from": "core-01"}, False),
        (FaultKind.STOP, {}, True),
        (FaultKind.STOP, {"service": "docker"}, False),
        (FaultKind.FREEZE, {"service": "etcd2.service"}, True),
        (FaultKind.CRASH, {}, False),
    ],
)
def test_what_is_lost_to_etcd(cluster: Cluster, kind: FaultKind, values: dict[str, str], silent: bool) -> None:
    assert faults.silenced(faults.plan(cluster.nodes[1:2], kind, values)) == ({"core-02"} if silent else set())


@stands_for(DiskProvider)
class Disks:
    """Returns true from every method."""

    def __getattr__(self, _name: str) -> Any:
        def yes(*_args: object) -> bool:
            return True

        return yes


@pytest.mark.parametrize("kind", [FaultKind.LOSE_DISK, FaultKind.FILL, FaultKind.FREEZE, FaultKind.KEEP_CRASHING])
@pytest.mark.parametrize("look", ["seen", "gone"])
def test_no_look_from_inside_takes_silence_for_an_answer(
    planned: Callable[..., Cluster], monkeypatch: pytest.MonkeyPatch, kind: FaultKind, look: str
) -> None:
    cluster = planned(disks=1)
    fault = faults.FAULTS[kind]
    provider: Any = Disks()
    there = Scene(provider, cluster, cluster.nodes[0], values_for(fault, {}), "f00d")

    def run_of(call: Sequence[str], *, check: bool = True, **_options: object) -> run.Completed:
        done = run.Completed(tuple(map(str, call)), ssh.NOT_REACHED, "", "No route to host")
        if check:
            raise run.CommandError(done)
        return done

    monkeypatch.setattr(run, "run", run_of)
    with pytest.raises((UnknownError, run.CommandError)):
        getattr(fault, look)(there)
