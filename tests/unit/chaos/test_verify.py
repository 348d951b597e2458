"""One verification, with checks and faults of paper: what it does in which order, and that it always heals."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, cast

import pytest

from coreos_lab import wait
from coreos_lab.chaos import healing, injecting, journals, measuring, phases
from coreos_lab.chaos.course import STEADY, one_by_one
from coreos_lab.chaos.fault import Break
from coreos_lab.chaos.history import clients, history
from coreos_lab.chaos.objectives import allowed
from coreos_lab.chaos.probes import Sample
from coreos_lab.chaos.schedule import Step
from coreos_lab.chaos.verdict import load
from coreos_lab.chaos.verify import Verification
from coreos_lab.clients import etcd
from coreos_lab.errors import LabError, UnknownError
from coreos_lab.model import Cluster, FaultKind, Lab, NodeState, Outcome, QualifiedName
from coreos_lab.observed import node_states
from coreos_lab.records import fault_journal
from coreos_lab.run import CommandError, Completed
from coreos_lab.wait import DeadlineError
from tests.unit.chaos.history.doubles import Member, Store, serving
from tests.unit.chaos.paper_checks import Paper, run_checks

PASS, FAIL, UNKNOWN = Outcome.PASS, Outcome.FAIL, Outcome.UNKNOWN


class Blind:
    """Sees nothing."""

    reads: ClassVar[dict[str, list[Sample]]] = {}

    def __init__(self, cluster: Cluster) -> None:
        del cluster

    def __enter__(self) -> Blind:
        return self

    def __exit__(self, *_args: object) -> None:
        pass

    def record(self, path: Path) -> None:
        """Nothing to write."""


class Stage:
    """What each run of the checks will find, and what was done."""

    def __init__(self) -> None:
        self.checks: list[Any] = [PASS, PASS, PASS]
        self.inject_fails = False
        self.heal_fails: LabError | None = None
        self.steps = 1
        self.done: list[str] = []
        self.within: list[float] = []
        self.around: list[journals.Moment] = []  # what journals were read for


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Stage:
    made = Stage()

    def inject(_provider: object, cluster: Cluster, planned: Break) -> list[fault_journal.OpenFault]:
        done = [fault_journal.record(cluster, planned.kind, node.name) for node in planned.nodes]
        made.done.append(f"break {planned.names}")
        if made.inject_fails:
            raise LabError(f"{planned.names}: no effect is seen")
        return done

    def heal(_provider: object, cluster: Cluster, broken: list[fault_journal.OpenFault]) -> Cluster:
        made.done.append(f"heal {' '.join(fault.node for fault in broken)}")
        if made.heal_fails:
            raise made.heal_fails
        for fault in broken:
            fault_journal.healed(cluster, fault)
        return cluster

    monkeypatch.setattr(phases, "run_checks", run_checks(made))
    monkeypatch.setattr(measuring, "Writes", Paper)
    monkeypatch.setattr(measuring, "Observer", Blind)
    monkeypatch.setattr(journals, "record", lambda _p, _c, around, _path: made.around.extend(around))
    monkeypatch.setattr(injecting, "inject", inject)
    monkeypatch.setattr(healing, "heal", heal)
    monkeypatch.setattr(
        node_states,
        "of",
        lambda cluster, _provider: dict.fromkeys((node.name for node in cluster.nodes), NodeState.RUNNING),
    )
    monkeypatch.setattr(node_states, "running", lambda *_args: [])
    return made


@pytest.fixture
def carry_out(
    stage: Stage, planned: Callable[..., Cluster], made_lab: Callable[..., Lab], tmp_path: Path
) -> Callable[[], Any]:
    def do() -> Any:
        cluster = planned()
        provider: Any = object()
        verification = Verification(provider, cluster, [made_lab("ch3", "a.service")], tmp_path / "run")
        planned_break = Break((cluster.nodes[1],), FaultKind.REBOOT, {})
        steps = [Step(("core-02",), FaultKind.REBOOT)] * stage.steps
        verdict = verification.run(one_by_one(steps), lambda _step: planned_break, deadline=1.0)
        assert fault_journal.open_faults(cluster) == [] or stage.heal_fails
        return verdict

    return do


def test_a_cluster_that_recovers(stage: Stage, carry_out: Callable[[], Any], tmp_path: Path) -> None:
    verdict = carry_out()
    assert stage.done == ["check not lasting", "break core-02", "check survives", "heal core-02", "check all"]
    assert stage.within == [STEADY, 1.0, 1.0]
    assert verdict.outcome is PASS
    assert [phase.name for phase in verdict.phases] == [
        "steady state before",
        "effect",
        "recovery while broken",
        "repair",
        "steady state after",
        "writes",
    ]
    written = json.loads((tmp_path / "run" / "verdict.json").read_text())
    assert (written["outcome"], written["nodes"], written["fault"], written["labs"]) == (
        "pass",
        ["core-02"],
        "reboot",
        ["ch3"],
    )


def test_journals_are_read_around_what_was_done_and_what_went_wrong(stage: Stage, carry_out: Callable[[], Any]) -> None:
    stage.checks = [PASS, FAIL, PASS]
    carry_out()
    assert [moment.what for moment in stage.around] == ["effect", "recovery while broken: fail", "repair"]
    assert all(abs(moment.wall - time.time()) < 60 for moment in stage.around)


def test_what_did_not_work_before_is_not_broken(stage: Stage, carry_out: Callable[[], Any]) -> None:
    stage.checks = [FAIL]
    verdict = carry_out()
    assert stage.done == ["check not lasting"]
    assert verdict.outcome is UNKNOWN
    assert verdict.phases[0].evidence == "web: says no"


def test_a_cluster_that_does_not_recover(stage: Stage, carry_out: Callable[[], Any]) -> None:
    stage.checks = [PASS, FAIL, PASS]
    verdict = carry_out()
    assert verdict.outcome is FAIL
    assert stage.done[-2:] == ["heal core-02", "check all"]


def test_without_an_effect_nothing_is_proved_and_it_is_healed(stage: Stage, carry_out: Callable[[], Any]) -> None:
    stage.inject_fails = True
    verdict = carry_out()
    assert stage.done == ["check not lasting", "break core-02", "heal core-02"]
    assert verdict.outcome is UNKNOWN


@pytest.mark.parametrize(
    ("trouble", "outcome"),
    [
        (DeadlineError("core-02 does not serve"), FAIL),
        (UnknownError("core-02: whether its effect is gone is unknown"), UNKNOWN),
        (CommandError(Completed(("nft",), 1, "", "")), UNKNOWN),
    ],
)
def test_a_repair_that_fails_is_on_record(
    stage: Stage, carry_out: Callable[[], Any], tmp_path: Path, trouble: LabError, outcome: Outcome
) -> None:
    stage.heal_fails = trouble
    verdict = carry_out()
    assert verdict.outcome is outcome
    assert [phase.evidence for phase in verdict.phases if phase.name == "repair"] == [trouble.message]
    assert load(tmp_path / "run").outcome is outcome


def test_what_a_failed_tool_has_printed_is_part_of_the_evidence(stage: Stage, carry_out: Callable[[], Any]) -> None:
    stage.heal_fails = CommandError(Completed(("nft", "delete"), 1, "", "Warning: old\nError: No such file"))
    assert carry_out().first_bad.evidence == "nft delete: exit code 1: Error: No such file"


def test_an_error_after_a_break_is_a_verdict_too(stage: Stage, carry_out: Callable[[], Any], tmp_path: Path) -> None:
    stage.checks = [PASS, LabError("core: its checks cannot be run"), PASS]
    verdict = carry_out()
    assert stage.done[-1] == "heal core-02"
    assert (verdict.outcome, verdict.first_bad.name) == (UNKNOWN, "carried out to the end")
    assert load(tmp_path / "run").first_bad == verdict.first_bad


def test_an_error_before_anything_is_broken_is_no_verdict(
    stage: Stage, carry_out: Callable[[], Any], tmp_path: Path
) -> None:
    stage.checks = [LabError("core: its checks cannot be run")]
    with pytest.raises(LabError):
        carry_out()
    assert not (tmp_path / "run" / "verdict.json").exists()


def test_a_lost_write_is_a_failure(stage: Stage, carry_out: Callable[[], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    del stage
    monkeypatch.setattr(Paper, "judgement", (FAIL, "etcd lost 1 of 3 acknowledged writes: 2 ..."))
    verdict = carry_out()
    assert (verdict.outcome, verdict.first_bad.name) == (FAIL, "writes")


def test_an_interrupt_heals_too(stage: Stage, carry_out: Callable[[], Any]) -> None:
    stage.checks = [PASS, KeyboardInterrupt()]
    with pytest.raises(KeyboardInterrupt):
        carry_out()
    assert stage.done == ["check not lasting", "break core-02", "check survives", "heal core-02"]


def test_several_breaks_after_one_another(stage: Stage, carry_out: Callable[[], Any]) -> None:
    stage.steps, stage.checks = 2, [PASS] * 5
    verdict = carry_out()
    once = ["break core-02", "check survives", "heal core-02", "check all"]
    assert stage.done == ["check not lasting", *once, *once]
    assert verdict.outcome is PASS
    assert [phase.name for phase in verdict.phases][1] == "1. effect"
    assert [phase.name for phase in verdict.phases][-2:] == ["2. steady state after", "writes"]


def test_the_first_that_is_no_pass_is_the_last(stage: Stage, carry_out: Callable[[], Any]) -> None:
    stage.steps, stage.checks = 2, [PASS, FAIL, PASS]
    assert carry_out().outcome is FAIL
    assert stage.done.count("break core-02") == 1


@pytest.mark.parametrize(
    ("emulated", "ttl", "limit"), [(False, "10s", 30.0), (False, "30s", 50.0), (True, "10s", 150.0)]
)
def test_an_objective_is_longer_where_everything_takes_longer(
    planned: Callable[..., Cluster],
    made_lab: Callable[..., Lab],
    emulated: bool,
    ttl: str,
    limit: float,
) -> None:
    wait.be_patient(emulated=emulated)
    lab = made_lab("ch3", "a.service", objectives={"front": 30.0})
    assert allowed(planned(agent_ttl=ttl), [lab]) == {QualifiedName("ch3", "front"): limit}


def test_who_no_longer_measures_proves_nothing(
    stage: Stage, carry_out: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    del stage
    monkeypatch.setattr(Paper, "troubles", ["KeyError: 'node'"])
    verdict = carry_out()
    assert (verdict.outcome, verdict.first_bad.name) == (UNKNOWN, "measured to the end")


class History:
    """A history of paper."""

    judgement = (PASS, "120 answered operations on 1 register are linearizable")
    troubles: ClassVar[list[str]] = []

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def __enter__(self) -> History:
        self._stage.done.append("history begins")
        return self

    def __exit__(self, *_args: object) -> None:
        self._stage.done.append("history ends")

    def fill(self) -> None:
        self._stage.done.append("history is filled")

    def judged(self) -> tuple[Outcome, str]:
        self._stage.done.append("history is judged")
        return self.judgement


@pytest.fixture
def with_history(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, planned: Callable[..., Cluster], made_lab: Callable[..., Lab]
) -> Callable[[Path], Any]:
    monkeypatch.setattr(measuring, "History", lambda _members, _folder, _judge: History(stage))

    def run(folder: Path) -> Any:
        cluster, provider = planned(), cast(Any, object())
        verification = Verification(provider, cluster, [made_lab("ch3", "a.service")], folder, Path("judge"))
        course = one_by_one([Step(("core-02",), FaultKind.REBOOT)])
        return verification.run(course, lambda _step: Break((cluster.nodes[1],), FaultKind.REBOOT, {}), deadline=1.0)

    return run


def test_a_history_is_judged_when_all_is_over(
    stage: Stage, with_history: Callable[[Path], Any], tmp_path: Path
) -> None:
    verdict = with_history(tmp_path / "run")
    assert verdict.outcome is PASS
    assert [phase.name for phase in verdict.phases][-2:] == ["writes", "history"]
    assert verdict.phases[-1].evidence == History.judgement[1]
    assert stage.done[0] == "history begins"
    assert stage.done[-3:] == ["history is filled", "history ends", "history is judged"]


@pytest.mark.parametrize("outcome", [FAIL, UNKNOWN])
def test_a_history_that_is_not_linearizable_is_no_pass(
    with_history: Callable[[Path], Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, outcome: Outcome
) -> None:
    monkeypatch.setattr(History, "judgement", (outcome, "so"))
    verdict = with_history(tmp_path / "run")
    assert (verdict.outcome, verdict.first_bad.name) == (outcome, "history")
    assert load(tmp_path / "run").outcome is outcome


def test_without_an_effect_no_history_is_judged(
    stage: Stage, with_history: Callable[[Path], Any], tmp_path: Path
) -> None:
    stage.inject_fails = True
    assert "history" not in [phase.name for phase in with_history(tmp_path / "run").phases]
    assert {"history is filled", "history is judged"}.isdisjoint(stage.done)


def test_a_history_that_was_not_recorded_to_the_end_proves_nothing(
    with_history: Callable[[Path], Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(History, "troubles", ["OSError: No space left on device"])
    verdict = with_history(tmp_path / "run")
    assert (verdict.outcome, verdict.first_bad.name) == (UNKNOWN, "measured to the end")


@pytest.mark.parametrize(("lies", "outcome"), [(False, PASS), (True, FAIL)])
def test_an_etcd_that_lies_is_found(
    stage: Stage,
    judge: Path,
    planned: Callable[..., Cluster],
    made_lab: Callable[..., Lab],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    lies: bool,
    outcome: Outcome,
) -> None:
    """Behind one member's port is an etcd that answers quorum reads from its own copy, which is behind."""
    store = Store()
    stage.checks = [PASS] * 4
    monkeypatch.setattr(clients, "INTERVAL", 0.01)
    folder = tmp_path / "run"
    folder.mkdir()
    with serving(Member(store), Member(store), Member(store, behind=1, lies=lies)) as urls:
        monkeypatch.setattr(history, "CLIENT_PORT", int(urls["core-01"].rpartition(":")[2]))
        monkeypatch.setattr(history, "Etcd", lambda _addresses: Unremoved())
        cluster = planned()
        nodes = tuple(replace(node, address=f"127.0.0.{n}") for n, node in enumerate(cluster.nodes, 1))
        cluster = replace(cluster, nodes=nodes)
        provider: Any = object()
        verification = Verification(provider, cluster, [made_lab("ch3", "a.service")], folder, judge)
        course = one_by_one([Step(("core-02",), FaultKind.REBOOT, lasting=2.0)])
        planned_break = Break((cluster.nodes[1],), FaultKind.REBOOT, {})
        verdict = verification.run(course, lambda _step: planned_break, deadline=1.0)
    assert verdict.outcome is outcome, verdict.phases
    evidence = next(phase.evidence for phase in verdict.phases if phase.name == "history")
    assert ("is not linearizable: core-0" in evidence) is lies
    assert ("through core-03" in evidence) is not lies, "what it reads from its own copy is a finding"
    assert "porcupine" in (folder / "history.html").read_text().lower()


