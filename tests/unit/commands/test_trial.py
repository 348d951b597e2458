"""A walk without a reader is a run with a record, once there is a cluster."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from coreos_lab.chaos import journals
from coreos_lab.cli import called
from coreos_lab.clients.fleet import Fleet, UnitState
from coreos_lab.commands import trial
from coreos_lab.errors import Exit
from coreos_lab.model import Cluster, Lab, NodeState, Outcome
from coreos_lab.observed import programs
from coreos_lab.records import runs, store
from coreos_lab.report import sources
from coreos_lab.report.values import Report
from tests import paged_lab

STEP = "```console\n$ {}\n```\n"


class Killed(BaseException):
    """Stands for a signal that ends the command."""


class Up:
    """A provider whose nodes all run."""

    def state(self, *_args: object) -> NodeState:
        return NodeState.RUNNING


@pytest.fixture
def around(monkeypatch: pytest.MonkeyPatch) -> list[journals.Moment]:
    """What journals were read for."""
    found: list[journals.Moment] = []
    monkeypatch.setattr(journals, "record", lambda _p, _c, moments, _path: found.extend(moments))
    return found


@pytest.fixture
def walk(
    tmp_path: Path,
    planned: Callable[..., Cluster],
    monkeypatch: pytest.MonkeyPatch,
    around: list[journals.Moment],
) -> Callable[..., int]:
    """Goes through a page of these commands; where `{made}` stands, a command that makes the cluster's plan."""
    del around
    monkeypatch.setenv("LAB_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setattr(trial, "choose", lambda _name: Up())
    monkeypatch.setattr(programs, "versions", lambda *_args: {"node": "core-01", "etcd": "3.5"})
    failed = [UnitState("bad.service", "id", "loaded", "failed", "failed")]
    failed.append(UnitState("good.service", "id", "loaded", "active", "running"))
    monkeypatch.setattr(Fleet, "states", lambda _self: failed)
    store.save(planned())
    plan = store.ClusterFolder("core").plan
    shutil.move(plan, tmp_path / "plan")
    kept, there = shlex.quote(str(tmp_path / "plan")), shlex.quote(str(plan))
    made = f"mkdir -p $(dirname {there}) && cp {kept} {there}"

    def do(*commands: str) -> int:
        folder = tmp_path / "mine"
        shutil.rmtree(folder, ignore_errors=True)
        paged_lab.write(folder, "# A\n" + "".join(STEP.format(each.format(made=made)) for each in commands))
        return called(["walk", str(folder), "--test"])

    return do


def last() -> Report:
    return sources.read(sources.find("core", None))


def test_a_walk_has_a_report_of_its_steps_with_those_before_the_cluster(walk: Callable[..., int]) -> None:
    assert walk("true", "{made}", "echo on") == Exit.DONE
    report = last()
    assert (report.outcome, report.what) == (Outcome.PASS, "walk of mine")
    assert report.sentence == "All 3 steps did what the page says."
    assert [part.name.partition(" ")[0] for part in report.parts] == ["1", "2", "3"]
    assert report.parts[0].begin is not None
    assert 0 <= report.parts[0].begin < (report.parts[1].begin or 0)
    assert "--test" in report.again
    assert ("core-01: etcd", "3.5") in report.versions
    text = (runs.ordered("core")[-1] / runs.EVENTS).read_text(encoding="utf-8")
    assert text.count('"kind": "start"') == text.count('"kind": "end"') == 3


def test_a_step_that_fails_is_shown_with_its_output_and_units_that_failed(
    walk: Callable[..., int], around: list[journals.Moment]
) -> None:
    assert walk("{made}", "echo why; false", "true") == Exit.FAILED
    report = last()
    assert report.outcome is Outcome.FAIL
    assert "page.md:5: echo why; false: exit code 1 instead of 0" in report.sentence
    assert report.parts[-1].evidence.endswith("\nwhy")
    assert len(report.parts) == 2, "the steps after it are not tried"
    assert around[0].units == ("bad.service",)


def test_it_is_the_last_run_though_others_were_made_in_it(walk: Callable[..., int]) -> None:
    new = "from coreos_lab.records import runs, store; runs.new(store.require('core'), 'inner')"
    assert walk("{made}", f'python3 -P -c "{new}"') in (Exit.DONE, Exit.FAILED)
    assert runs.ordered("core")[-1].name.endswith("walk-mine")


def test_a_page_may_take_the_cluster_away_and_make_another(walk: Callable[..., int], tmp_path: Path) -> None:
    gone = f"rm -r {tmp_path}/state/clusters/core"
    assert walk("{made}", gone, "true") == Exit.DONE
    assert runs.ordered("core") == [], "nothing to keep a record with, and no folder is left"
    assert walk("{made}", "true", gone, "{made}", "true") == Exit.DONE
    report = last()
    assert len(report.parts) == 5
    assert report.again, "its folder is a new one, with a description"


def test_one_that_is_interrupted_has_no_verdict(
    walk: Callable[..., int], planned: Callable[..., Cluster], made_lab: Callable[..., Lab]
) -> None:
    del walk  # what it stands on is needed
    store.save(planned())
    made = trial.Trial("core", made_lab("mine"), 1)
    with pytest.raises(Killed), made.going_on():
        made.reached(1)
        assert runs.is_going_on(runs.ordered("core")[-1])
        raise Killed
    report = last()
    assert report.outcome is Outcome.UNKNOWN
    assert report.sentence.startswith("There is no verdict")
    assert not runs.is_going_on(runs.ordered("core")[-1])
