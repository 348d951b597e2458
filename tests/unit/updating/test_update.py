"""One update with machines and checks of paper: what is done in which order, and what the verdict says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, cast

import pytest

from coreos_lab.chaos import measuring, phases, verdict
from coreos_lab.chaos.course import STEADY
from coreos_lab.chaos.probes import LATE, Sample
from coreos_lab.clients.ssh import NotReachedError
from coreos_lab.cluster import updates
from coreos_lab.errors import LabError
from coreos_lab.machine_image import editions
from coreos_lab.model import Cluster, Lab, Node, Offer, Outcome
from coreos_lab.observed import ready
from coreos_lab.providers.base import SlotProvider
from coreos_lab.records import store
from coreos_lab.updating import update
from coreos_lab.updating.target import Target
from coreos_lab.updating.update import Update
from tests.unit.chaos.paper_checks import Paper, run_checks
from tests.unit.updating.paper_park import Park

PASS, FAIL, UNKNOWN = Outcome.PASS, Outcome.FAIL, Outcome.UNKNOWN
GOES = ["old", "locked", "goes", "boots", "held", "new"]


class Seeing:
    """An observer that has seen these nodes away: `x` for each second without an answer, `~` where it came too late."""

    marks: ClassVar[dict[str, str]] = {}
    troubles: ClassVar[list[str]] = []

    def __init__(self, cluster: Cluster) -> None:
        self.reads = {
            node.name: [
                Sample("", f"reads {node.name}", float(number), 0.0, mark == ".", LATE if mark == "~" else "")
                for number, mark in enumerate(self.marks.get(node.name, "...."))
            ]
            for node in cluster.nodes
        }

    def __enter__(self) -> Seeing:
        return self

    def __exit__(self, *_args: object) -> None:
        pass

    def record(self, path: Path) -> None:
        """Nothing to write."""


class Stage:
    """What was done, and what the checks will find."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.within: list[float] = []
        self.checks: list[Any] = [PASS, PASS]
        self.refuses: dict[str, Any] = {}


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Stage:
    made = Stage()

    def run_server(cluster: Cluster) -> None:
        assert store.require("core") == cluster, "the plan first"
        made.done.append(f"offer {cluster.offers[0].image}")

    def ask(_cluster: Cluster, node: Node) -> str:
        made.done.append(f"ask {node.name}")
        answer = made.refuses.get(node.name, "")
        if isinstance(answer, Exception):
            raise answer
        return str(answer)

    monkeypatch.setattr(phases, "run_checks", run_checks(made))
    monkeypatch.setattr(measuring, "Writes", Paper)
    monkeypatch.setattr(measuring, "Observer", Seeing)
    monkeypatch.setattr(update, "ask", ask)
    monkeypatch.setattr(editions, "ensure", lambda image: made.done.append(f"make {image}"))
    monkeypatch.setattr(updates, "run_server", run_server)
    monkeypatch.setattr(ready, "wait_for_nodes", lambda *_args, **_options: made.done.append("all serve"))
    monkeypatch.setattr(Seeing, "marks", ONE_BY_ONE)
    return made


@pytest.fixture
def carry_out(
    stage: Stage,
    park: Callable[..., Park],
    planned: Callable[..., Cluster],
    made_lab: Callable[..., Lab],
    tmp_path: Path,
) -> Callable[..., verdict.Verdict]:
    def do(said: dict[str, list[str]], *, resumed: bool = False, most: int = 1, labs: bool = True) -> verdict.Verdict:
        cluster = replace(planned(), image="k-2", offers=(Offer("", "k-2", "k"),))
        made = park(said, most)
        monkey = cast(Any, made)
        monkey.create_network = lambda _cluster: stage.done.append("network")
        nodes = [node for node in cluster.nodes if node.name in said and said[node.name][0] != "off"]
        lab = [made_lab("ch3", "a.service")] if labs else []
        target = Target("k-2", "k", "", resumed, cluster)
        (tmp_path / "run").mkdir()
        return Update(cast(SlotProvider, made), target, nodes, lab, tmp_path / "run").run(deadline=1.0)

    return do


# One after the other: each is away for a second, at 3, 8 and 13 s.
THREE = {f"core-0{number}": ["old", *["waits"] * (5 * (number - 1)), *GOES[1:]] for number in (1, 2, 3)}
ONE_BY_ONE = {f"core-0{number}": f"{'.' * (5 * number - 2)}x....." for number in (1, 2, 3)}
TOGETHER = {**THREE, "core-02": GOES}


def test_an_update_in_its_order(stage: Stage, carry_out: Callable[..., verdict.Verdict], tmp_path: Path) -> None:
    found = carry_out(THREE)
    first, last = stage.done.index("ask core-01"), stage.done.index("all serve")
    assert stage.done[:first] == ["check not lasting", "make k-2", "network", "offer k-2"]
    assert sorted(stage.done[first:last]) == [f"ask core-0{number}" for number in (1, 2, 3)]
    assert stage.done[last:] == ["all serve", "check all"]
    assert found.outcome is PASS
    names = ["steady state before", "update", "under the lock", "steady state after", "writes"]
    assert [phase.name for phase in found.phases] == names
    assert (found.fault, found.nodes) == ("update", ("core-01", "core-02", "core-03"))
    assert verdict.load(tmp_path / "run") == found
    assert store.require("core").offers[0].done


