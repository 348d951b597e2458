"""lab check: a lab's checks against the live cluster."""

from __future__ import annotations

import json
from pathlib import Path

from coreos_lab import catalog, deployed, node_states, screen, store
from coreos_lab.chaos import journal
from coreos_lab.checks import run_checks
from coreos_lab.clients import ssh
from coreos_lab.errors import FailedError, UnknownError, UsageError
from coreos_lab.model import CheckResult, Cluster, Lab, Outcome, to_json
from coreos_lab.providers.choose import provider as choose

MARKS = {Outcome.PASS: "ok  ", Outcome.FAIL: "FAIL", Outcome.UNKNOWN: "????"}


def check(name: str, lab_name: str | None, *, junit: Path | None, as_json: bool) -> None:
    """Runs the checks once. FailedError when one fails, UnknownError when one could not be carried out."""
    cluster = store.require(name)
    labs = _named(cluster, lab_name) if lab_name else deployed_labs(name)
    if not labs:
        raise UsageError(f"{name}: no lab is deployed, so there is nothing to check", "lab deploy ch3")
    broken = [fault.node for fault in journal.open_faults(cluster)]
    ssh.write_config(cluster, node_states.of(cluster, choose(cluster.provider)), broken)
    inventory = store.ClusterFolder(name).inventory
    results = []
    with screen.showing():
        for lab in labs:
            report = junit if len(labs) == 1 else junit.with_stem(f"{junit.stem}-{lab.name}") if junit else None
            results += run_checks(lab, inventory, junit=report)
    if as_json:
        print(json.dumps({"labs": [lab.name for lab in labs], "checks": to_json(results)}, indent=2))
    else:
        tell(results)
    judge(results)


def _named(cluster: Cluster, lab_name: str) -> list[Lab]:
    """The parts of a chapter, or a lab of the user's own: once it is deployed its name is known."""
    record = deployed.load(cluster, lab_name) if "/" not in lab_name else None
    return [catalog.load(part) for part in ([record.folder] if record else catalog.parts(lab_name))]


def deployed_labs(name: str) -> list[Lab]:
    """The labs on a cluster, read from the folders that they were deployed from."""
    cluster = store.require(name)
    return [catalog.load(record.folder) for record in deployed.records(cluster)]


def tell(results: list[CheckResult]) -> None:
    """One line a check."""
    for result in results:
        message = f": {result.message}" if result.message else ""
        print(f"{MARKS[result.outcome]} {result.name} ({result.seconds:.1f} s){message}")


def judge(results: list[CheckResult]) -> None:
    """Raises what a set of results deserves: a failure weighs more than an unknown."""
    for outcome, error in ((Outcome.FAIL, FailedError), (Outcome.UNKNOWN, UnknownError)):
        bad = [result for result in results if result.outcome is outcome]
        if bad:
            word = "failed" if outcome is Outcome.FAIL else "could not be carried out"
            raise error(f"{len(bad)} of {len(results)} checks {word}: {bad[0].name}: {bad[0].message}")
    if not results:
        raise UnknownError("no check was run", "does the lab have a folder checks/ with tests in it?")
