"""Repeat a storm that is on record: the same breaks, at the times at which it made and healed them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from coreos_lab import events, hints, interrupts, screen
from coreos_lab.chaos import storm_record
from coreos_lab.chaos import verdict as verdicts
from coreos_lab.chaos.schedule import Step
from coreos_lab.chaos.storm_record import Storm
from coreos_lab.chaos.verdict import RECORD
from coreos_lab.commands import judged
from coreos_lab.commands.options import DryRun, Json, Name, verb
from coreos_lab.commands.storming import Storming, as_json
from coreos_lab.commands.verdict import print_verdict
from coreos_lab.errors import LabError, UsageError
from coreos_lab.model import Cluster
from coreos_lab.providers.choose import provider as choose
from coreos_lab.records import about, runs, store
from coreos_lab.report import sources

app = verb()


@app.command(help=__doc__)
def command(
    run: Annotated[
        str | None,
        typer.Argument(metavar="RUN", help="A storm's run, or the path of its folder. Without it, the last storm."),
    ] = None,
    name: Name = hints.DEFAULT_NAME,
    shrunk: Annotated[
        bool, typer.Option("--shrunk", envvar="LAB_SHRUNK", help="Only the shortest plan that was found to fail.")
    ] = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    replay(name, run, shrunk=shrunk, dry_run=dry_run, json_=as_json)


def replay(name: str, run: str | None, *, shrunk: bool, dry_run: bool, json_: bool) -> None:
    """Carries out a recorded plan again. Raises FailedError or UnknownError if the verdict is not a pass."""
    cluster = store.require(name)
    source = _find(name, run)
    with screen.showing():
        storm = _shrunk(source) if shrunk else _as_it_was(source)
    _require_nodes(cluster, storm.steps)
    if dry_run:
        print(json.dumps({"cluster": name, "run": source.name, "breaks": as_json(storm.steps)}, indent=2))
        return
    again = hints.lab("replay", run or source.name, *(["--shrunk"] if shrunk else []))
    labs = judged.labs(cluster, "replay")
    provider = choose(cluster.provider)
    with screen.showing(), store.ClusterFolder(name).lock(again), interrupts.orderly():
        judged.require_healed(cluster)
        judged.require_whole(provider, cluster)
        storming = Storming(provider, cluster, labs)
        storming.require_able(storm.steps)
        folder = runs.new(cluster, "replay")
        verdict = storming.run(storm, folder, again, f"{storm.what}, replayed from {source.name}")
    print_verdict(verdict, folder, as_json=json_)


def _find(name: str, run: str | None) -> Path:
    """The folder of the run to repeat. UsageError where there is none."""
    if run is not None:
        return sources.find(name, run)
    there = [folder for folder in runs.ordered(name) if (folder / storm_record.FILE).is_file()]
    if not there:
        raise UsageError(f"{name}: there is no storm yet", hints.lab("storm", "--for", "10m"))
    return there[-1]


def _as_it_was(folder: Path) -> Storm:
    """What a run did, at its times; its whole plan where it has no verdict that says what it did."""
    storm = _load(folder)
    if runs.is_going_on(folder):
        raise LabError(f"{folder.name}: is still going on", "wait for it to end, then try again")
    if not (folder / RECORD).exists():
        events.note("replay", f"{folder.name}: has no verdict, so its whole plan is repeated, at the planned times")
        return storm
    done = storm_record.carried_out(storm.steps, verdicts.load(folder).phases)
    return replace(storm, steps=done, ends=None) if done else storm


def _shrunk(folder: Path) -> Storm:
    storm, shrunk = _load(folder), storm_record.load_shrunk(folder)
    if shrunk is None:
        raise UsageError(f"{folder.name}: was not shrunk; only a storm that failed is", "leave --shrunk out")
    return replace(storm, steps=shrunk.steps, ends=None)


def _load(folder: Path) -> Storm:
    """The plan of a run. UsageError for a run that is no storm."""
    storm = storm_record.load(folder)
    if storm is None:
        try:
            described = about.load(folder)
        except LabError:
            described = None
        what = f"is a run of 'lab {described.verb}', and has" if described else "has"
        raise UsageError(
            f"{folder.name}: {what} no plan of a storm",
            f"do it again: {described.again}" if described else hints.lab("storm", "--for", "10m"),
        )
    return storm


def _require_nodes(cluster: Cluster, steps: tuple[Step, ...]) -> None:
    for step in steps:
        if not step.targets[0].startswith("unit:"):
            store.require_node(cluster, step.targets[0])
