"""Update the machine image of a running cluster, one machine after the other. Or go back to the one before."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from coreos_lab import events, hints, screen
from coreos_lab.commands import judged
from coreos_lab.commands.options import DryRun, Json, Name, verb
from coreos_lab.commands.verdict import print_verdict
from coreos_lab.machine_image import editions
from coreos_lab.observed import programs
from coreos_lab.providers.choose import provider as choose
from coreos_lab.records import about, runs, store
from coreos_lab.updating import before
from coreos_lab.updating.target import Target, target
from coreos_lab.updating.update import FAULT, Update

CHECKS_DEADLINE = 120.0  # seconds: units have moved, and sidekicks announce their services anew

app = verb()


@app.command(help=__doc__)
def command(
    name: Name = hints.DEFAULT_NAME,
    back: Annotated[
        bool,
        typer.Option("--back", envvar="LAB_BACK", help="Boot the machine image from before the last update again."),
    ] = False,
    group: Annotated[
        str,
        typer.Option(
            "--group",
            envvar="LAB_GROUP",
            help="Only the nodes whose cloud-config has this update group. Without it, all.",
        ),
    ] = "",
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    update(name, back=back, group=group, dry_run=dry_run, as_json=as_json)


def update(name: str, *, back: bool, group: str, dry_run: bool, as_json: bool) -> None:
    """Updates the cluster, or goes on with an update that has stopped.

    Raises FailedError or UnknownError if the verdict is not a pass, and the error of a node that stops the update.
    """
    cluster = store.require(name)
    provider = before.able(choose(cluster.provider))
    if dry_run:
        found = before.nodes(cluster, provider, group)
        print(
            json.dumps(_plan(found, target(cluster, found.has, editions.following, group=group, back=back)), indent=2)
        )
        return
    words = [*(["--back"] if back else []), *(["--group", group] if group else [])]
    with screen.showing(), store.ClusterFolder(name).lock(hints.lab("update", *words)):
        cluster = store.require(name)
        labs = judged.any_labs(cluster)
        found = before.nodes(cluster, provider, group)
        planned = target(cluster, found.has, editions.following, group=group, back=back)
        events.note("update", _announced(planned), name)
        folder = runs.new(cluster, FAULT)
        again = hints.lab("update", *words)
        found_programs = programs.versions(cluster, found.asked)
        described = about.describe(cluster, FAULT, f"to {planned.image}", again, judged=True, programs=found_programs)
        about.save(described, folder)
        with events.recording(folder / runs.EVENTS):
            verdict = Update(provider, planned, found.asked, labs, folder).run(deadline=CHECKS_DEADLINE)
    print_verdict(verdict, folder, as_json=as_json)


def _announced(planned: Target) -> str:
    goes_on = "goes on: " if planned.resumed else ""
    of = f" of group {planned.group}" if planned.group else ""
    return f"{goes_on}from {planned.before} to {planned.image}{of}"


def _plan(found: before.Nodes, planned: Target) -> dict[str, object]:
    return {
        "cluster": planned.cluster.name,
        "before": planned.before,
        "image": planned.image,
        "group": planned.group,
        "resumed": planned.resumed,
        "nodes": [node.name for node in found.asked],
        "has": found.has,
    }
