"""The record of a storm: read as it was written, and refused where it is no record; what a run did, and when."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from coreos_lab.chaos import storm_record
from coreos_lab.chaos.schedule import Step
from coreos_lab.chaos.storm_record import Shrunk, Storm, carried_out
from coreos_lab.chaos.verdict import Phase
from coreos_lab.errors import LabError
from coreos_lab.model import FaultKind, Outcome

STEPS = (
    Step(("core-02",), FaultKind.LOSS, {"percent": "40"}, lasting=20.0, at=3.5),
    Step(("unit:web.service",), FaultKind.KILL, lasting=15.0, at=30.0),
    Step(("core-03",), FaultKind.PAUSE, lasting=10.0, at=60.0),
)
STORM = Storm(7, STEPS, 90.0, 600.0, history=True)


def test_what_was_written_is_read(tmp_path: Path) -> None:
    assert storm_record.load(tmp_path) is None
    assert storm_record.load_shrunk(tmp_path) is None
    storm_record.save(STORM, tmp_path)
    assert storm_record.load(tmp_path) == STORM
    shrunk = Shrunk(STEPS[1:2], 3, 4, "run-4", "core did not become steady again")
    storm_record.save_shrunk(shrunk, tmp_path)
    assert storm_record.load_shrunk(tmp_path) == shrunk


@pytest.mark.parametrize(
    ("where", "value", "says"),
    [
        (("steps",), [], "no list of breaks"),
        (("steps",), {"at": 1}, "no list of breaks"),
        (("steps", 0, "kind"), "explode", "explode"),
        (("steps", 0, "values"), {"percent": "200"}, "percent=200: not a number from 1 to 99"),
        (("steps", 0, "targets"), ["core-01", "core-02"], "too many values"),
        (("steps", 0, "targets"), [7], "7 is no target"),
        (("steps", 0, "at"), "soon", "'soon' is no number of seconds"),
        (("steps", 0, "at"), float("nan"), "nan seconds are no time of a plan"),
        (("steps", 0, "lasting"), None, "None is no number of seconds"),
        (("steps", 0, "lasting"), -1.0, "-1.0 seconds are no time of a plan"),
        (("steps", 0, "at"), 10**400, "seconds are no time of a plan"),
        (("steps", 0, "targets"), ["unit:$(reboot)"], "is no target"),
        (("seed",), "7", "'7' is no whole number"),
        (("seed",), float("inf"), "inf is no whole number"),
        (("deadline",), 1e9, "1000000000.0 seconds are no time"),
        (("version",), 99, "has version 99, and this lab reads versions up to 1"),
    ],
)
def test_what_is_no_plan_is_refused(tmp_path: Path, where: tuple[Any, ...], value: object, says: str) -> None:
    storm_record.save(STORM, tmp_path)
    path = tmp_path / storm_record.FILE
    raw = json.loads(path.read_text())
    inner = raw
    for name in where[:-1]:
        inner = inner[name]
    inner[where[-1]] = value
    path.write_text(json.dumps(raw))
    with pytest.raises(LabError, match=says) as refused:
        storm_record.load(tmp_path)
    assert str(path) in refused.value.message


@pytest.mark.parametrize("text", ['{"version": 1, "steps": [', "[]", "7", "[" * 100_000])
def test_a_file_that_is_cut_off_or_something_else(tmp_path: Path, text: str) -> None:
    (tmp_path / storm_record.FILE).write_text(text)
    with pytest.raises(LabError):
        storm_record.load(tmp_path)


def test_a_file_of_many_megabytes_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / storm_record.FILE).open("wb") as out:
        out.truncate(500 << 20)
    with pytest.raises(LabError, match="larger than any plan"):
        storm_record.load(tmp_path)


def phase(name: str, began: float, seconds: float = 1.0, outcome: Outcome = Outcome.PASS) -> Phase:
    return Phase(name, outcome, seconds, began=1000.0 + began)


def test_what_was_carried_out_has_the_times_at_which_it_was(tmp_path: Path) -> None:
    del tmp_path
    phases = [
        phase("steady state before", -4.0, 4.0),
        phase("1. effect", 3.6),
        phase("1. recovery while broken", 5.0, 40.0),
        phase("1. repair", 45.1, 5.0),
        phase("1. steady state after", 50.0, 2.0),
        phase("2. effect", 52.0),
        phase("2. recovery while broken", 53.0, 90.0, Outcome.FAIL),
        phase("2. repair", 143.0),
    ]
    first, second = carried_out(STEPS, phases)
    assert (first.at, first.lasting, first.targets) == (3.6, 41.5, ("core-02",))
    assert (second.at, second.lasting) == (52.0, 15.0), "its end was forced, so the planned one stays"


def test_what_was_still_broken_when_another_failed_lasts_until_that_one_begins() -> None:
    phases = [
        phase("steady state before", -4.0, 4.0),
        phase("1. effect", 3.5),
        phase("2. effect", 52.0),
        phase("2. recovery while broken", 53.0, 90.0, Outcome.FAIL),
        phase("repair", 143.0),
    ]
    first, second = carried_out(STEPS, phases)
    assert first.at + (first.lasting or 0.0) > second.at, "they overlap as they did"


def test_a_plan_of_one_break_has_phases_without_a_number() -> None:
    phases = [phase("steady state before", -4.0, 4.0), phase("effect", 5.0), phase("repair", 30.0)]
    (only,) = carried_out(STEPS[:1], phases)
    assert (only.at, only.lasting) == (5.0, 25.0)
    assert carried_out(STEPS, []) == STEPS
