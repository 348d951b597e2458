"""A history as `lab break --verify --history` records it, with its judgement and a picture like porcupine's."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from coreos_lab.chaos import verdict as verdicts
from coreos_lab.chaos.history import judgement as judgements
from coreos_lab.chaos.verdict import HISTORY, JUDGEMENT, OPERATIONS, PICTURE, Phase
from coreos_lab.model import Outcome
from tests.unit.report.paper_run import MONO, lines

PAGE = """<!doctype html><html><head><style>p { color: red }</style></head><body><div id="canvas"></div><script>
      const data = {"Description":"read → 1","Metadata":"through core-03"}

      render(data && data > 1)
    </script></body></html>
"""


def operation(client: int, register: str, op: str, value: str | None, at: float, **more: Any) -> dict[str, Any]:
    """A line; `at` is in seconds since the run began."""
    call = int((MONO + at) * 1e9)
    times = {"call": call, "return": call + 8_000_000}
    line = {"client": client, "node": f"core-0{1 + client % 3}", "register": register, "op": op, "value": value}
    return {**line, **times, "outcome": "ok", **more}


HISTORY_LINES = (
    operation(0, "1", "write", "1", 1.0),
    operation(1, "2", "write", "2", 1.0),
    operation(1, "2", "cas", "3", 2.0, expected="2"),
    operation(0, "2", "cas", "4", 2.0, expected="2", outcome="mismatch"),
    operation(0, "2", "write", "5", 3.0, outcome="unknown", detail="timed out"),
    operation(2, "2", "local read", "2", 6.5),
    operation(2, "2", "read", None, 9.0, outcome="failed", detail="Connection refused"),
    operation(2, "2", "read", "2", 7.0),
)


def judgement(outcome: Outcome = Outcome.PASS) -> dict[str, Any]:
    """What the judge prints."""
    wrong = [{**HISTORY_LINES[-1], "invented": False}] if outcome is Outcome.FAIL else []
    return {
        "outcome": outcome.value,
        "reason": "too few operations were answered" if outcome is Outcome.UNKNOWN else "",
        "operations": len(HISTORY_LINES),
        "answered": 5,
        "pending": 1,
        "registers": 2,
        "unjudged": [],
        "wrong": wrong,
        "local_reads": 1,
        "stale": 1,
        "stale_by": {"core-03": 1},
        "oldest": 3_200_000_000,
        "stale_reads": [{**HISTORY_LINES[5], "age": 3_200_000_000}],
        "unexamined": 0,
        "pictured": "2",
        "seconds": 0.1,
    }


def write(folder: Path, outcome: Outcome = Outcome.PASS, page: str = PAGE) -> Path:
    """Adds a history to the record of a run, and its phase to the run's verdict."""
    lines(folder / OPERATIONS, HISTORY_LINES)
    judgements.FORMAT.write(folder / JUDGEMENT, judgement(outcome))
    (folder / PICTURE).write_text(page, encoding="utf-8")
    found = judgements.load(folder / JUDGEMENT)
    assert found is not None
    recorded = verdicts.load(folder)
    last = recorded.phases[-1]
    phase = Phase(HISTORY, outcome, 0.3, found.words, began=last.began)
    phases = (*recorded.phases[:-1], phase, last)
    verdicts.save(replace(recorded, phases=phases, outcome=verdicts.judge(phases)), folder)
    return folder