class Unremoved:
    """An etcd whose registers stay until they expire."""

    def remove(self, _folder: str) -> None:
        raise UnknownError("etcd: no node answers")


@pytest.mark.parametrize(("may_be_lost", "outcome"), [(True, PASS), (False, FAIL)])
def test_without_a_majority_no_lab_promises_anything(
    stage: Stage,
    planned: Callable[..., Cluster],
    made_lab: Callable[..., Lab],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    may_be_lost: bool,
    outcome: Outcome,
) -> None:
    monkeypatch.setattr(etcd, "is_healthy", lambda _address: False)
    cluster = planned()
    stage.checks = [PASS, PASS]
    provider: Any = object()
    lab = made_lab("ch3", "a.service", objectives={"etcd": 15.0})
    two = Break(cluster.nodes[:2], FaultKind.KILL, {})
    course = replace(one_by_one([Step(("core-01", "core-02"), FaultKind.KILL)]), may_lose_quorum=may_be_lost)
    verdict = Verification(provider, cluster, [lab], tmp_path / "run").run(course, lambda _step: two, deadline=1.0)
    names = [phase.name for phase in verdict.phases]
    assert verdict.outcome is outcome
    assert ("objectives" in names) is not may_be_lost
    assert bool(verdict.objectives) is not may_be_lost
    assert "recovery while broken" not in names
    assert next(phase.evidence for phase in verdict.phases if phase.name == "quorum").startswith(
        "etcd loses its quorum"
    )
