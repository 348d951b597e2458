"""Watching machines of paper until they are updated, or do not go on."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from coreos_lab import events
from coreos_lab.clients import etcd
from coreos_lab.errors import LabError, UnknownError
from coreos_lab.events import Event
from coreos_lab.model import Cluster, FaultKind
from coreos_lab.records import fault_journal
from coreos_lab.updating import stuck
from tests.unit.updating.paper_park import Park, watching

Make = Callable[..., Park]
Planned = Callable[..., Cluster]
ONE = ["old", "locked", "goes", "boots", "boots", "held", "new"]


def noted(run: Callable[[], object]) -> list[str]:
    found: list[Event] = []
    with events.listening(found.append):
        run()
    return [f"{event.subject} {event.message}" for event in found if event.kind == "note"]


def test_each_phase_of_each_node_is_one_line(planned: Planned, park: Make) -> None:
    made = park({"core-01": ONE, "core-02": ["old", *["waits"] * 6, "locked", "goes", "boots", "held", "new"]})
    assert noted(watching(made, planned()).run) == [
        "core-01 has not installed it yet",
        "core-02 has not installed it yet",
        "core-01 has installed it and reboots",
        "core-02 has installed it and waits for the reboot lock, which core-01 has",
        "core-01 does not answer: it shuts down or boots",
        "core-01 has booted it and still has the reboot lock",
        "core-01 is updated",
        "core-02 has installed it and reboots",
        "core-02 does not answer: it shuts down or boots",
        "core-02 has booted it and still has the reboot lock",
        "core-02 is updated",
    ]


def test_a_node_whose_locksmithd_does_not_run_yet_has_the_lock_still(planned: Planned, park: Make) -> None:
    made = park({"core-01": ["goes", "boots", "early", "early", "held", "new"]})
    watch = watching(made, planned())
    assert noted(watch.run)[-2:] == ["core-01 has booted it and still has the reboot lock", "core-01 is updated"]
    assert made.round == 5
    assert stuck.without_lock(watch.standings) == []


def test_a_node_without_locksmithd_asks_for_no_lock(planned: Planned, park: Make) -> None:
    made = park({"core-01": ["boots", "early"]})
    watch = watching(made, planned())
    watch.run()
    assert stuck.without_lock(watch.standings) == ["core-01"]


def test_the_holders_of_a_lock_are_named(planned: Planned, park: Make) -> None:
    made = park(
        {"core-01": ONE, "core-02": ONE, "core-03": ["old", *["waits"] * 6, "locked", "goes", "boots", "new"]}, 2
    )
    assert "core-03 has installed it and waits for the reboot lock, which core-01, core-02 have" in noted(
        watching(made, planned()).run
    )


def test_a_lock_that_cannot_be_read_now_is_held_as_before(planned: Planned, park: Make) -> None:
    made = park({"core-01": ["goes", "boots", "held", "held", "new"]})
    made.silent = [2]
    assert [line for line in noted(watching(made, planned()).run) if line.endswith("is updated")] == [
        "core-01 is updated"
    ]


def ends(run: Callable[[], object]) -> LabError:
    with pytest.raises(LabError) as caught:
        run()
    return caught.value


def test_a_node_that_stays_off_stops_it_with_its_last_words(planned: Planned, park: Make) -> None:
    made = park({"core-01": ["locked", "goes", "off"], "core-02": ["waits"]})
    error = ends(watching(made, planned()).run)
    assert error.message == "core-01: does not come back from its reboot: it is off, and does not boot again"
    assert (error.hint, error.details) == ("start it: lab up; then go on: lab update", "the journal's last words")
    assert int(error.exit_code) == 4
    assert made.round < 10


def test_a_node_that_was_broken_meanwhile_is_healed(planned: Planned, park: Make) -> None:
    cluster = planned()
    fault_journal.record(cluster, FaultKind.KILL, "core-01")
    error = ends(watching(park({"core-01": ["locked", "off"]}), cluster).run)
    assert error.hint == "start it: lab heal; then go on: lab update"


def test_a_node_that_never_answers_again_stops_it(planned: Planned, park: Make) -> None:
    made = park({"core-01": ["goes", "boots"]})
    assert "it has not answered for 91 s" in ends(watching(made, planned()).run).message


def test_a_node_whose_etcd_stays_ill_stops_it(planned: Planned, park: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    made = park({"core-01": ["goes", "boots", "new"]})
    monkeypatch.setattr(etcd, "is_healthy", lambda _address: False)
    assert "its etcd has not been healthy for 91 s" in ends(watching(made, planned()).run).message


def test_the_time_to_boot_begins_with_the_boot(planned: Planned, park: Make) -> None:
    """Before it goes down, a machine of a busy host may have been silent for long."""
    made = park({"core-01": ["goes", *["silent"] * 80, *["boots"] * 20, "new"]})
    watching(made, planned()).run()


def test_a_node_that_comes_back_as_it_was_is_named(planned: Planned, park: Make) -> None:
    error = ends(watching(park({"core-01": ["goes", "boots", "back"]}), planned()).run)
    assert error.message == "core-01: came back with k: k-2 did not come up there"
    assert "lab update --back" in error.hint


def test_an_engine_that_installs_nothing_is_named(planned: Planned, park: Make) -> None:
    error = ends(watching(park({"core-01": ["old"]}), planned()).run)
    assert error.message == "core-01: has not installed k-2"


@pytest.mark.parametrize(
    ("holder", "who"), [("id-of-core-03", "core-03 has: it is off"), ("bad", "machine bad has: no")]
)
def test_a_lock_whose_holder_is_dead_stops_it(planned: Planned, park: Make, holder: str, who: str) -> None:
    made = park({"core-01": ["old", "waits"], "core-02": ["old", "waits"]})
    made.stolen = [holder]
    error = ends(watching(made, planned()).run)
    assert f"core-01: waits for the reboot lock, which {who}" in error.message
    assert f"lab ssh core-01 -- locksmithctl unlock {holder};" in error.hint


def test_a_dead_holder_of_one_place_of_two_does_not(planned: Planned, park: Make) -> None:
    made = park({"core-01": ["waits", *ONE[1:]]}, most=2)
    made.stolen = ["bad"]
    watched = watching(made, planned())
    watched.run()
    assert watched.most == 2


def test_nodes_to_be_rebooted_by_hand_are_no_pass(planned: Planned, park: Make) -> None:
    made = park({"core-01": ["by hand"], "core-02": ["goes", "boots", "new"]})
    error = ends(watching(made, planned()).run)
    assert isinstance(error, UnknownError)
    assert error.message.startswith("core-01: the update is installed; with the reboot strategy off")
    assert made.round == 2, "the other one first"


def test_nothing_new_for_long_is_unknown(planned: Planned, park: Make) -> None:
    """locksmithd asks again after five minutes at most: so long a free lock is waited for."""
    error = ends(watching(park({"core-01": ["waits"]}), planned()).run)
    assert isinstance(error, UnknownError)
    assert "nothing has changed for 400 s" in error.message
    assert "core-01 has installed it and waits for the reboot lock" in error.details
