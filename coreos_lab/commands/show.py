"""Show a lab's page: what it teaches, what to type, what to watch."""

from __future__ import annotations

import sys

from coreos_lab.commands.options import LabName, verb
from coreos_lab.definition import catalog

app = verb()


@app.command(help=__doc__)
def command(lab: LabName) -> None:
    show(lab)


def show(name: str) -> None:
    """Prints a lab's page, or those of a chapter's parts: rendered on a terminal, as Markdown elsewhere."""
    page = "\n".join(catalog.page(catalog.load(part)) for part in catalog.parts(name))
    if not sys.stdout.isatty():
        print(page)
        return
    from rich.console import Console
    from rich.markdown import Markdown

    Console(width=max(40, min(100, Console().width))).print(Markdown(page))
