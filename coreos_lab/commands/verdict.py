"""Judge a run again, such as one of 'lab break --verify', 'lab storm' or 'lab deploy'. Only its record is read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from coreos_lab import hints, screen
from coreos_lab.chaos import verdict as records
from coreos_lab.chaos.history.history import judge_again
from coreos_lab.chaos.verdict import HISTORY, RECORD, Verdict
from coreos_lab.commands.options import Json, Name, verb
from coreos_lab.errors import FailedError, LabError, UnknownError, UsageError
from coreos_lab.machine_image.judge import ensure_judge
from coreos_lab.model import Outcome, to_json
from coreos_lab.records import runs, store
from coreos_lab.report.clean import clean

MARKS = {Outcome.PASS: "pass   ", Outcome.FAIL: "FAIL   ", Outcome.UNKNOWN: "unknown"}

app = verb()


@app.command(help=__doc__)
def command(
    run: Annotated[
        str | None, typer.Argument(metavar="RUN", help="A run's folder. Without it, the last run with a verdict.")
    ] = None,
    name: Name = hints.DEFAULT_NAME,
    as_json: Json = False,
) -> None:
    verdict(name, run, as_json=as_json)


def verdict(name: str, run: str | None, *, as_json: bool) -> None:
    """Judges a run again, the last one with a verdict if `run` is None. No machine is queried.

    Raises LabError if the evidence contradicts the recorded verdict; else as `print_verdict`.
    """
    folder = find(name, run)
    recorded = records.load(folder)
    derived = records.derived(recorded, records.samples(folder), _history(recorded, folder))
    if derived.outcome is not recorded.outcome:
        raise LabError(
            f"{folder / RECORD}: says {recorded.outcome.value}, but its evidence says {derived.outcome.value}",
            "the record was changed: do not trust it",
        )
    print_verdict(derived, folder, as_json=as_json)


def _history(recorded: Verdict, folder: Path) -> Outcome | None:
    """What a run's history proves, judged again; None where the verdict does not depend on it, or it was not judged."""
    if not any(phase.name == HISTORY and phase.outcome is not Outcome.UNKNOWN for phase in recorded.phases):
        return None
    with screen.showing():
        return judge_again(ensure_judge(), folder).outcome


def find(name: str, run: str | None) -> Path:
    """The folder of the named run, or of the last one with a verdict. Raises UsageError with the names there are."""
    cluster = store.require(name)
    found = [folder for folder in runs.ordered(name) if (folder / RECORD).exists()]
    if run is None:
        if not found:
            raise UsageError(
                f"{name}: no run has a verdict yet", hints.lab("break", cluster.nodes[:2][-1].name, "--verify")
            )
        return found[-1]
    chosen = next((folder for folder in found if folder.name == run), None)
    if chosen is None:
        there = ", ".join(path.name for path in found) or "none"
        raise UsageError(f"{run}: no run with a verdict (there is: {there})")
    return chosen


def print_verdict(verdict: Verdict, folder: Path, *, as_json: bool, more: Mapping[str, object] | None = None) -> None:
    """Prints a verdict with its evidence, as JSON with `more`. Raises FailedError or UnknownError if it is no pass."""
    if as_json:
        print(json.dumps({**to_json(verdict), **(more or {}), "folder": str(folder)}, indent=2))
    else:
        judges = f", judged by {', '.join(verdict.labs)}" if verdict.labs else ""
        print(clean(f"{verdict.what}{judges}:"))
        width = max([22, *(len(phase.name) for phase in verdict.phases)])
        for phase in verdict.phases:
            line = f"  {MARKS[phase.outcome]} {phase.name:{width}} {phase.seconds:6.1f} s  {phase.evidence}"
            print(clean(line))  # what a machine has answered must not act on the terminal
        if not verdict.userns:
            print("  not isolated: root on its machines is root of the host (made with --no-userns)")
        print(f"verdict: {verdict.outcome.value.upper()}   (record: {folder / RECORD})")
    bad = verdict.first_bad
    if bad and verdict.outcome is Outcome.FAIL:
        raise FailedError(f"{bad.name}: {bad.evidence}")
    if bad:
        raise UnknownError(f"{bad.name}: {bad.evidence}")
