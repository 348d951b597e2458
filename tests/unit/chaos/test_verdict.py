"""A verdict is judged from its evidence, and a record that was changed does not pass."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from coreos_lab.chaos import verdict as records
from coreos_lab.chaos.probes import Sample
from coreos_lab.chaos.verdict import PROBES, RECORD, Phase, Verdict, judge, of_checks, of_objectives
from coreos_lab.commands import verdict as command
from coreos_lab.errors import FailedError, LabError, UnknownError, UsageError
from coreos_lab.model import ETCD_PROBE, CheckResult, Cluster, Outcome, QualifiedName, to_json
from coreos_lab.records import runs, store

PASS, FAIL, UNKNOWN = Outcome.PASS, Outcome.FAIL, Outcome.UNKNOWN
GOOD, BAD = CheckResult("web", PASS, lab="ch3"), CheckResult("web", FAIL, "says no", 0.5, "ch3")
FRONT = QualifiedName("ch3", "front")
WHOLE = Verdict(
    PASS,
    "core",
    ("core-02",),
    "kill",
    ("ch3",),
    (
        Phase("steady state before", PASS, 1.0, "1 check passes", (GOOD,)),
        Phase("effect", PASS, 0.1, "power cut"),
        Phase("recovery while broken", PASS, 9.0, "1 check passes", (GOOD,)),
        Phase("objectives", PASS, 0.0, "ch3/front down for 2.0 s at most"),
    ),
    {FRONT: 2.0},
    {FRONT: 30.0},
)


def samples(seconds: float) -> list[Sample]:
    """The front, down for so long."""
    return [
        Sample("ch3", "front", 0.0, 0.0, ok=True),
        Sample("ch3", "front", 1.0, 1.0, ok=False),
        Sample("ch3", "front", 1.0 + seconds, 9.0, True),
    ]


def changed(number: int, **values: object) -> Verdict:
    """The whole verdict with one phase that is another."""
    phases = list(WHOLE.phases)
    phases[number] = replace(phases[number], **values)  # type: ignore[arg-type]
    return replace(WHOLE, phases=tuple(phases))


def test_what_comes_after_the_first_that_fails_does_not_matter() -> None:
    assert judge([Phase("a", PASS, 0), Phase("b", UNKNOWN, 0), Phase("c", FAIL, 0)]) is UNKNOWN
    assert of_checks([CheckResult("a", UNKNOWN), CheckResult("b", FAIL)]) is FAIL
    assert of_checks([]) is UNKNOWN


def test_a_break_that_never_came_is_not_of_anybody() -> None:
    assert replace(WHOLE, nodes=()).what == f"{WHOLE.fault} (nothing was broken)"


def test_objectives_of_several_labs() -> None:
    other = QualifiedName("other", "front")
    objectives = {FRONT: 10.0, other: 5.0}
    assert of_objectives(objectives, {FRONT: 9.0, other: 5.1}) == (
        FAIL,
        "other/front was down for 5.1 s, the objective is 5 s at most",
    )
    assert of_objectives(objectives, {FRONT: 9.0}) == (UNKNOWN, "other/front was never measured")
    assert of_objectives(objectives, {FRONT: 9.0, other: 0.0}) == (
        PASS,
        "ch3/front down for 9.0 s at most, other/front down for 0.0 s at most",
    )


def test_each_lab_promises_something_of_the_one_etcd() -> None:
    objectives = {QualifiedName("a", ETCD_PROBE): 5.0, QualifiedName("b", ETCD_PROBE): 15.0}
    assert of_objectives(objectives, {QualifiedName("", ETCD_PROBE): 7.0}) == (
        FAIL,
        "a/etcd was down for 7.0 s, the objective is 5 s at most",
    )


def test_a_record_is_read_as_it_was_written(tmp_path: Path) -> None:
    records.save(WHOLE, tmp_path)
    assert records.load(tmp_path) == WHOLE
    assert records.derived(WHOLE, samples(2.0)) == WHOLE


def test_probes_of_one_name_in_two_labs_are_told_apart(tmp_path: Path) -> None:
    """The first is down for too long, the second, which may be down for longer, not at all."""
    slow = QualifiedName("slow", "front")
    verdict = replace(
        changed(3, outcome=FAIL, evidence="ch3/front was down for 5.0 s, the objective is 1 s at most"),
        outcome=FAIL,
        labs=("ch3", "slow"),
        outages={FRONT: 5.0, slow: 0.0},
        objectives={FRONT: 1.0, slow: 300.0},
    )
    seen = [*samples(5.0), *(replace(each, lab="slow", ok=True) for each in samples(5.0))]
    records.save(verdict, tmp_path)
    assert records.load(tmp_path) == verdict
    assert json.loads((tmp_path / RECORD).read_text())["objectives"] == {"ch3/front": 1.0, "slow/front": 300.0}
    assert records.derived(verdict, seen) == verdict


@pytest.mark.parametrize(
    ("verdict", "down", "outcome"),
    [
        (changed(0, checks=(BAD,)), 2.0, UNKNOWN),
        (changed(1, outcome=UNKNOWN), 2.0, UNKNOWN),
        (changed(2, checks=(GOOD, BAD)), 2.0, FAIL),
        (WHOLE, 30.1, FAIL),
        (changed(3, outcome=FAIL), 2.0, PASS),
    ],
)
def test_the_evidence_decides(verdict: Verdict, down: float, outcome: Outcome) -> None:
    assert records.derived(verdict, samples(down)).outcome is outcome


@pytest.fixture
def run(planned: Callable[..., Cluster]) -> Callable[..., Path]:
    """A run of a planned cluster with this record."""

    def make(verdict: Verdict, name: str = "20260101-000000-break-core-02", down: float = 2.0) -> Path:
        store.save(planned())
        folder = store.ClusterFolder("core").runs / name
        folder.mkdir(parents=True)
        records.save(verdict, folder)
        (folder / PROBES).write_text("".join(json.dumps(asdict(each)) + "\n" for each in samples(down)))
        return folder

    return make


def test_the_last_run_is_told(run: Callable[..., Path], capsys: pytest.CaptureFixture[str]) -> None:
    run(WHOLE, "20260101-000000-a")
    run(replace(changed(2, outcome=UNKNOWN, checks=()), outcome=UNKNOWN), "20260102-000000-b")
    with pytest.raises(UnknownError, match="recovery while broken"):
        command.verdict("core", None, as_json=False)
    command.verdict("core", "20260101-000000-a", as_json=False)
    assert "verdict: PASS" in capsys.readouterr().out


def test_a_verdict_on_machines_that_are_not_isolated_says_so(
    run: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    run(WHOLE)
    command.verdict("core", None, as_json=False)
    assert "not isolated" not in capsys.readouterr().out
    run(replace(WHOLE, userns=False), "20260102-000000-b")
    command.verdict("core", None, as_json=False)
    assert "not isolated: root on its machines is root of the host" in capsys.readouterr().out


def test_the_last_run_is_the_last_although_the_clock_has_jumped_back(
    planned: Callable[..., Cluster], monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = planned()
    store.save(cluster)
    made: list[Path] = []
    clock = iter(["20260102-000000", "20260101-000000", "20260101-000000"])
    monkeypatch.setattr(time, "strftime", lambda _form: next(clock))
    for _ in range(3):
        made.append(runs.new(cluster, "break-core-02"))
        records.save(WHOLE, made[-1])
        assert command.find("core", None) == made[-1]
    assert runs.ordered("core") == made
    assert command.find("core", made[0].name) == made[0]


def test_a_fail_is_a_fail(run: Callable[..., Path]) -> None:
    run(replace(changed(2, outcome=FAIL, checks=(BAD,), evidence="web: says no"), outcome=FAIL))
    with pytest.raises(FailedError, match="recovery while broken: web: says no"):
        command.verdict("core", None, as_json=True)


def test_a_record_that_was_changed_is_found_out(run: Callable[..., Path]) -> None:
    run(changed(2, checks=(BAD,)))
    with pytest.raises(LabError, match=r"verdict.json: says pass, but its evidence says fail"):
        command.verdict("core", None, as_json=False)


def test_probes_outweigh_words(run: Callable[..., Path]) -> None:
    run(WHOLE, down=31.0)
    with pytest.raises(LabError, match="its evidence says fail"):
        command.verdict("core", None, as_json=False)


def test_a_record_that_names_no_labs_is_refused(run: Callable[..., Path]) -> None:
    folder = run(WHOLE)
    old = json.loads((folder / RECORD).read_text())
    del old["version"]
    (folder / RECORD).write_text(json.dumps(old | {"outages": {"front": 2.0}, "objectives": {"front": 30.0}}))
    with pytest.raises(UnknownError, match="a record of version 1, and this lab reads version 2"):
        command.verdict("core", None, as_json=False)


def test_without_what_the_probes_saw_there_is_no_pass(run: Callable[..., Path]) -> None:
    folder = run(WHOLE)
    (folder / PROBES).unlink()
    with pytest.raises(LabError, match="says pass, but its evidence says unknown"):
        command.verdict("core", None, as_json=False)


def test_what_is_not_there_is_said(run: Callable[..., Path], planned: Callable[..., Cluster]) -> None:
    store.save(planned())
    with pytest.raises(UsageError, match="core: no run has a verdict yet"):
        command.verdict("core", None, as_json=False)
    folder = run(WHOLE)
    with pytest.raises(UsageError, match=f"nosuch: no run with a verdict .there is: {folder.name}"):
        command.verdict("core", "nosuch", as_json=False)
    for text, why in (
        ('{"outcome": "pass", "version": 2}', "not a verdict's record"),
        (json.dumps(to_json(replace(WHOLE, phases=(), objectives={}))), "not a verdict's record: it has no phases"),
        ("[" * 99999, "not valid JSON"),
    ):
        (folder / RECORD).write_text(text)
        with pytest.raises(LabError, match=why):
            command.verdict("core", None, as_json=False)


def test_what_a_machine_has_answered_does_not_act_on_the_terminal(
    run: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    run(changed(1, name="effect\x1b[2J", evidence="HTTP 200: \x1b]0;title\x07 \ud800"))
    command.verdict("core", None, as_json=False)
    assert "effect␛[2J" in (out := capsys.readouterr().out)
    assert "HTTP 200: ␛]0;title␇ <U+D800>" in out


@pytest.mark.parametrize(
    "line",
    [
        '{"lab": "ch3", "pro',
        '{"lab": "ch3"}',
        "7",
        "[" * 99999,
        '{"lab": "ch3", "probe": "front", "mono": "7", "wall": 7, "ok": true}',
        '{"lab": "ch3", "probe": [], "mono": 7, "wall": 7, "ok": true}',
        '{"lab": "ch3", "probe": "front", "mono": 7, "wall": 7, "ok": "false"}',
    ],
)
def test_evidence_that_is_damaged_is_told(run: Callable[..., Path], line: str) -> None:
    folder = run(WHOLE)
    with (folder / PROBES).open("a") as out:
        out.write(line)
    with pytest.raises(LabError, match=r"probes\.jsonl: not a record of probes' samples"):
        command.verdict("core", None, as_json=False)


@pytest.mark.parametrize(
    ("outcomes", "verdict"),
    [
        ([PASS, PASS], PASS),
        ([PASS, FAIL, PASS], FAIL),
        ([PASS, UNKNOWN, FAIL], UNKNOWN),
        ([FAIL, UNKNOWN], FAIL),
        ([], PASS),
    ],
)
def test_the_first_phase_that_does_not_pass_decides(outcomes: list[Outcome], verdict: Outcome) -> None:
    assert judge([Phase("x", outcome, 0.0) for outcome in outcomes]) is verdict


@pytest.mark.parametrize(
    ("outcomes", "together"), [([PASS], PASS), ([PASS, UNKNOWN], UNKNOWN), ([UNKNOWN, FAIL], FAIL), ([], UNKNOWN)]
)
def test_could_not_check_is_never_a_pass(outcomes: list[Outcome], together: Outcome) -> None:
    assert of_checks([CheckResult("c", outcome) for outcome in outcomes]) is together
