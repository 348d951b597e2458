"""The report of a real break, as a browser shows it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from coreos_lab.walk.browser import find
from tests.e2e import devtools
from tests.e2e.calls import NAME, STATE, Result, start, until

Lab = Callable[..., Result]
AXIS = "document.querySelector('#timeline .axis').textContent"


@pytest.fixture
def report(ch3: Lab, tmp_path: Path) -> Path:
    """The report of a break that passed."""
    ch3("break", "core-02", "--verify")
    made = ch3("report", "--output", str(tmp_path / "report.html"))
    assert made.out.startswith("PASS: kill of core-02. ")
    return tmp_path / "report.html"


def test_a_break_is_shown_with_everything_that_was_recorded(report: Path, ch3: Lab, tmp_path: Path) -> None:
    text = report.read_text(encoding="utf-8")
    assert len(text.encode()) < 1_000_000
    for said in ("ch3/front", "steady state after", "etcd2.service", "fleet.service", "lab break core-02", "core-03"):
        assert said in text, said
    assert "About this record" not in text, "nothing is wrong with it"
    assert ch3("report", "--markdown").out.startswith("## ✅ PASS: kill of core-02")
    ch3("report", "--all", "--output", str(tmp_path / "all.html"))
    assert "kill · ch3" in (tmp_path / "all.html").read_text(encoding="utf-8")
    browser = find()
    if browser is None:
        pytest.skip("no browser on this machine: the page was not looked at")
    with devtools.page(browser) as page:
        page.open(report.as_uri())
        until(lambda: page.value("document.querySelector('#verdict strong')?.textContent"))
        assert page.value("document.querySelector('#verdict strong').textContent") == "PASS"
        leaders = "[...document.querySelectorAll('.lane')].filter(e => e.textContent.startsWith('leader')).length"
        assert page.value(leaders) == 1
        whole = page.value(AXIS)
        page.value("document.getElementById('timeline').focus()")
        for key in ("ArrowRight", "+", "+"):
            page.call("Input.dispatchKeyEvent", type="keyDown", key=key, **({"text": key} if key == "+" else {}))
        assert page.value("document.getElementById('says').textContent")
        assert page.value(AXIS) != whole
        page.open((tmp_path / "all.html").as_uri())
        until(lambda: page.value("document.querySelectorAll('svg.trend').length"))
        assert page.errors == []


def test_a_run_that_goes_on_and_one_that_was_killed(ch3: Lab, tmp_path: Path) -> None:
    breaking = start("break", "core-03", "--verify", "--for", "10m")
    until(lambda: ch3("status", "--json").json["faults"])
    output = str(tmp_path / "report.html")
    assert "still going on" in ch3("report", "--output", output).out
    breaking.kill()
    breaking.wait()
    assert ch3("report", "--output", output).out.startswith("UNKNOWN: kill of core-03. There is no verdict")
    last = sorted((STATE / "clusters" / NAME / "runs").iterdir())[-1]
    assert ch3("report", str(last), "--output", output).code == 0
    ch3("heal")
