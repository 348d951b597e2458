"""What lab storm and lab replay refuse, what they record, and what a storm that fails is shrunk to."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from coreos_lab.chaos import injecting, storm_record
from coreos_lab.chaos import verdict as verdicts
from coreos_lab.chaos.course import Course
from coreos_lab.chaos.schedule import Step
from coreos_lab.chaos.storm_record import Storm
from coreos_lab.chaos.verdict import Phase, Verdict
from coreos_lab.commands import judged, replay, storm, storming
from coreos_lab.errors import FailedError, LabError, UnknownError, UsageError
from coreos_lab.model import Cluster, FaultKind, Lab, Node, NodeState, Outcome
from coreos_lab.observed import membership
from coreos_lab.records import about, fault_journal, runs, store

OPTIONS: dict[str, Any] = {
    "for_": 120.0,
    "seed": 7,
    "max_broken": 1,
    "fault_names": None,
    "lose_quorum": False,
    "deadline": 30.0,
    "history": False,
    "shrink": True,
    "dry_run": False,
    "json_": True,
}
Printed = pytest.CaptureFixture[str]
LABS = judged.labs  # which the tests replace


class Up:
    """A provider whose nodes all run."""

    name = "paper"
    off = ""

    def state(self, _cluster: object, node: Any) -> NodeState:
        return NodeState.STOPPED if node.name == self.off else NodeState.RUNNING


class Verifications:
    """Verdicts of paper: a plan fails if all breaks of `bad` are in it, at the first phase of the last of them."""

    def __init__(self) -> None:
        self.bad: set[tuple[str, FaultKind]] = set()
        self.courses: list[Course] = []
        self.judges: list[Path | None] = []
        self.unsteady_after = 99  # so many courses, the cluster does not become steady again
        self.error_after = 99
        self.begun = 99  # breaks of a course that there is time for

    def __call__(
        self, _provider: object, cluster: Cluster, _labs: object, folder: Path, judge: Path | None = None
    ) -> Any:
        verifications = self
        self.judges.append(judge)

        class One:
            def run(self, course: Course, _plan: object, *, deadline: float) -> Verdict:
                assert deadline == OPTIONS["deadline"]
                return verifications.judge(cluster, course, folder)

        return One()

    def judge(self, cluster: Cluster, course: Course, folder: Path) -> Verdict:
        self.courses.append(course)
        if len(self.courses) > self.error_after:
            raise LabError("core: its checks cannot be run")
        steady = len(self.courses) <= self.unsteady_after
        phases = [Phase("steady state before", Outcome.PASS if steady else Outcome.UNKNOWN, 1.0, "so", began=100.0)]
        seen: set[tuple[str, FaultKind]] = set()
        for number, step in enumerate(course.steps[: self.begun] if steady else ()):
            prefix = course.prefix(number)
            seen.add((step.targets[0], step.kind))
            failed = bool(self.bad) and self.bad <= seen
            begin = 101.0 + step.at
            phases.append(Phase(f"{prefix}effect", Outcome.PASS, 0.1, began=begin))
            outcome = Outcome.FAIL if failed else Outcome.PASS
            phases.append(Phase(f"{prefix}recovery while broken", outcome, 1.0, "web: says no", began=begin + 1))
            phases.append(Phase(f"{prefix}repair", Outcome.PASS, 1.0, began=begin + (step.lasting or 0.0)))
            if failed:
                break
        nodes = tuple(sorted({target for target, _kind in seen}))
        verdict = Verdict(verdicts.judge(phases), cluster.name, nodes, course.what, ("ch3",), tuple(phases))
        verdicts.save(verdict, folder)
        return verdict


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Up:
    made = Up()
    for module in (storm, replay):
        monkeypatch.setattr(module, "choose", lambda _name: made)
    return made


@pytest.fixture(autouse=True)
def cluster(
    planned: Callable[..., Cluster], made_lab: Callable[..., Lab], provider: Up, monkeypatch: pytest.MonkeyPatch
) -> Cluster:
    """Three nodes of paper with a lab on them, on which every fault is possible."""
    made = planned()
    store.save(made)
    monkeypatch.setattr(membership, "voters", lambda cluster, _running: cluster.members)
    monkeypatch.setattr(injecting, "require_able", lambda *_args: [])
    monkeypatch.setattr(storming, "target_node", lambda cluster, _provider, _target: cluster.nodes[0])
    monkeypatch.setattr(judged, "labs", lambda _cluster, _asked: [made_lab("ch3", "web.service", target="unit:web")])
    del provider
    return made


@pytest.fixture
def paper(monkeypatch: pytest.MonkeyPatch) -> Verifications:
    made = Verifications()
    monkeypatch.setattr(storming, "Verification", made)
    return made


def folder() -> Path:
    return runs.ordered("core")[-1]


def steps_of(shown: Sequence[dict[str, Any]]) -> list[tuple[str, FaultKind]]:
    return [(each["target"], FaultKind(each["fault"])) for each in shown]


def planned_breaks(capsys: Printed, **more: Any) -> list[dict[str, Any]]:
    storm.run("core", **{**OPTIONS, "dry_run": True, **more})
    return list(json.loads(capsys.readouterr().out)["breaks"])


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"for_": 5.0}, "--for 5s: must be from 15s to 2h"),
        ({"for_": 7201.0}, "--for 7201s: must be from 15s to 2h"),
        ({"max_broken": 4}, "--max-broken 4: core has 3 nodes"),
        ({"fault_names": "kill,explode"}, r"--faults explode: no such fault \(there is: kill"),
        ({"fault_names": ""}, "--faults : no such fault"),
        ({"fault_names": "kill,"}, "--faults : no such fault"),
        ({"fault_names": "loss:percent=200"}, "--faults loss:percent=200: --set percent=200: not a number"),
        ({"fault_names": "loss:percent"}, "--faults loss:percent: --set percent: no value"),
        ({"fault_names": "kill:x=y"}, "--faults kill:x=y: --set x=y: kill has no such parameter"),
        ({"fault_names": "lose-disk"}, "core: none of these faults is possible on its nodes"),
    ],
)
def test_bad_words_are_refused(options: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        storm.run("core", **{**OPTIONS, **options})
    assert runs.ordered("core") == []


def test_the_same_seed_is_the_same_plan(capsys: Printed) -> None:
    first = planned_breaks(capsys)
    assert first == planned_breaks(capsys)
    assert first != planned_breaks(capsys, seed=8)
    assert {each["fault"] for each in planned_breaks(capsys, fault_names="pause, kill")} <= {"kill", "pause"}
    assert {each["values"]["percent"] for each in planned_breaks(capsys, fault_names="loss:percent=40")} == {"40"}
    assert runs.ordered("core") == []


@pytest.mark.usefixtures("paper")
def test_what_is_broken_or_off_is_no_ground_for_a_storm(provider: Up, cluster: Cluster) -> None:
    provider.off = "core-02"
    with pytest.raises(LabError, match="core-02: does not run"):
        storm.run("core", **OPTIONS)
    provider.off = ""
    fault_journal.record(cluster, FaultKind.KILL, "core-03")
    with pytest.raises(LabError, match="core: is broken already"):
        storm.run("core", **OPTIONS)
    assert runs.ordered("core") == []


def test_a_node_that_is_no_member_of_etcd_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(membership, "voters", lambda cluster, _running: cluster.members[:2])
    with pytest.raises(LabError, match="core-03: is no member of etcd") as refused:
        storm.run("core", **OPTIONS)
    assert refused.value.hint == "run 'lab up' first"


def test_a_fault_that_is_impossible_here_is_no_verdict(monkeypatch: pytest.MonkeyPatch, paper: Verifications) -> None:
    def refuse(_provider: object, _cluster: object, planned: Any) -> list[object]:
        if planned.kind is FaultKind.DELAY:
            raise LabError("delay: this kernel has no network emulator")
        return []

    monkeypatch.setattr(injecting, "require_able", refuse)
    with pytest.raises(LabError, match="no network emulator"):
        storm.run("core", **{**OPTIONS, "for_": 600.0, "fault_names": "kill,delay"})
    assert (paper.courses, runs.ordered("core")) == ([], [])


def test_a_unit_that_is_restarting_is_looked_for_again(monkeypatch: pytest.MonkeyPatch, cluster: Cluster) -> None:
    looks: list[str] = []

    def restarting(_cluster: object, _provider: object, target: str) -> Node:
        looks.append(target)
        if len(looks) < 3:
            raise LabError(f"{target}: no machine runs that unit")
        return cluster.nodes[1]

    provider: Any = Up()
    monkeypatch.setattr(storming, "target_node", restarting)
    made = storming.Storming(provider, cluster, [])
    kill = Step(("unit:web",), FaultKind.KILL)
    assert made._plan(kill).nodes == (cluster.nodes[1],)
    assert len(looks) == 3
    monkeypatch.setattr(storming, "PLACED_WITHIN", 0.1)
    looks.clear()
    with pytest.raises(LabError, match="unit:web: no machine runs that unit"):
        made._plan(kill)


def test_a_storm_that_passes_is_on_record(paper: Verifications, capsys: Printed) -> None:
    planned = planned_breaks(capsys)
    storm.run("core", **{**OPTIONS, "fault_names": None})
    printed = json.loads(capsys.readouterr().out)
    assert (printed["outcome"], printed["seed"], printed["shrunk"]) == ("pass", 7, None)
    assert printed["breaks"] == planned
    assert [step.targets[0] for step in paper.courses[0].steps] == [each["target"] for each in planned]
    recorded = storm_record.load(folder())
    assert recorded is not None
    assert (recorded.steps, recorded.ends) == (paper.courses[0].steps, 120.0)
    told = about.load(folder())
    assert told is not None
    assert (told.verb, told.what, told.judged) == ("storm", "storm (seed 7)", True)
    assert told.again == "lab storm --for 120s --seed 7 --max-broken 1 --deadline 30s"


def test_breaks_that_there_was_no_time_for_are_named(paper: Verifications, capsys: Printed) -> None:
    planned = planned_breaks(capsys)
    paper.begun = 2
    storm.run("core", **{**OPTIONS, "json_": False})
    assert f"the time of --for was over after 2 of {len(planned)} breaks" in capsys.readouterr().out


def test_a_storm_that_fails_is_shrunk(paper: Verifications, capsys: Printed) -> None:
    planned = planned_breaks(capsys, for_=600.0)
    last = steps_of(planned)[-3]
    paper.bad = {last}
    with pytest.raises(FailedError, match="recovery while broken: web: says no"):
        storm.run("core", **{**OPTIONS, "for_": 600.0, "json_": False})
    printed = capsys.readouterr().out
    assert f"shrunk to 1 of {len(planned)} breaks in 1 attempt: {last[1]} of {last[0]} at " in printed
    assert f"once more: lab replay {folder().name} --shrunk\n" in printed
    shrunk = storm_record.load_shrunk(folder())
    assert shrunk is not None
    assert [(step.targets[0], step.kind) for step in shrunk.steps] == [last]
    attempt = folder() / "shrinking" / shrunk.run
    assert verdicts.load(attempt).outcome is Outcome.FAIL
    assert len(runs.ordered("core")) == 1, "an attempt is no run of its own: the last run is the storm"


def test_a_history_is_recorded_in_each_attempt_and_in_a_replay(
    cluster: Cluster, paper: Verifications, capsys: Printed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storming, "ensure_judge", lambda: Path("judge"))
    paper.bad = {steps_of(planned_breaks(capsys))[-1]}
    with pytest.raises(FailedError):
        storm.run("core", **{**OPTIONS, "history": True})
    assert about.load(folder()).again.endswith(" --history")  # type: ignore[union-attr]
    paper.bad = set()
    replay.replay(cluster.name, None, shrunk=True, dry_run=False, json_=True)
    assert len(paper.judges) >= 3
    assert set(paper.judges) == {Path("judge")}


def test_a_storm_need_not_be_shrunk(paper: Verifications, capsys: Printed) -> None:
    paper.bad = {steps_of(planned_breaks(capsys))[-1]}
    with pytest.raises(FailedError):
        storm.run("core", **{**OPTIONS, "shrink": False})
    assert json.loads(capsys.readouterr().out)["shrunk"] is None
    assert len(paper.courses) == 1


@pytest.mark.parametrize(
    ("trouble", "why"),
    [
        ({"unsteady_after": 1}, "core did not become steady again: so"),
        ({"error_after": 1}, "core: its checks cannot be run"),
    ],
)
def test_what_ends_shrinking_is_said(paper: Verifications, capsys: Printed, trouble: Any, why: str) -> None:
    paper.bad = {steps_of(planned_breaks(capsys))[-1]}
    vars(paper).update(trouble)
    with pytest.raises(FailedError):
        storm.run("core", **OPTIONS)
    shrunk = json.loads(capsys.readouterr().out)["shrunk"]
    assert (shrunk["attempts"], shrunk["stopped"], len(shrunk["breaks"])) == (1, why, shrunk["of"])
    assert len(paper.courses) == 2


def test_shrinking_ends_after_so_many_attempts(
    paper: Verifications, capsys: Printed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storming, "MOST", 2)
    planned = planned_breaks(capsys, for_=600.0)
    paper.bad = set(steps_of(planned))
    with pytest.raises(FailedError):
        storm.run("core", **{**OPTIONS, "for_": 600.0, "json_": False})
    assert len(paper.courses) == 1 + 2
    assert "\nnot shrunk further: 2 attempts were made\n" in capsys.readouterr().out


def test_what_stays_broken_is_not_broken_again(paper: Verifications, capsys: Printed, cluster: Cluster) -> None:
    paper.bad = {steps_of(planned_breaks(capsys))[-1]}
    judge = paper.judge

    def leave(cluster_: Cluster, course: Course, folder_: Path) -> Verdict:
        fault_journal.record(cluster, FaultKind.KILL, "core-03")
        return judge(cluster_, course, folder_)

    paper.judge = leave  # type: ignore[method-assign, assignment]
    with pytest.raises(FailedError):
        storm.run("core", **OPTIONS)
    shrunk = json.loads(capsys.readouterr().out)["shrunk"]
    assert (shrunk["attempts"], shrunk["stopped"]) == (0, "core-03 (kill) is still broken")


def test_what_cannot_be_judged_is_not_shrunk(paper: Verifications, capsys: Printed) -> None:
    paper.unsteady_after = 0
    with pytest.raises(UnknownError):
        storm.run("core", **OPTIONS)
    assert json.loads(capsys.readouterr().out)["shrunk"] is None


def recorded(cluster: Cluster, *steps: Step, verdict: bool = True) -> Path:
    """The run of a storm that made these breaks half a second late."""
    made = runs.new(cluster, "storm")
    about.save(about.describe(cluster, "storm", "storm (seed 7)", "lab storm", judged=True, programs={}), made)
    storm_record.save(Storm(7, steps, 30.0, 600.0), made)
    if verdict:
        late = tuple(replace(step, at=step.at + 0.5) for step in steps)
        Verifications().judge(cluster, Course(late, (), "storm (seed 7)"), made)
    return made


KILL = Step(("core-02",), FaultKind.KILL, lasting=15.0, at=3.0)
LOSS = Step(("core-03",), FaultKind.LOSS, {"percent": "40"}, lasting=20.0, at=30.0)


def test_a_replay_makes_the_same_breaks_at_the_times_at_which_they_were_made(
    cluster: Cluster, paper: Verifications, capsys: Printed
) -> None:
    source = recorded(cluster, KILL, LOSS)
    replay.replay("core", source.name, shrunk=False, dry_run=False, json_=True)
    assert json.loads(capsys.readouterr().out)["outcome"] == "pass"
    (course,) = paper.courses
    assert course.steps == (replace(KILL, at=3.5), replace(LOSS, at=30.5))
    assert course.ends is None, "nothing is left out for lack of time"
    told = about.load(folder())
    assert told is not None
    assert (told.what, told.again) == (f"storm (seed 7), replayed from {source.name}", f"lab replay {source.name}")
    replay.replay("core", None, shrunk=False, dry_run=True, json_=False)
    again = json.loads(capsys.readouterr().out)
    assert again["run"] == folder().name, "a replay is a storm that can be replayed"
    assert steps_of(again["breaks"]) == [("core-02", FaultKind.KILL), ("core-03", FaultKind.LOSS)]


def test_a_storm_that_was_killed_is_repeated_as_planned(cluster: Cluster, paper: Verifications) -> None:
    source = recorded(cluster, KILL, LOSS, verdict=False)
    replay.replay("core", source.name, shrunk=False, dry_run=False, json_=True)
    assert paper.courses[0].steps == (KILL, LOSS)


def test_the_shortest_plan_that_failed_is_repeated(cluster: Cluster, paper: Verifications) -> None:
    source = recorded(cluster, KILL, LOSS)
    with pytest.raises(UsageError, match=f"{source.name}: was not shrunk"):
        replay.replay("core", source.name, shrunk=True, dry_run=False, json_=True)
    storm_record.save_shrunk(storm_record.Shrunk((LOSS,), 2, 1), source)
    replay.replay("core", str(source), shrunk=True, dry_run=False, json_=True)
    assert paper.courses[0].steps == (LOSS,)


def test_what_cannot_be_replayed(cluster: Cluster) -> None:
    def refused(run: str | None) -> str:
        with pytest.raises(LabError) as error:
            replay.replay("core", run, shrunk=False, dry_run=True, json_=True)
        return f"{error.value.message} | {error.value.hint}"

    assert "core: there is no storm yet | lab storm" in refused(None)
    assert "nosuch: no such run of core" in refused("nosuch")
    assert "/nosuch: not a run's folder" in refused("/nosuch")
    of_break = runs.new(cluster, "break-core-02")
    described = about.describe(cluster, "break", "kill of core-02", "lab break core-02", judged=True, programs={})
    about.save(described, of_break)
    said = f"{of_break.name}: is a run of 'lab break', and has no plan of a storm | do it again: lab break core-02"
    assert said in refused(of_break.name)
    other = recorded(cluster, replace(KILL, targets=("core-09",)))
    assert "core-09: no such node in cluster core (there is: core-01" in refused(other.name)
    (other / storm_record.FILE).write_text('{"version": 1, "wh')
    assert "not valid JSON" in refused(other.name)


def test_a_lab_has_to_be_deployed(cluster: Cluster) -> None:
    with pytest.raises(UsageError, match="storm: no lab is deployed"):
        LABS(cluster, "storm")
