"""What a run did, read from its events."""

from __future__ import annotations

import json
import math
from pathlib import Path

from coreos_lab.events import Event
from coreos_lab.report.happened import SPANS, Happened, clock


def happened(path: Path, *events: Event) -> Happened:
    path.write_text("".join(event.as_json() + "\n" for event in events))
    return Happened(path)


def start(step: str, at: float, subject: str = "", message: str = "") -> Event:
    return Event("start", step, subject, message, at, at + 1000)


def end(step: str, at: float, subject: str = "", message: str = "", kind: str = "end") -> Event:
    return Event(kind, step, subject, message, at, at + 1000, 1.0)


def test_a_fault_is_there_until_its_repair_and_the_repair_until_it_ends(tmp_path: Path) -> None:
    seen = happened(
        tmp_path / "events.jsonl",
        start("fault", 1.0, "core-01", "kill"),
        end("fault", 1.5, "core-01", "kill"),
        start("fault", 2.0, "core-03", "pause"),
        start("heal", 7.0, message="core-01 (kill)"),
        end("heal", 9.0, message="core-01 (kill)"),
        end("check", 11.0),
    )
    spans = {
        node: [(span.begin, span.end, span.text, span.tone) for span in spans] for node, spans in seen.faults.items()
    }
    assert spans == {
        "core-01": [(1.0, 7.0, "kill", "fault"), (7.0, 9.0, "repair", "repair")],
        "core-03": [(2.0, 11.0, "pause", "fault")],
    }
    assert (seen.first, seen.last, seen.wall) == (1.0, 11.0, 1000.0)


def test_a_repair_that_failed_says_why(tmp_path: Path) -> None:
    seen = happened(
        tmp_path / "events.jsonl",
        start("fault", 1.0, "core-01", "kill"),
        start("fault", 1.0, "core-02", "kill"),
        start("heal", 7.0, message="core-01 (kill)"),
        end("heal", 9.0, message="core-01 does not serve", kind="error"),
    )
    assert seen.faults["core-01"][-1].detail == "core-01 does not serve"
    assert seen.errors == ["heal: core-01 does not serve"]
    assert [span.text for span in seen.faults["core-02"]] == ["kill"]


def test_a_step_without_an_end_lasts_to_the_end_of_the_record(tmp_path: Path) -> None:
    seen = happened(tmp_path / "events.jsonl", start("verify", 1.0, message="steady state before"), end("x", 4.0))
    (span,) = next(lane.spans for lane in seen.lanes(0.0) if lane.name == "verify")
    assert (span.begin, span.end, span.tone) == (1.0, 4.0, "unknown")
    assert "no end is on record" in span.detail


def test_stages_of_nodes_are_rows(tmp_path: Path) -> None:
    """An update notes how far each node has come."""
    seen = happened(
        tmp_path / "events.jsonl",
        Event("note", "update", "core-01", "has installed it and reboots", 1.0, 1001.0, data={"phase": "reboots"}),
        Event("note", "update", "core-02", "waits", 2.0, 1002.0, data={"phase": "lock"}),
        Event("note", "update", "core-01", "is updated", 5.0, 1005.0, data={"phase": "done"}),
        Event("note", "check", "core-03", "pass", 6.0, 1006.0),
    )
    spans = [
        (lane.name, [(span.begin, span.end, span.text, span.tone) for span in lane.spans])
        for lane in seen.stages.lanes(0.0, 9.0)
    ]
    assert spans == [
        ("core-01", [(1.0, 5.0, "reboots", "wait"), (5.0, 9.0, "done", "pass")]),
        ("core-02", [(2.0, 9.0, "lock", "wait")]),
    ]


def test_no_events_at_all(tmp_path: Path) -> None:
    seen = Happened(tmp_path / "events.jsonl")
    assert math.isnan(seen.first)
    assert (list(seen.lanes(0.0)), seen.faults, seen.problems) == ([], {}, [])


def test_steps_at_the_same_time_have_rows_of_their_own(tmp_path: Path) -> None:
    seen = happened(
        tmp_path / "events.jsonl",
        start("boot", 1.0, "core-01"),
        start("boot", 2.0, "core-02"),
        end("boot", 3.0, "core-01"),
        start("boot", 3.5, "core-03"),
        end("boot", 5.0, "core-02"),
        end("boot", 6.0, "core-03"),
    )
    rows = [(lane.name, [span.text for span in lane.spans]) for lane in seen.lanes(0.0)]
    assert rows == [("boot", ["core-01", "core-03"]), ("boot", ["core-02"])]


def test_events_that_are_none_are_named(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_text(json.dumps({"kind": ["start"], "step": "x", "mono": 1, "wall": 1}) + "\n")
    assert Happened(path).problems == ["events.jsonl: line 1 is left out: not as this record's lines are"]


def test_what_is_kept_of_any_number_of_steps_does_not_grow(tmp_path: Path) -> None:
    begun = [start(step, 1.0, f"{step} {number}") for number in range(1000) for step in ("fault", "boot")]
    seen = happened(tmp_path / "events.jsonl", *begun)
    assert sum(len(lane.spans) for lane in seen.lanes(0.0)) <= SPANS
    assert len(seen.faults) <= SPANS


def test_a_clock_of_any_value() -> None:
    assert clock(1_790_000_000.0) == "2026-09-21 14:13:20 UTC"
    assert clock(1e300) == clock(math.nan) == "at an unknown time"


def test_what_the_end_of_a_run_had_to_wait_for(tmp_path: Path) -> None:
    seen = happened(
        tmp_path / "events.jsonl",
        start("boot", 1.0, "core-01"),
        start("boot", 1.0, "core-02"),
        end("boot", 3.0, "core-01"),
        end("boot", 4.0, "core-02"),
        start("units", 4.0, message="all running"),
        end("units", 9.0, message="all running"),
    )
    assert seen.waited(1.0, 9.0) == [("boot core-02", 3.0), ("units all running", 5.0)]
    assert happened(tmp_path / "none.jsonl").waited(0.0, 1.0) == []
