"""lab verdict: a run's verdict, derived again from its record alone."""

from __future__ import annotations

import json
from pathlib import Path

from coreos_lab import store
from coreos_lab.chaos import verdict as records
from coreos_lab.chaos.verdict import RECORD, Verdict
from coreos_lab.errors import FailedError, LabError, UnknownError, UsageError
from coreos_lab.model import Outcome, to_json

MARKS = {Outcome.PASS: "pass   ", Outcome.FAIL: "FAIL   ", Outcome.UNKNOWN: "unknown"}


def verdict(name: str, run: str | None, *, as_json: bool) -> None:
    """Judges a run of the cluster again, the last one with a verdict unless told otherwise; no machine is asked.

    Raises LabError when the evidence contradicts what the record says, else what the verdict deserves.
    """
    folder = find(name, run)
    recorded = records.load(folder)
    derived = records.derived(recorded, records.samples(folder))
    if derived.outcome is not recorded.outcome:
        raise LabError(
            f"{folder / RECORD}: says {recorded.outcome.value}, and its evidence says {derived.outcome.value}",
            "somebody has changed the record: do not trust it",
        )
    tell(derived, folder, as_json=as_json)


def find(name: str, run: str | None) -> Path:
    """A run's folder: the one that is named, or the last that has a verdict. UsageError lists what there is."""
    store.require(name)
    runs = store.ClusterFolder(name).runs
    found = sorted(path.parent for path in runs.glob(f"*/{RECORD}"))
    if run is None:
        if not found:
            raise UsageError(f"{name}: no run has a verdict yet", "lab break core-02 --verify")
        return found[-1]
    if runs / run not in found:
        there = ", ".join(path.name for path in found) or "none"
        raise UsageError(f"{run}: no run with a verdict (there is: {there})")
    return runs / run


def tell(verdict: Verdict, folder: Path, *, as_json: bool) -> None:
    """Prints a verdict with its evidence; FailedError or UnknownError when it is not a pass."""
    if as_json:
        print(json.dumps({**to_json(verdict), "folder": str(folder)}, indent=2))
    else:
        print(f"{verdict.what}, judged by {', '.join(verdict.labs)}:")
        for phase in verdict.phases:
            print(f"  {MARKS[phase.outcome]} {phase.name:22} {phase.seconds:6.1f} s  {phase.evidence}")
        print(f"verdict: {verdict.outcome.value.upper()}   (record: {folder / RECORD})")
    bad = verdict.first_bad
    if bad and verdict.outcome is Outcome.FAIL:
        raise FailedError(f"{bad.name}: {bad.evidence}")
    if bad:
        raise UnknownError(f"{bad.name}: {bad.evidence}")
