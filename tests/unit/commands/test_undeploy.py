"""What lab undeploy refuses, and what it takes off."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from coreos_lab.commands import undeploy as command
from coreos_lab.errors import UsageError
from coreos_lab.model import Cluster, Lab
from coreos_lab.records import deployed, store

Made = Callable[..., Lab]


@pytest.fixture
def taken(planned: Callable[..., Cluster], made_lab: Made, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, bool]]:
    """The labs taken off, each with whether its disks were emptied. Deployed are a plain lab and one with disks."""
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


def test_the_deployed_parts_of_a_chapter_are_taken_off(taken: list[tuple[str, bool]]) -> None:
    command.undeploy("core", "ch4", wipe=False, as_json=False)
    command.undeploy("core", "plain", wipe=False, as_json=False)
    assert taken == [("ch4-ceph", False), ("plain", False)]


def test_disks_are_emptied_only_with_wipe(taken: list[tuple[str, bool]]) -> None:
    command.undeploy("core", "ch4-ceph", wipe=True, as_json=True)
    assert taken == [("ch4-ceph", True)]


def test_disks_that_another_lab_uses_are_not_emptied(
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


def test_a_lab_can_be_named_by_its_folder(
    taken: list[tuple[str, bool]], planned: Callable[..., Cluster], made_lab: Made, tmp_path: Path
) -> None:
    here, there = tmp_path / "here" / "mine", tmp_path / "there" / "mine"
    here.mkdir(parents=True)
    deployed.record(planned(disks=1), replace(made_lab("mine", "c.service"), folder=here))
    with pytest.raises(UsageError, match="is not deployed on core"):
        command.undeploy("core", str(there), wipe=False, as_json=False)
    command.undeploy("core", str(here), wipe=False, as_json=False)
    here.rmdir()
    command.undeploy("core", str(there), wipe=False, as_json=False)
    assert taken == [("mine", False), ("mine", False)]
