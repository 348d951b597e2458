"""lab labs: the chapters that come with it."""

from __future__ import annotations

import json

from coreos_lab import catalog
from coreos_lab.commands.table import table


def labs(*, as_json: bool) -> None:
    """Prints every built-in lab with its title and what it teaches."""
    found = catalog.all_labs()
    if as_json:
        print(
            json.dumps(
                [
                    {"name": x.name, "title": x.title, "summary": x.summary, "nodes": x.nodes, "disks": x.disks}
                    for x in found
                ],
                indent=2,
            )
        )
        return
    print(table(("LAB", "NODES", "TITLE"), [(lab.name, str(lab.nodes), lab.title) for lab in found]))
    print("\n'lab show LAB' is a lab's own page, 'lab deploy LAB' runs it; a folder of your own works the same.")
