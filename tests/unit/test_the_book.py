"""What docs/the-book.md promises to show without any machine is so."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from coreos_lab.cli import called
from coreos_lab.definition import catalog, node_units
from coreos_lab.definition.lint import judge
from coreos_lab.errors import Exit

DOCS = Path(__file__).parents[2] / "docs"
BOOK = (DOCS / "the-book.md").read_text(encoding="utf-8")
ROWS = [line for line in BOOK.splitlines() if re.match(r"\| (all|\d)", line)]
ON_PAPER = re.compile(r"`(lab (?:lint|checklist|graph|show) [^`]+)`")


def test_each_difference_and_each_slip_has_a_way_to_see_it() -> None:
    assert [row for row in ROWS if not row.split(" | ")[-1].strip(" |")] == []


def test_lint_finds_each_slip_that_the_page_names_and_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node_units, "known", lambda: frozenset({"docker.service", "flanneld.service"}))
    named = set(re.findall(r"`lab lint docs/slips`, rule `([\w-]+)`", BOOK))
    findings = judge.findings(catalog.load(str(DOCS / "slips")))
    assert {finding.rule for finding in findings} == named
    assert len(findings) == len(named)


@pytest.mark.parametrize("command", sorted(set(ON_PAPER.findall(BOOK))))
def test_what_needs_no_cluster_is_shown(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(DOCS.parent)
    found_something = Exit.FAILED if "docs/slips" in command else Exit.DONE
    assert called(shlex.split(command)[1:]) == found_something