def test_nothing_is_offered_to_a_cluster_that_is_not_steady(
    stage: Stage, carry_out: Callable[..., verdict.Verdict]
) -> None:
    stage.checks = [FAIL]
    found = carry_out(THREE)
    assert stage.done == ["check not lasting"]
    assert stage.within == [STEADY]
    assert (found.outcome, [phase.name for phase in found.phases]) == (UNKNOWN, ["steady state before"])
    assert store.load("core") is None


def test_an_update_that_goes_on_is_not_steady_by_nature(
    stage: Stage, carry_out: Callable[..., verdict.Verdict]
) -> None:
    assert carry_out(THREE, resumed=True).outcome is PASS
    assert stage.done[0] == "make k-2"


def test_without_a_lab_there_is_nothing_to_check(stage: Stage, carry_out: Callable[..., verdict.Verdict]) -> None:
    found = carry_out(THREE, labs=False)
    assert (found.outcome, [phase.name for phase in found.phases]) == (PASS, ["update", "under the lock", "writes"])
    assert not [each for each in stage.done if each.startswith("check")]


def test_the_error_that_ends_it_is_in_the_record(
    stage: Stage, carry_out: Callable[..., verdict.Verdict], tmp_path: Path
) -> None:
    with pytest.raises(LabError, match="core-01: does not come back"):
        carry_out({**THREE, "core-01": ["locked", "off"]})
    found = verdict.load(tmp_path / "run")
    assert (found.outcome, found.phases[-1].name) == (UNKNOWN, "update")
    assert "core-01: does not come back" in found.phases[-1].evidence
    assert not store.require("core").offers[0].done
    assert stage.done[-1] != "check all"


def test_reads_that_ended_before_the_update_prove_nothing_about_the_lock(
    carry_out: Callable[..., verdict.Verdict], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Seeing, "troubles", ["KeyError: 'core-02'"])
    found = carry_out(THREE)
    assert found.first_bad is not None
    assert (found.outcome, found.first_bad.name) == (UNKNOWN, "measured to the end")


def lock_of(found: verdict.Verdict) -> tuple[Outcome, str]:
    """What the verdict says of the lock."""
    (phase,) = [phase for phase in found.phases if phase.name == "under the lock"]
    return phase.outcome, phase.evidence


def test_machines_that_were_away_together_fail_under_a_lock_for_one(
    carry_out: Callable[..., verdict.Verdict], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Seeing, "marks", {**ONE_BY_ONE, "core-01": ".xxxx...", "core-02": "...xxxx."})
    found = carry_out(TOGETHER)
    assert lock_of(found) == (FAIL, "2 at most away at once (core-01, core-02)")
    assert "core-01 away for 4.0 s, core-02 away for 4.0 s, core-03 away for 1.0 s" in found.phases[1].evidence


def test_whether_machines_were_away_together_is_open_where_none_answered_in_time(
    carry_out: Callable[..., verdict.Verdict], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Seeing, "marks", {**ONE_BY_ONE, "core-01": ".x~~~~~~~~~."})
    outcome, evidence = lock_of(carry_out(THREE))
    assert outcome is UNKNOWN
    assert evidence.startswith(
        "2 at most away at once (core-01, core-02); whether one was back before the next one went"
    )


def test_a_silence_without_a_reboot_is_no_absence(
    carry_out: Callable[..., verdict.Verdict], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Seeing, "marks", {**ONE_BY_ONE, "core-03": "..xxx........x...."})
    assert lock_of(carry_out(THREE)) == (PASS, "1 at most away at once")


def test_as_many_as_the_lock_allows_may_be_away_together(
    carry_out: Callable[..., verdict.Verdict], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Seeing, "marks", {**ONE_BY_ONE, "core-01": ".xxxx...", "core-02": "...xxxx."})
    assert carry_out(TOGETHER, most=2).outcome is PASS


def test_a_node_that_is_off_leaves_the_result_open(carry_out: Callable[..., verdict.Verdict]) -> None:
    found = carry_out({**THREE, "core-02": ["off"]})
    assert found.outcome is UNKNOWN
    assert found.phases[1].evidence == "core-02: off, and so without k-2"
    assert not store.require("core").offers[0].done


def test_an_engine_that_finds_nothing_ends_it_and_one_that_reboots_already_does_not(
    stage: Stage, carry_out: Callable[..., verdict.Verdict]
) -> None:
    stage.refuses = {"core-01": NotReachedError("core-01: does not answer"), "core-02": "nothing else for group a"}
    with pytest.raises(LabError, match="core-02: its update engine finds no update: nothing else for group a"):
        carry_out(THREE)
