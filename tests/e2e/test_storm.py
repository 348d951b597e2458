"""Storms on real machines: a plan that is carried out, repeated, interrupted; and one that fails and is shrunk."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.calls import LONGEST, Result, start, until

Lab = Callable[..., Result]
SHORT = ("--for", "40s", "--seed", "8")  # freezes core-01, then core-03


def test_a_storm_is_carried_out_as_planned_and_repeated(ch3: Lab, tmp_path: Path) -> None:
    planned = ch3("storm", *SHORT, "--dry-run").json["breaks"]
    assert [(each["target"], each["fault"]) for each in planned] == [
        ("core-01", "pause"),
        ("core-03", "pause"),
    ]
    done = ch3("storm", *SHORT, "--json").json
    assert done["outcome"] == "pass", done
    names = {phase["name"] for phase in done["phases"]}
    begun = 2 if "2. effect" in names else 1  # on a busy host the first recovery may take all the time
    proofs = ("effect", "repair", "steady state after")
    assert {f"{number}. {name}" for number in range(1, begun + 1) for name in proofs} <= names
    assert ch3("status", "--json").json["faults"] == []
    assert "verdict: PASS" in ch3("verdict").out
    page = tmp_path / "storm.html"
    assert "PASS: storm (seed 8)" in ch3("report", "--output", str(page)).out
    assert "When each break was planned" in page.read_text(encoding="utf-8")

    again, were = ch3("replay", "--dry-run").json["breaks"], planned[:begun]
    assert [(each["target"], each["fault"]) for each in again] == [(each["target"], each["fault"]) for each in were]
    assert all(late["at"] >= early["at"] for late, early in zip(again, were, strict=True)), "as it was"
    assert ch3("replay", Path(done["folder"]).name, "--json").json["outcome"] == "pass"


@pytest.mark.rounds  # where within a break the signal comes is chance
def test_ctrl_c_heals_before_a_storm_ends(ch3: Lab) -> None:
    storm = start("storm", "--for", "60s", "--seed", "4", "--faults", "kill")
    until(lambda: ch3("status", "--json").json["faults"])
    storm.send_signal(signal.SIGINT)
    assert storm.wait(LONGEST) == 128 + signal.SIGINT
    assert ch3("status", "--json").json["faults"] == []


@pytest.mark.rounds  # it takes minutes, as each attempt is a storm
def test_a_lab_without_its_repair_fails_and_the_plan_is_shrunk(tied: Lab) -> None:
    """The proxy's machine is gone. Lost packets before that have nothing to do with it."""
    words = ("--for", "40s", "--seed", "107", "--faults", "kill,loss:percent=5", "--deadline", "60s")
    planned = tied("storm", *words, "--dry-run").json["breaks"]
    assert [each["fault"] for each in planned] == ["loss", "kill"]
    failed = tied("storm", *words, "--json", code=1)
    shrunk, run = json.loads(failed.out)["shrunk"], Path(json.loads(failed.out)["folder"]).name
    left = [(each["target"], each["fault"]) for each in shrunk["breaks"]]
    assert left == [("unit:helloworld-nginx.service", "kill")]
    assert (shrunk["of"], shrunk["attempts"], shrunk["stopped"]) == (2, 1, "")
    assert [each["fault"] for each in tied("replay", run, "--shrunk", "--dry-run").json["breaks"]] == ["kill"]
    assert tied("status", "--json").json["faults"] == []
