"""The record of a break as a report: what it says, and what it says of a record that is not whole."""

from __future__ import annotations

import fcntl
import json
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from coreos_lab.chaos import verdict as verdicts
from coreos_lab.chaos.verdict import JOURNALS, LEADERS, PROBES, RECORD, UNITS
from coreos_lab.errors import UnknownError
from coreos_lab.model import Cluster, Outcome
from coreos_lab.records import about
from coreos_lab.records.runs import EVENTS
from coreos_lab.report import breaks, words
from coreos_lab.report.breaks import read
from coreos_lab.report.page import html
from tests.unit.report import paper_run
from tests.unit.report.paper_run import Run

Recorded = Callable[..., Path]


def test_a_pass_says_what_it_has_proved(recorded: Recorded) -> None:
    report = read(recorded())
    assert (report.outcome, report.what, report.problems) == (Outcome.PASS, "kill of core-02", ())
    assert report.sentence == (
        "The labs' checks passed again 14.5 s after the fault, while it was still there, ch3/front was down for 9.5 s"
        " at the longest (60 s are allowed) and no acknowledged write was lost."
    )
    assert report.wall == paper_run.WALL
    assert 57 < report.seconds < 58
    facts = {fact.name: fact.value for fact in report.facts}
    assert facts == {
        "Recovery": "14.5 s",
        "ch3/front down": "9.5 s",
        "ch3/etcd down": "1.0 s",
        "Writes": "281",
        "Checks": "7 of 7",
    }
    assert report.again == "lab break core-02 --fault kill --verify --deadline 90s"
    assert ("core-01: etcd", "3.5.35") in report.versions
    assert all(name != "core-01: node" for name, _value in report.versions)


def test_a_run_on_machines_that_are_not_isolated_says_so(recorded: Recorded, planned: Callable[..., Cluster]) -> None:
    folder = recorded()
    for userns, words_of_it in ((True, "yes"), (False, "no: root on a node is root of the host")):
        cluster = replace(planned(), userns=userns)
        about.save(about.describe(cluster, "break", "kill", "lab break", judged=True, programs={}, files={}), folder)
        assert ("user namespaces", words_of_it) in read(folder).versions


def test_the_timeline_has_everything_that_is_on_record(recorded: Recorded) -> None:
    report = read(recorded())
    groups = {group.title: group for group in report.groups}
    assert list(groups) == ["Phases", "Nodes", "etcd", "Units"]
    assert [span.text for span in groups["Phases"].lanes[0].spans][:3] == ["steady state before", "effect", "noticed"]
    assert [lane.name for lane in groups["Nodes"].lanes] == ["core-01", "core-02", "core-03"]
    broken = {span.text for span in groups["Nodes"].lanes[1].spans}
    assert broken == {"answers", "no answer", "kill", "repair"}
    assert [span.text for span in groups["etcd"].lanes[0].spans] == ["core-02", "no leader", "core-03"]
    assert [lane.name for lane in groups["Units"].lanes] == [
        "helloworld-nginx",
        "helloworld-sidekick@2",
        "helloworld@2",
        "helloworld@3",
    ], "those that moved, and one that was gone for a while"
    assert groups["Units"].about.endswith("These did not move: helloworld@1 on core-01.")
    last = max(point.end for curve in report.curves for point in curve.points)
    for group in (groups["etcd"], groups["Units"]):
        assert all(abs(lane.spans[-1].end - last) < 0.5 for lane in group.lanes), "nobody looked later"
    assert [(round(band.begin), round(band.end), band.tone) for band in report.bands] == [
        (4, 31, "fault"),
        (31, 38, "repair"),
    ]
    assert [(curve.name, curve.limit) for curve in report.curves] == [("ch3/front", 60.0), ("etcd", 15.0)]
    assert [(excerpt.what, round(excerpt.at)) for excerpt in report.excerpts] == [("effect", 4), ("repair", 31)]


