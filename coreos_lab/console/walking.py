"""The step of a lab's page at which a reader's walk is, as the console shows it beside the cluster."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from coreos_lab.definition.page.steps import HOST, Browser, Step, Task

if TYPE_CHECKING:
    from markdown_it import MarkdownIt


def shown(step: Step) -> dict[str, Any]:
    """A step's text as HTML, and what the reader is to do: commands with the place where they run, or a task."""
    act = step.act
    if isinstance(act, Task):
        return {"text": html(step.text), "task": act.title, "about": html(act.text)}
    if isinstance(act, Browser):
        return {"text": html(step.text), "commands": [act.url], "on": "a browser"}
    place = f"terminal {act.terminal}" if act.terminal else "" if act.on == HOST else act.on
    return {"text": html(step.text), "commands": [each.text for each in act.commands if each.text], "on": place}


def html(text: str) -> str:
    """Markdown as HTML. HTML in it is text, and addresses that run a script are no links."""
    return str(_renderer().render(text))


@cache
def _renderer() -> MarkdownIt:
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")
