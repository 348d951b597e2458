"""Many runs on one page."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from coreos_lab.chaos.verdict import RECORD, Phase, Verdict, save
from coreos_lab.model import Outcome
from coreos_lab.report import index
from coreos_lab.report.index import below, html, rows, trends
from coreos_lab.report.rows import Row
from tests.unit.report import paper_run
from tests.unit.report.pages import Page, addresses
from tests.unit.report.paper_run import Run

Recorded = Callable[..., Path]


@pytest.fixture
def many(tmp_path: Path, recorded: Recorded) -> Path:
    """Five runs: two that passed, one that failed, one without a verdict, one of another version."""
    recorded(Run(back=13.2), "20260901-000000-break-core-02")
    recorded(Run(back=10.2), "20260902-000000-break-core-02")
    recorded(Run(outcome=Outcome.FAIL), "20260903-000000-break-core-02")
    (recorded(Run(), "20260904-000000-break-core-02") / RECORD).unlink()
    other = recorded(Run(), "20260905-000000-break-core-02") / RECORD
    other.write_text(json.dumps(json.loads(other.read_text()) | {"version": 99}))
    return tmp_path / "runs"


def test_runs_are_counted_and_those_without_a_verdict_are_named(many: Path) -> None:
    found, left_out = rows(below(many))
    assert left_out == 0
    assert [(each.outcome, each.outage, each.limit) for each in found[:3]] == [
        (Outcome.PASS, 9.5, 60.0),
        (Outcome.PASS, 6.5, 60.0),
        (Outcome.FAIL, 9.5, 60.0),
    ]
    assert found[3].state == "no verdict"
    assert "a record of version 99" in found[4].state


def test_a_trend_is_of_one_fault_and_the_same_labs(many: Path) -> None:
    (trend,) = trends(rows(below(many))[0])
    assert (trend.fault, trend.labs, len(trend.rows)) == ("kill", "ch3", 3)
    assert trend.spread("outage") == (6.5, 9.5, 9.5)
    assert trend.spread("recovery") == pytest.approx((11.54, 13.04, 14.54)), "the run that failed has not recovered"
    assert trend.spread("took") is None, "its time is that of the fault"
    others = [Row("a", "core", 1.0, "ch3", "pause", outcome=Outcome.PASS), Row("b", "core", 1.0, "ch7", "kill")]
    assert [each.fault for each in trends([*trend.rows, *others])] == ["kill", "pause"]


def test_a_run_that_breaks_nothing_has_its_own_time(many: Path) -> None:
    folder = many / "20260906-000000-deploy-ch3"
    folder.mkdir()
    phases = (Phase("units run", Outcome.PASS, 4.5, "8 units"), Phase("checks", Outcome.PASS, 1.5, "9 checks pass"))
    save(Verdict(Outcome.PASS, "core", (), "deploy", ("ch3",), phases), folder)
    deployed = rows(below(many))[0][-1]
    assert (deployed.outage, deployed.recovery, deployed.took) == (None, None, 6.0)
    assert "took in seconds, from old to new: 6.0" in html([deployed], 0, "1.0")


def test_the_page_is_well_formed_and_its_charts_have_a_table(many: Path) -> None:
    text = html(*rows(below(many)), "1.0")
    found = Page(text)
    assert found.wrong == []
    assert addresses(text) == []
    assert found.pictures == ["outage in seconds, from old to new: 9.5, 6.5, 9.5", *found.pictures[1:]]
    cells = " ".join(found.cells)
    assert all(f"{value} s" in cells for value in ("9.5", "6.5", "14.5", "11.5"))
    assert text.rindex("20260905") < text.rindex("20260901"), "the newest first"


def test_a_thousand_runs_stay_one_small_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = paper_run.write(tmp_path / "20260901-000000-break-core-02")
    monkeypatch.setattr(index, "NEWEST", 50)
    found, left_out = rows([(folder, "core")] * 80)
    assert (len(found), left_out) == (50, 30)
    text = html(found * 40, left_out, "1.0")
    assert len(text) < 1_000_000
    assert "1030 older runs are not on this page" in text


def test_a_run_is_linked_to_its_page_where_there_is_one(many: Path, tmp_path: Path) -> None:
    found, left_out = rows(below(many))
    (tmp_path / "20260901-000000-break-core-02.html").touch()
    (tmp_path / "twice.html").touch()
    (tmp_path / 'a "b": %.html').touch()
    found += [Row("twice", "one", None), Row("twice", "two", None), Row('a "b": %', "core", None)]
    page = Page(html(found, left_out, "1.0", index.pages(found, tmp_path)))
    assert page.wrong == []
    assert page.links == ["a%20%22b%22%3A%20%25.html", "20260901-000000-break-core-02.html"]


def test_names_are_text() -> None:
    evil = "<script>x</script>\x1b\ud800"
    row = Row(evil, evil, 1e300, evil, evil, evil, Outcome.FAIL, evil, evil, 1.0, 2.0, 3.0)
    found = Page(html([row, Row(evil, evil, None, state=evil)], 0, "1.0"))
    assert (found.wrong, found.scripts) == ([], [])


def test_runs_are_found_in_clusters_folders_too(tmp_path: Path, recorded: Recorded) -> None:
    recorded(Run(), "a")
    paper_run.write(tmp_path / "clusters" / "core" / "runs" / "b")
    (tmp_path / "clusters" / "core" / "nodes").mkdir()
    assert [path.name for path, _cluster in below(tmp_path)] == ["a", "b"]
    assert [path.name for path, _cluster in below(tmp_path / "runs")] == ["a"]
