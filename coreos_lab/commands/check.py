"""Run a lab's checks on the cluster. Without LAB, run those of every deployed lab.

The checks of a lab without units, such as ch8, are of a cloud: the one that LAB_CLOUD names, or aws.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from coreos_lab import disk, events, hints, screen
from coreos_lab.checks.runner import run_checks
from coreos_lab.cloud import clients
from coreos_lab.commands import again
from coreos_lab.commands.options import Json, Name, complete_labs, verb
from coreos_lab.definition import catalog
from coreos_lab.errors import FailedError, UnknownError, UsageError
from coreos_lab.model import CheckResult, Cluster, Lab, Outcome, to_json
from coreos_lab.observed import inventory
from coreos_lab.observed.observation import observe
from coreos_lab.providers.choose import provider as choose
from coreos_lab.records import clouds, deployed, store
from coreos_lab.records.clouds import CloudFolder
from coreos_lab.report.clean import clean
from coreos_lab.spelling import counted

MARKS = {Outcome.PASS: "ok  ", Outcome.FAIL: "FAIL", Outcome.UNKNOWN: "????"}

app = verb()


@app.command(help=__doc__)
def command(
    lab: Annotated[str | None, typer.Argument(metavar="[LAB]", autocompletion=complete_labs)] = None,
    name: Name = hints.DEFAULT_NAME,
    junit: Annotated[
        Path | None,
        typer.Option("--junit", envvar="LAB_JUNIT", dir_okay=False, help="Write the results there as JUnit XML."),
    ] = None,
    as_json: Json = False,
) -> None:
    check(name, lab, junit=junit, as_json=as_json)


def check(name: str, lab_name: str | None, *, junit: Path | None, as_json: bool) -> None:
    """Runs the checks once. Raises FailedError if one fails, UnknownError if one could not be carried out."""
    if lab_name and (of_cloud := _of_cloud(lab_name)):
        _tell(of_cloud, _run_in_cloud(of_cloud, junit), as_json=as_json)
        return
    cluster = store.require(name)
    labs = _named(cluster, lab_name) if lab_name else deployed_labs(name)
    if not labs:
        raise UsageError(f"{name}: no lab is deployed, so there is nothing to check", hints.lab("deploy", "ch3"))
    nodes = inventory.write(observe(cluster, choose(cluster.provider)))
    results = []
    with screen.showing():
        for lab in labs:
            if difference := deployed.difference(cluster, lab):
                events.note("check", f"{difference}; '{again.as_deployed(cluster, lab)}' deploys what it is now")
            report = junit if len(labs) == 1 else junit.with_stem(f"{junit.stem}-{lab.name}") if junit else None
            results += run_checks(lab, nodes, junit=report)
    _tell(labs, results, as_json=as_json)


def _tell(labs: list[Lab], results: list[CheckResult], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"labs": [lab.name for lab in labs], "checks": to_json(results)}, indent=2))
    else:
        print_results(results)
    require_passed(results)


def _of_cloud(lab_name: str) -> list[Lab]:
    """The parts of a lab that has no units, and so no cluster; none of any other lab."""
    known = lab_name in catalog.names() or "/" in lab_name
    labs = [catalog.load(part) for part in catalog.parts(lab_name)] if known else []
    return labs if labs and not any(lab.units for lab in labs) else []


def _run_in_cloud(labs: list[Lab], junit: Path | None) -> list[CheckResult]:
    """Runs checks that ask a cloud, without nodes, and with the variables of `lab cloud env`."""
    cloud = clouds.require(clouds.meant())
    nodes = CloudFolder(cloud.name).path / "checks" / "inventory.json"
    disk.write_atomic(nodes, json.dumps({"cluster": f"cloud {cloud.name}", "ssh_config": "", "nodes": []}))
    with screen.showing():
        env = {**dict.fromkeys(clients.ELSEWHERE), **clients.variables(cloud)}
        return [result for lab in labs for result in run_checks(lab, nodes, junit=junit, env=env)]


def _named(cluster: Cluster, lab_name: str) -> list[Lab]:
    """The parts of a chapter, or a lab of the user's own, which is known by its name once it is deployed."""
    record = deployed.load(cluster, lab_name) if "/" not in lab_name else None
    return [catalog.load(part) for part in ([record.folder] if record else catalog.parts(lab_name))]


def deployed_labs(name: str) -> list[Lab]:
    """The labs on a cluster, loaded from the folders that they were deployed from."""
    cluster = store.require(name)
    return [catalog.load(record.folder) for record in deployed.records(cluster)]


def print_results(results: list[CheckResult]) -> None:
    """Prints a line for each check, with its lab's name if there are several labs."""
    several = len({result.lab for result in results}) > 1
    for result in results:
        message = f": {result.message}" if result.message else ""
        name = result.qualified if several else result.name
        print(clean(f"{MARKS[result.outcome]} {name} ({result.seconds:.1f} s){message}"))


def require_passed(results: list[CheckResult]) -> None:
    """Raises FailedError if a check failed, else UnknownError if one is unknown or none was run."""
    for outcome, error in ((Outcome.FAIL, FailedError), (Outcome.UNKNOWN, UnknownError)):
        bad = [result for result in results if result.outcome is outcome]
        if bad:
            word = "failed" if outcome is Outcome.FAIL else "could not be carried out"
            raise error(f"{len(bad)} of {counted(len(results), 'check')} {word}: {bad[0].qualified}: {bad[0].message}")
    if not results:
        raise UnknownError("no check was run", "does the lab have a folder checks/ with tests in it?")
