"""What lab undeploy refuses, and what it takes off."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from coreos_lab import deployed, store
from coreos_lab.commands import undeploy as command
from coreos_lab.errors import UsageError
from coreos_lab.model import Cluster, Lab

Made = Callable[..., Lab]


@pytest.fixture
def taken(planned: Callable[..., Cluster], made_lab: Made, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, bool]]:
    """What was taken off, and whether its disks were emptied. On the cluster are a plain lab and one with disks."""
    cluster = planned(disks=1)
    store.save(cluster)
    deployed.record(cluster, made_lab("plain", "a.service"))
    deployed.record(cluster, made_lab("ch4-ceph", "b.service", disks=1))
    found: list[tuple[str, bool]] = []

    def take_off(_cluster: Cluster, _provider: Any, name: str, *, wipe: bool) -> None:
        found.append((name, wipe))

    monkeypatch.setattr(command, "choose", lambda _name: None)
    monkeypatch.setattr(command, "take_off", take_off)
    return found


def test_a_chapter_is_taken_off_as_far_as_it_is_there(taken: list[tuple[str, bool]]) -> None:
    command.undeploy("core", "ch4", wipe=False, as_json=False)
    command.undeploy("core", "plain", wipe=False, as_json=False)
    assert taken == [("ch4-ceph", False), ("plain", False)]


def test_disks_are_emptied_only_where_that_is_asked_for(taken: list[tuple[str, bool]]) -> None:
    command.undeploy("core", "ch4-ceph", wipe=True, as_json=True)
    assert taken == [("ch4-ceph", True)]


def test_disks_that_are_somebody_elses_are_not_emptied(
    taken: list[tuple[str, bool]], planned: Callable[..., Cluster], made_lab: Made
) -> None:
    with pytest.raises(UsageError, match="--wipe: plain uses no extra disks"):
        command.undeploy("core", "plain", wipe=True, as_json=False)
    deployed.record(planned(disks=1), replace(made_lab("other", "c.service"), disks=1))
    with pytest.raises(UsageError, match="--wipe: other uses the extra disks too"):
        command.undeploy("core", "ch4-ceph", wipe=True, as_json=False)
    with pytest.raises(UsageError, match=r"nosuch: is not deployed on core \(there is: plain, ch4-ceph, other\)"):
        command.undeploy("core", "nosuch", wipe=False, as_json=False)
    assert taken == []