def test_a_fail_says_why(recorded: Recorded) -> None:
    report = read(recorded(Run(outcome=Outcome.FAIL)))
    assert report.outcome is Outcome.FAIL
    assert report.sentence == (
        "It failed at “recovery while broken”: ch3: front: http://172.17.8.101: HTTP 502, expected 200."
    )
    (checks,) = [fact for fact in report.facts if fact.name == "Checks"]
    assert (checks.value, checks.outcome) == ("6 of 7", Outcome.FAIL)


def test_an_outage_that_was_too_long(recorded: Recorded) -> None:
    report = read(recorded(Run(front_limit=8)))
    assert report.sentence == ("It failed at “objectives”: ch3/front was down for 9.5 s, the objective is 8 s at most.")
    assert [curve.kept for curve in report.curves] == [False, True]


def test_a_verdict_that_its_evidence_contradicts_is_not_repeated(recorded: Recorded) -> None:
    folder = recorded()
    found = verdicts.load(folder)
    phases = tuple(
        replace(phase, checks=(replace(phase.checks[0], outcome=Outcome.FAIL),)) if phase.checks else phase
        for phase in found.phases
    )
    verdicts.save(replace(found, phases=phases), folder)
    report = read(folder)
    assert report.outcome is Outcome.UNKNOWN
    assert "The record says pass, but its evidence says unknown: it was changed" in report.sentence


@pytest.mark.parametrize("name", [PROBES, EVENTS, UNITS, LEADERS, JOURNALS])
def test_a_record_that_is_cut_off_has_a_report_that_says_so(recorded: Recorded, name: str) -> None:
    folder = recorded()
    whole = (folder / name).read_bytes()
    (folder / name).write_bytes(whole[: len(whole) * 2 // 3 - 7])
    report = read(folder)
    assert [problem for problem in report.problems if problem.startswith(f"{name}: line ") and "cut off" in problem]
    assert (report.outcome is Outcome.UNKNOWN) == (name == PROBES), "without all samples nothing is proved"
    if name == PROBES:
        assert report.sentence == "The record says pass, but its samples are damaged, so that cannot be checked."


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"version": 2}', '{"version": 2, "outcome": "perhaps"}', "[" * 9999]
)
def test_a_verdict_that_is_cut_off_is_unknown(recorded: Recorded, content: str) -> None:
    folder = recorded()
    (folder / RECORD).write_text(content)
    report = read(folder)
    assert report.outcome is Outcome.UNKNOWN
    assert [problem for problem in report.problems if RECORD in problem]
    assert report.curves, "the rest is there"


def test_a_record_of_another_version_is_refused(recorded: Recorded) -> None:
    folder = recorded()
    raw = json.loads((folder / RECORD).read_text())
    (folder / RECORD).write_text(json.dumps(raw | {"version": 99}))
    with pytest.raises(UnknownError, match="a record of version 99, and this lab reads version 2"):
        read(folder)


def test_a_description_of_another_version_is_left_out_and_named(recorded: Recorded) -> None:
    folder = recorded()
    raw = json.loads((folder / about.FILE).read_text())
    (folder / about.FILE).write_text(json.dumps(raw | {"version": 99}))
    report = read(folder)
    assert (report.outcome, report.again) == (Outcome.PASS, "")
    assert [problem for problem in report.problems if "has version 99" in problem]
    assert ("cluster", "core") in report.versions


def test_a_run_that_is_still_going_on(recorded: Recorded) -> None:
    folder = recorded()
    for name in (RECORD, PROBES, UNITS, LEADERS, JOURNALS):
        (folder / name).unlink()
    with (folder / EVENTS).open("a") as out:
        fcntl.flock(out, fcntl.LOCK_EX)
        report = read(folder)
    assert (report.outcome, report.state) == (None, "still going on")
    assert [group.title for group in report.groups] == ["Steps", "Nodes"]
    assert [span.text for span in report.bands] == ["kill", "repair"]
    report = read(folder)
    assert report.outcome is Outcome.UNKNOWN
    assert report.sentence == "There is no verdict, because the command was ended before."


