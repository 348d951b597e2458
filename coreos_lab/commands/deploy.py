"""Deploy a lab: container images, units in order, then its checks."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Annotated

import typer

from coreos_lab import hints, screen, timings
from coreos_lab.commands import again
from coreos_lab.commands.check import print_results, require_passed
from coreos_lab.commands.deploying import Deployment
from coreos_lab.commands.options import DryRun, Json, LabName, Name, Timings, pairs, verb
from coreos_lab.definition import catalog, lab_secrets, lab_settings
from coreos_lab.deploy.refusals import refuse_conflicts
from coreos_lab.errors import UnknownError
from coreos_lab.model import CheckResult, Cluster, Lab, Outcome, to_json
from coreos_lab.records import deployed, store
from coreos_lab.units_of_measure import duration

app = verb()


@app.command(help=__doc__)
def command(
    lab: LabName,
    name: Name = hints.DEFAULT_NAME,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="A setting of the lab, as listed by 'lab show LAB'."),
    ] = None,
    secret: Annotated[
        list[str] | None,
        typer.Option(
            "--secret",
            metavar="NAME=FILE",
            help="A secret of the lab, from a file or - (standard input), put into etcd.",
        ),
    ] = None,
    deadline: Annotated[
        str,
        typer.Option("--deadline", envvar="LAB_DEADLINE", help="How long units may take to run, and checks to pass."),
    ] = "120s",
    timed: Timings = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    with timings.told(timed):
        deploy(
            name,
            lab,
            settings=pairs(set_),
            secrets=pairs(secret, "--secret", "NAME=FILE"),
            deadline=duration(deadline, "--deadline"),
            dry_run=dry_run,
            as_json=as_json,
        )


def deploy(
    name: str,
    lab_name: str,
    *,
    settings: Mapping[str, str],
    secrets: Mapping[str, str],
    deadline: float,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Deploys a lab, or all parts of a chapter, and returns when their checks pass.

    Unchanged units are left alone; units that only an earlier version of the lab has are taken off. `settings` are the
    lab's settings by name, `secrets` the files of its secrets. Raises FailedError or UnknownError when the checks of a
    lab do not pass within `deadline` seconds.
    """
    loaded = [catalog.load(part) for part in catalog.parts(lab_name)]
    for lab in loaded:
        catalog.require_units(lab)
    cluster = store.require(name)
    labs = [lab_settings.counted(lab.on(len(cluster.nodes)), settings) for lab in loaded]
    for lab in labs:
        lab_settings.require(lab, settings)
        lab_secrets.require(lab, secrets)
        refuse_conflicts(cluster, lab)
    if dry_run:
        print(json.dumps([step for lab in labs for step in steps(cluster, lab, settings, secrets)], indent=2))
        return
    texts = {lab.name: lab_secrets.read(lab, secrets) for lab in labs}
    done: dict[str, list[CheckResult]] = {}
    for lab in labs:
        began = time.monotonic()
        with screen.showing(), store.ClusterFolder(name).lock(again.deploy(lab, settings)):
            done[lab.name] = Deployment(cluster, lab, settings, secrets, texts[lab.name], deadline).carry_out()
        seconds = time.monotonic() - began
        if not as_json:
            print_results(done[lab.name])
        if any(result.outcome is not Outcome.PASS for result in done[lab.name]):
            break
        if not as_json and done[lab.name]:
            _report(cluster, lab, seconds)
    if as_json:
        documents = [
            {"lab": lab.name, "units": lab.unit_names, "checks": to_json(done.get(lab.name, []))} for lab in labs
        ]
        print(json.dumps(documents if len(documents) > 1 else documents[0], indent=2))
    if results := [result for each in done.values() for result in each]:
        require_passed(results)
    if without := [part for part, checks in done.items() if not checks]:
        raise UnknownError(
            f"{without[0]}: its units run, but it has no checks, so whether it works is unknown",
            "write one: a function test_...() in checks/test_....py",
        )


def steps(cluster: Cluster, lab: Lab, settings: Mapping[str, str], secrets: Mapping[str, str]) -> list[dict[str, str]]:
    """The steps of a deployment, in order."""
    return [
        *({"step": "set", "subject": name, "value": value} for name, value in settings.items()),
        *({"step": "container image", "subject": name} for name in lab.containers),
        *({"step": "take off", "subject": name} for name in deployed.left_out(cluster, lab)),
        *({"step": "secret", "subject": name, "value": lab.secrets[name].key} for name in secrets),
        *({"step": "start", "subject": name} for name in lab.unit_names),
        {"step": "checks", "subject": lab.name},
    ]


def _report(cluster: Cluster, lab: Lab, seconds: float) -> None:
    print(f"{lab.name} is deployed and its checks pass, in {seconds:.1f} s. Next:")
    print(f"  {hints.lab('show', catalog.named(lab))}")
    print(f"  {hints.lab('status')}")
    print(f"  {hints.lab('break', lab.target or cluster.nodes[:2][-1].name, '--verify')}")
