"""Rows of places and of leaders."""

from __future__ import annotations

from pathlib import Path

from coreos_lab.report import places
from coreos_lab.report.places import SPANS, Rows
from tests.unit.report import paper_run
from tests.unit.report.paper_run import MONO, Run


def test_a_unit_that_moves(tmp_path: Path) -> None:
    paper_run.lines(tmp_path / "units.jsonl", paper_run.units(Run()))
    rows, problems = places.units(tmp_path / "units.jsonl")
    lanes = {lane.name: lane for lane in rows.lanes(MONO, MONO + 60)}
    assert problems == []
    spans = [(round(span.begin, 1), round(span.end, 1), span.text) for span in lanes["helloworld@2.service"].spans]
    assert spans == [(0.4, 12.2, "core-02"), (12.2, 13.2, "core-03 (activating)"), (13.2, 60.0, "core-03")]
    assert [span.text for span in lanes["helloworld@1.service"].spans] == ["core-01"]


def test_an_older_record_has_one_place_of_a_unit(tmp_path: Path) -> None:
    lines = [{"mono": 1, "units": {"a.service": ["core-01", "active", "running"]}}, {"mono": 2, "units": {"b": []}}]
    paper_run.lines(tmp_path / "units.jsonl", lines)
    rows, problems = places.units(tmp_path / "units.jsonl")
    (lane,) = rows.lanes(0.0, 9.0)
    assert [(span.text, span.tone) for span in lane.spans] == [("core-01", "node core-01")]
    assert len(problems) == 1


def test_a_unit_on_every_machine(tmp_path: Path) -> None:
    three = [[f"core-0{number}", "active", "running"] for number in (1, 2, 3)]
    told = [three, [three[0], ["core-02", "failed", "failed"], three[2]], three[::2], three[:1], "damaged"]
    lines = [{"mono": number, "units": {"agent.service": each}} for number, each in enumerate(told)]
    paper_run.lines(tmp_path / "units.jsonl", lines)
    rows, problems = places.units(tmp_path / "units.jsonl")
    (lane,) = rows.lanes(0.0, 9.0)
    assert [(span.begin, span.text, span.tone) for span in lane.spans] == [
        (0.0, "3 machines", "pass"),
        (1.0, "2 of 3 machines", "fail"),
        (2.0, "2 machines", "pass"),
        (3.0, "core-01", "node core-01"),
    ]
    assert lane.spans[2].detail == "core-01: active (running), core-03: active (running)"
    assert problems == ["units.jsonl: line 5 is left out: not as this record's lines are"]


def test_without_a_leader() -> None:
    rows = Rows()
    rows.tell(1.0, {"leader": ("core-01", "node core-01", "")})
    rows.tell(2.0, {})
    rows.tell(5.0, {"leader": ("core-02", "node core-02", "")})
    (lane,) = rows.lanes(0.0, 9.0)
    assert [(span.begin, span.end, span.text) for span in lane.spans] == [(1.0, 2.0, "core-01"), (5.0, 9.0, "core-02")]


def test_a_unit_that_flaps_for_days_is_counted() -> None:
    rows = Rows()
    for number in range(1001):
        rows.tell(float(number), {"a": (str(number % 2), "node", "")})
    (lane,) = rows.lanes(0.0, 2000.0)
    assert (len(lane.spans), lane.left_out) == (SPANS, 1001 - SPANS)


def test_leaders_of_a_record(tmp_path: Path) -> None:
    paper_run.lines(tmp_path / "leaders.jsonl", [*paper_run.leaders(Run()), {"mono": 1, "leader": 7}])
    rows, problems = places.leaders(tmp_path / "leaders.jsonl")
    (lane,) = rows.lanes(MONO, MONO + 60)
    assert [(span.text, span.tone) for span in lane.spans] == [
        ("core-02", "node core-02"),
        ("no leader", "fail"),
        ("core-03", "node core-03"),
    ]
    assert problems == ["leaders.jsonl: line 4 is left out: not as this record's lines are"]