def test_a_break_without_verify_was_not_judged(recorded: Recorded) -> None:
    folder = recorded()
    (folder / RECORD).unlink()
    about.save(replace(paper_run.description(), judged=False), folder)
    report = read(folder)
    assert (report.outcome, report.state) == (None, "not judged")
    assert report.sentence == "Nothing was judged, because the command ran without --verify."


def test_a_run_of_before_there_were_descriptions_and_begins(recorded: Recorded) -> None:
    folder = recorded()
    for name in (about.FILE, LEADERS, JOURNALS):
        (folder / name).unlink()
    found = verdicts.load(folder)
    verdicts.save(replace(found, phases=tuple(replace(each, began=None) for each in found.phases)), folder)
    samples = [json.loads(line) for line in (folder / PROBES).read_text().splitlines()]
    paper_run.lines(folder / PROBES, [{k: v for k, v in each.items() if k != "seconds"} for each in samples])
    report = read(folder)
    assert (report.outcome, report.problems) == (Outcome.PASS, ())
    assert report.wall == pytest.approx(paper_run.WALL, abs=1)
    assert [group.title for group in report.groups] == ["Steps", "Nodes", "Units"]


def test_an_empty_folder_of_a_run(tmp_path: Path) -> None:
    (tmp_path / EVENTS).touch()
    report = read(tmp_path)
    assert (report.outcome, report.seconds, report.wall) == (Outcome.UNKNOWN, 0.0, None)


def test_memory_does_not_grow_with_a_record(recorded: Recorded) -> None:
    folder = recorded()
    line = (folder / PROBES).read_bytes().splitlines(keepends=True)[0]
    head, _, tail = line.partition(b'"mono": ')
    rest = tail.partition(b",")[2]

    def peak(samples: int) -> int:
        with (folder / PROBES).open("wb") as out:
            out.writelines(head + b'"mono": %.1f,' % (5000 + number / 10) + rest for number in range(samples))
        tracemalloc.start()
        report = read(folder)
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert report.curves[0].samples == samples
        return found

    assert peak(12_000) < 1.2 * peak(3_000)


def test_a_verdict_larger_than_any_is_not_read(recorded: Recorded, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(breaks, "LARGEST", 100)
    report = read(recorded())
    assert report.outcome is Outcome.UNKNOWN
    assert "larger than any verdict" in report.problems[0]


def test_recovery_is_that_of_the_slowest_break_that_recovered() -> None:
    phase = verdicts.Phase
    phases = [
        phase("steady state before", Outcome.PASS, 50.0),
        phase("1. effect", Outcome.PASS, 1.0),
        phase("1. noticed", Outcome.PASS, 2.0),
        phase("1. recovery while broken", Outcome.PASS, 3.0),
        phase("1. repair", Outcome.PASS, 100.0),
        phase("2. effect", Outcome.PASS, 1.0),
        phase("2. recovery while broken", Outcome.FAIL, 90.0),
    ]
    assert words.recovery(phases) == 6.0
    assert words.recovery(phases[:2]) is None


@pytest.mark.parametrize("damage", ["times", "no phases", "nested", "cut off"])
def test_a_verdict_that_is_damaged_is_said_to_be(recorded: Recorded, damage: str) -> None:
    """It was not that the command ended before it."""
    folder = recorded()
    raw = json.loads((folder / RECORD).read_text())
    if damage == "times":
        raw["phases"][1] |= {"began": 1e308, "seconds": 1e308}  # their sum is no number
    if damage == "no phases":
        raw["phases"] = []
    text = json.dumps(raw)
    (folder / RECORD).write_text({"nested": "[" * 99999, "cut off": text[:100]}.get(damage, text))
    report = read(folder)
    assert report.outcome is Outcome.UNKNOWN
    assert report.sentence == "Its verdict is damaged, so nothing is known of it."
    assert any(RECORD in problem for problem in report.problems)
    assert html(report, "1.0")
