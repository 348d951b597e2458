"""Bring a cluster back to a backup: etcd's keys, the labs' units, and their data."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Annotated

import typer

from coreos_lab import hints, screen
from coreos_lab.backup import fitting, manifest
from coreos_lab.commands.check import print_results, require_passed
from coreos_lab.commands.options import Json, Name, verb
from coreos_lab.commands.restoring import Restoring
from coreos_lab.disk import shown
from coreos_lab.model import to_json
from coreos_lab.observed.observation import observe
from coreos_lab.providers.choose import provider as choose
from coreos_lab.records import restores, store
from coreos_lab.spelling import counted
from coreos_lab.units_of_measure import duration

app = verb()


@app.command(help=__doc__)
def command(
    backup: Annotated[Path, typer.Argument(metavar="DIR", help="A backup's folder.")],
    name: Name = hints.DEFAULT_NAME,
    replace: Annotated[
        bool, typer.Option("--replace", help="Also on a cluster that is not empty: what it has is lost.")
    ] = False,
    deadline: Annotated[
        str,
        typer.Option("--deadline", envvar="LAB_DEADLINE", help="How long units may take to run, and checks to pass."),
    ] = "120s",
    as_json: Json = False,
) -> None:
    restore(name, backup, replace=replace, deadline=duration(deadline, "--deadline"), as_json=as_json)


def restore(name: str, backup: Path, *, replace: bool, deadline: float, as_json: bool) -> None:
    """Restores a backup to a cluster that is there. After an interruption the same command goes on.

    Raises FailedError or UnknownError when what was restored is not what the backup has, or the labs' checks do not
    pass within `deadline` seconds.
    """
    folder = backup.absolute()
    store.require(name)
    saved, wanted = manifest.read(folder), restores.Restore(str(folder), backup=manifest.identity(folder))
    began = time.monotonic()
    with screen.showing(), store.ClusterFolder(name).lock(hints.lab("restore", shown(folder))):
        cluster = store.require(name)
        provider = choose(cluster.provider)
        fitting.refuse_broken(cluster)
        fitting.refuse_others(cluster, saved)
        labs = fitting.labs(cluster, saved)
        begun = restores.load(cluster)
        if begun is not None:
            fitting.refuse_another(wanted, begun, replace=replace)
        elif not replace:
            fitting.refuse_full(observe(cluster, provider), folder)
        if begun is None or fitting.is_another(wanted, begun):
            begun = wanted
        results = Restoring(cluster, provider, saved, folder, labs, deadline).carry_out(begun)
    if as_json:
        print(json.dumps({"folder": str(folder), **to_json(saved), "checks": to_json(results)}, indent=2))
    else:
        print_results(results)
    if results:
        require_passed(results)
    if not as_json:
        what = [f"{counted(saved.etcd.keys, 'key')} of etcd"]
        what += [f"{counted(part.items, 'item')} of {part.lab}/{part.name}" for part in saved.data]
        print(f"Cluster {name} has what {shown(folder)} has, by count and checksum: {', '.join(what)};")
        print(f"  {', '.join(lab.name for lab in labs) or 'no lab'}, in {time.monotonic() - began:.1f} s.")
