"""The summary as Markdown: for a CI job's page, and nothing in it means more than it says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from coreos_lab.model import Outcome
from coreos_lab.report.breaks import read
from coreos_lab.report.markdown import ROWS, markdown, plain
from coreos_lab.report.values import Part
from tests.unit.report.paper_run import Run

Recorded = Callable[..., Path]


def test_the_verdict_comes_first_then_phases_checks_and_probes(recorded: Recorded) -> None:
    lines = markdown(read(recorded(Run(outcome=Outcome.FAIL)))).splitlines()
    assert lines[0] == "## ❌ FAIL: kill of core-02"
    assert lines[2] == "It failed at “recovery while broken”: ch3: front: http://172.17.8.101: HTTP 502, expected 200."
    assert "| ✅ pass | noticed | 9.0 s | fleet no longer lists core-02 |" in lines
    assert "| ❌ | ch3: front | recovery while broken | http://172.17.8.101: HTTP 502, expected 200 |" in lines
    assert any(line.startswith("| ch3/front | 502 | 19 | 9.5 s | 60 s |") for line in lines)
    assert lines[-1] == "Once more: `lab break core-02 --fault kill --verify --deadline 90s`"


def test_what_was_waited_for_is_a_table(recorded: Recorded) -> None:
    report = replace(read(recorded()), waited=(("boot core-02", 3.04), ("units: all running", 5.0)))
    lines = markdown(report).splitlines()
    assert lines[lines.index("| Waited for | Took |") + 2 :][:2] == [
        "| boot core-02 | 3.0 s |",
        "| units: all running | 5.0 s |",
    ]


def test_a_probe_that_was_down_for_too_long_is_marked(recorded: Recorded) -> None:
    assert "| ❌ 9.5 s | 8 s |" in markdown(read(recorded(Run(front_limit=8))))


def test_every_row_of_a_table_has_its_cells(recorded: Recorded) -> None:
    evil = "a|b\n\n# head <b>@you `code` [x](y) \x1b[31m"
    parts = tuple(Part(evil, Outcome.FAIL, 0.0, 1.0, evil) for _ in range(ROWS + 7))
    text = markdown(
        replace(read(recorded()), parts=parts, what=evil, sentence=evil, again="a ` b\nc", problems=(evil,))
    )
    assert "7 more are in the report" in text
    table = [line.replace("\\|", "") for line in text.splitlines() if line.startswith("| ❌ fail")]
    assert {line.count("|") for line in table} == {5}
    assert "<b>" not in text.replace("\\<b\\>", "")
    assert "Once more: ``a ` b c``" in text


def test_marks_of_markdown_are_text() -> None:
    assert plain("*a* _b_ #1 @x | <y>") == r"\*a\* \_b\_ \#1 \@x \| \<y\>"
    assert plain("x" * 400).endswith("(100 more characters)")
