"""Remove a lab's units, containers, keys and folders."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from coreos_lab import hints, screen, timings
from coreos_lab.commands.options import Json, LabName, Name, Timings, verb
from coreos_lab.definition import catalog
from coreos_lab.deploy.take_off import take_off
from coreos_lab.errors import UsageError
from coreos_lab.providers.choose import provider as choose
from coreos_lab.records import deployed, store

app = verb()


@app.command(help=__doc__)
def command(
    lab: LabName,
    name: Name = hints.DEFAULT_NAME,
    wipe: Annotated[
        bool, typer.Option("--wipe", envvar="LAB_WIPE", help="Empty the extra disks that the lab has used.")
    ] = False,
    timed: Timings = False,
    as_json: Json = False,
) -> None:
    with timings.told(timed):
        undeploy(name, lab, wipe=wipe, as_json=as_json)


def undeploy(name: str, lab: str, *, wipe: bool, as_json: bool) -> None:
    """Removes units, containers, keys and folders, and with `wipe` the lab's data on the nodes' extra disks.

    `lab` is the name it was deployed by, its folder, or its chapter.
    """
    cluster = store.require(name)
    on_cluster = deployed.names(cluster)
    wanted = [lab] if lab in on_cluster else [part for part in catalog.parts(lab) if part in on_cluster]
    chosen = wanted or [record.name for record in deployed.records(cluster) if _is_in(record, Path(lab).absolute())]
    if not chosen:
        raise UsageError(f"{lab}: is not deployed on {name} (there is: {', '.join(on_cluster) or 'none'})")
    with_disks = [record.name for record in deployed.records(cluster) if record.disks]
    if wipe and not set(with_disks) & set(chosen):
        raise UsageError(f"--wipe: {lab} uses no extra disks", "leave it out")
    if wipe and (others := set(with_disks) - set(chosen)):
        raise UsageError(
            f"--wipe: {', '.join(sorted(others))} uses the extra disks too",
            f"'{hints.lab('undeploy', lab)}' leaves them",
        )
    with screen.showing(), store.ClusterFolder(name).lock(hints.lab("undeploy", lab)):
        for each in chosen:
            take_off(cluster, choose(cluster.provider), each, wipe=wipe and each in with_disks)
    print(json.dumps({"undeployed": chosen if len(chosen) > 1 else chosen[0]}) if as_json else _summary(chosen))


def _is_in(record: deployed.Deployed, folder: Path) -> bool:
    """Whether a lab was deployed from a folder, or from one that was moved there since."""
    same = folder.resolve() == Path(record.folder)
    return same or (folder.name == record.name and not Path(record.folder).exists())


def _summary(chosen: list[str]) -> str:
    return f"{' and '.join(chosen)} {'are' if len(chosen) > 1 else 'is'} off the cluster."
