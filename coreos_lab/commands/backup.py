"""Save etcd's keys and the deployed labs' data in a folder."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Annotated

import typer

from coreos_lab import hints, screen
from coreos_lab.backup import take
from coreos_lab.backup.manifest import Manifest
from coreos_lab.commands.check import deployed_labs
from coreos_lab.commands.options import Json, Name, verb
from coreos_lab.disk import shown
from coreos_lab.model import to_json
from coreos_lab.providers.choose import provider as choose
from coreos_lab.records import store
from coreos_lab.spelling import counted
from coreos_lab.units_of_measure import as_size

app = verb()


@app.command(help=__doc__)
def command(
    name: Name = hints.DEFAULT_NAME,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="DIR", help="The backup's folder, empty or new (backup-NAME-TIME, here)."
        ),
    ] = None,
    stale: Annotated[
        bool, typer.Option("--stale", help="Copy what a member of etcd has, though etcd has no majority.")
    ] = False,
    as_json: Json = False,
) -> None:
    backup(name, output, stale=stale, as_json=as_json)


def backup(name: str, output: Path | None, *, stale: bool, as_json: bool) -> None:
    """Takes a backup. It is one once it has its manifest, which is written last."""
    store.require(name)
    began = time.monotonic()
    folder = (output or Path(time.strftime(f"backup-{name}-%Y%m%d-%H%M%S"))).absolute()
    with screen.showing(), store.ClusterFolder(name).lock(hints.lab("backup")):
        cluster = store.require(name)
        labs = deployed_labs(name)
        take.make_folder(folder)
        made = take.take(cluster, choose(cluster.provider), labs, folder, stale=stale)
    if as_json:
        print(json.dumps({"folder": str(folder), **to_json(made)}, indent=2))
        return
    print(f"{shown(folder)}: {_contents(made)}, in {time.monotonic() - began:.1f} s. Back to it:")
    print(f"  {hints.lab('restore', shown(folder))}")


def _contents(made: Manifest) -> str:
    age = f" as {made.etcd.member} knows them, which may be stale" if made.etcd.stale else ""
    parts = [f"{counted(made.etcd.keys, 'key')} of etcd{age}"]
    parts += [f"{counted(part.items, 'item')} of {part.lab}/{part.name}" for part in made.data]
    files = [*made.etcd.files, *(part.file for part in made.data)]
    return f"{', '.join(parts)}, {as_size(sum(file.size for file in files))}"
