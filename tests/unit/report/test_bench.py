"""The page of a bench."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from coreos_lab.commands.report import report_bench
from coreos_lab.errors import LabError, UsageError
from coreos_lab.records import figures
from coreos_lab.records.figures import Bench, Figure
from coreos_lab.report import bench
from tests.unit.report.pages import Page, addresses

MADE = Bench(
    (
        Figure("up, 3 nodes", (1.5, 1.25, 1.75), 1.3),
        Figure("lab --help", (0.08, 0.09, 0.085), 0.1),
        Figure("memory per node, idle (MiB)", (59.0, 61.5, 60.0)),
        Figure("probes and observer, percent of one core", (2.0,)),
        Figure("<script>alert(1)</script>", (12.34,)),
    ),
    3,
    "make bench",
    1790000000.0,
    "1.2",
    (("processors", "2 (x86_64)"),),
)


def test_each_figure_has_its_values_its_median_and_its_goal() -> None:
    page = bench.html(MADE, "1.2")
    assert Page(page).wrong == []
    assert len(Page(page).pictures) == len(MADE.figures)
    assert bench.sentence(MADE) == "5 figures of 3 runs, 1 of 2 goals met"
    assert page.count('<svg class="figure missed"') == page.count('<svg class="figure met"') == 1
    assert page.count("<circle") == sum(len(each.values) for each in MADE.figures)
    for shown in ("1.50 s", "0.09 s", "60 MiB", "2.0 %", "12.3 s", "2 (x86_64)", "make bench", "2026-09-21"):
        assert shown in page, shown
    assert "<script" not in page
    assert not addresses(page)


def test_its_summary_is_a_table() -> None:
    lines = bench.markdown(MADE).splitlines()
    assert lines[0] == "## Bench: 5 figures of 3 runs, 1 of 2 goals met"
    assert lines[4] == "| ❌ | up, 3 nodes | 1.50 s | 1.25 s | 1.75 s | 1.30 s |"
    assert r"\<script\>" in lines[-1]


def test_figures_are_read_as_they_were_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "bench.json"
    figures.save(MADE, path)
    assert figures.load(path) == MADE
    assert json.loads(path.read_text())["rows"][0]["median"] == 1.5
    report_bench(path, output=str(tmp_path / "out.html"), markdown=False)
    assert (tmp_path / "out.html").read_text().startswith("<!DOCTYPE html>")
    assert "5 figures of 3 runs, 1 of 2 goals met." in capsys.readouterr().out
    report_bench(path, output=None, markdown=True)
    assert capsys.readouterr().out == bench.markdown(MADE)
    with pytest.raises(UsageError, match="neither with"):
        report_bench(path, output="x.txt", markdown=False)


def test_figures_of_an_earlier_bench_have_three_values_each(tmp_path: Path) -> None:
    row = {"what": "up, 3 nodes", "median": 1.5, "min": 1.2, "max": 1.9, "goal": None}
    (tmp_path / "bench.json").write_text(json.dumps({"runs": 5, "cpus": 2, "rows": [row]}))
    found = figures.load(tmp_path / "bench.json")
    assert found == Bench((Figure("up, 3 nodes", (1.2, 1.5, 1.9)),), 5)
    assert "1.50 s" in bench.html(found, "1.2")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"runs": 1, "rows": 3}',
        '{"runs": 1, "rows": [{"what": "up", "goal": null, "values": []}]}',
        '{"runs": 1, "rows": [{"what": "up", "goal": null, "values": ["1"]}]}',
        '{"runs": 1, "rows": [{"what": "up", "goal": null, "values": [NaN]}]}',
        '{"runs": 1, "rows": [{"what": "up", "goal": -1, "values": [1]}]}',
        '{"version": 9, "runs": 1, "rows": []}',
    ],
)
def test_what_is_no_bench_is_refused_in_one_line(text: str, tmp_path: Path) -> None:
    path = tmp_path / "bench.json"
    path.write_text(text)
    with pytest.raises(LabError, match=r"bench\.json") as refused:
        report_bench(path, output=None, markdown=True)
    assert "\n" not in refused.value.message
    with pytest.raises(LabError, match="No such file"):
        report_bench(tmp_path / "other.json", output=None, markdown=True)


def test_a_bench_without_figures_has_a_page() -> None:
    assert bench.sentence(Bench((), 1)) == "0 figures of 1 run, no goals"
    assert "Bench:" in bench.html(Bench((), 1), "1.2")
