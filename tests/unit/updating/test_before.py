"""Which nodes an update is for, and what must be so before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

import pytest

from coreos_lab import events
from coreos_lab.errors import LabError, UsageError
from coreos_lab.machine_image import editions
from coreos_lab.model import Cluster, FaultKind, Node
from coreos_lab.providers.base import SlotProvider
from coreos_lab.records import fault_journal
from coreos_lab.records.store import ClusterFolder
from coreos_lab.updating import before
from tests.unit.updating.paper_park import BASE, Park

ALL = {"core-01": ["old"], "core-02": ["old"], "core-03": ["old"]}
Make = Callable[..., Park]
Planned = Callable[..., Cluster]


@pytest.fixture
def park_with(park: Make, monkeypatch: pytest.MonkeyPatch) -> Callable[..., SlotProvider]:
    """Machines whose cloud-configs differ: `more` has the values of each node's answer."""

    def make(said: dict[str, list[str]], **more: dict[str, str]) -> SlotProvider:
        made = park(said)
        others = {name.replace("_", "-"): values for name, values in more.items()}

        def look(_cluster: Cluster, node: Node) -> Any:
            return replace(BASE, **others.get(node.name, {}))

        monkeypatch.setattr(before, "look", look)
        monkeypatch.setattr(editions, "can_be_updated", lambda image: image in ("k", "k-2"))
        return cast(SlotProvider, made)

    return make


def names(found: before.Nodes) -> list[str]:
    return [node.name for node in found.asked]


def test_all_running_nodes_are_asked_and_those_that_are_off_count(
    planned: Planned, park_with: Callable[..., SlotProvider]
) -> None:
    found = before.nodes(planned(), park_with({**ALL, "core-02": ["off"], "core-03": ["new"]}), "")
    assert names(found) == ["core-01", "core-03"]
    assert found.has == {"core-01": "k", "core-03": "k-2", "core-02": "k"}


def test_a_group_is_the_nodes_whose_cloud_config_says_so(
    planned: Planned, park_with: Callable[..., SlotProvider]
) -> None:
    provider = park_with(ALL, core_02={"group": "beta"})
    found = before.nodes(planned(), provider, "beta")
    assert (names(found), found.has) == (["core-02"], {"core-02": "k"})
    with pytest.raises(UsageError, match=r"no running node is in that update group \(there is: beta, stable\)"):
        before.nodes(planned(), provider, "alpha")


def test_nodes_that_ask_another_server_are_left_out_and_named(
    planned: Planned, park_with: Callable[..., SlotProvider]
) -> None:
    provider = park_with(ALL, core_02={"server": "disabled"})
    told: list[str] = []
    with events.listening(lambda event: told.append(f"{event.subject}: {event.message}")):
        assert names(before.nodes(planned(), provider, "")) == ["core-01", "core-03"]
    assert told == ["core-02: left out: update.conf has SERVER=disabled"]
    nobody = {f"core_0{number}": {"server": "disabled"} for number in (1, 2, 3)}
    with pytest.raises(LabError, match="no running node asks the cluster's own update server"):
        before.nodes(planned(), park_with(ALL, **nobody), "")


def test_machine_images_of_older_labs_are_refused(
    planned: Planned, park_with: Callable[..., SlotProvider], monkeypatch: pytest.MonkeyPatch
) -> None:
    provider = park_with(ALL)
    monkeypatch.setattr(editions, "can_be_updated", lambda _image: False)
    with pytest.raises(LabError, match="core-01: its machine image is of an older lab") as caught:
        before.nodes(planned(), provider, "")
    assert caught.value.hint == "lab destroy && lab up"


def test_a_running_node_that_is_broken_is_refused_and_one_that_is_off_is_not(
    planned: Planned, park_with: Callable[..., SlotProvider]
) -> None:
    cluster = planned()
    fault_journal.record(cluster, FaultKind.KILL, "core-02")
    assert names(before.nodes(cluster, park_with({**ALL, "core-02": ["off"]}), "")) == ["core-01", "core-03"]
    with pytest.raises(LabError, match=r"core-02: is broken \(kill\), and an update would reboot it"):
        before.nodes(cluster, park_with(ALL), "")


def test_a_cluster_that_is_half_changed_or_off_is_refused(
    planned: Planned, park_with: Callable[..., SlotProvider]
) -> None:
    cluster, provider = planned(), park_with(ALL)
    with pytest.raises(LabError, match="none of its nodes runs"):
        before.nodes(cluster, park_with({}), "")
    leaving = replace(cluster, nodes=(*cluster.nodes[:2], replace(cluster.nodes[2], leaving=True)))
    with pytest.raises(LabError, match="core-03: is being taken away") as caught:
        before.nodes(leaving, provider, "")
    assert caught.value.hint == "run 'lab scale 2' first"
    marker = ClusterFolder("core").restoring
    marker.parent.mkdir(parents=True, exist_ok=True)
    marker.write_text("clean\n")
    with pytest.raises(LabError, match="a snapshot is being restored"):
        before.nodes(cluster, provider, "")


def test_a_node_that_does_not_answer_is_waited_for(
    planned: Planned, park_with: Callable[..., SlotProvider], monkeypatch: pytest.MonkeyPatch
) -> None:
    provider = park_with(ALL)
    answers: list[Any] = [None, BASE, BASE, BASE]
    monkeypatch.setattr(before, "look", lambda *_args: answers.pop(0))
    assert len(before.nodes(planned(), provider, "").asked) == 3


def test_virtual_machines_have_no_second_slot() -> None:
    class Vagrant:
        name = "vagrant"

    with pytest.raises(UsageError, match="vagrant: virtual machines of this provider have one system partition"):
        before.able(cast(Any, Vagrant()))
