"""List the built-in labs."""

from __future__ import annotations

import json

from coreos_lab import hints
from coreos_lab.commands.options import Json, verb
from coreos_lab.commands.table import table
from coreos_lab.definition import catalog

app = verb()


@app.command(help=__doc__)
def command(as_json: Json = False) -> None:
    labs(as_json=as_json)


def labs(*, as_json: bool) -> None:
    """Prints every built-in lab with its title and what it teaches."""
    known = catalog.all_labs()
    if as_json:
        keys = ("name", "title", "summary", "nodes", "disks")
        print(json.dumps([{key: getattr(lab, key) for key in keys} for lab in known], indent=2))
        return
    rows = [(lab.name, str(lab.nodes) if lab.units else "-", lab.title) for lab in known]
    print(table(("LAB", "NODES", "TITLE"), rows))
    page, run = hints.lab("show", "ch3"), hints.lab("deploy", "ch3")
    print(f"\n'{page}' prints that lab's page, '{run}' deploys it; a folder of your own works the same.")
