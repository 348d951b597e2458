"""lab show: a lab's own page in the terminal."""

from __future__ import annotations

import sys

from coreos_lab import catalog


def show(name: str) -> None:
    """Prints the page, or those of a chapter's parts: drawn on a terminal, as its Markdown elsewhere."""
    page = "\n".join(catalog.page(catalog.load(part)) for part in catalog.parts(name))
    if not sys.stdout.isatty():
        print(page)
        return
    from rich.console import Console
    from rich.markdown import Markdown

    Console(width=min(100, Console().width)).print(Markdown(page))
