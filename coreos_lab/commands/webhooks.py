"""What `lab webhook` and `lab cloud webhook` share: their options, and what they print of webhooks and deliveries.

The verbs themselves stand twice (webhook.py, cloud_images.py): typer reads the option --name, which differs, from a
function's signature.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Annotated

import typer

from coreos_lab.commands.table import table
from coreos_lab.containers.webhooks.book import Delivery
from coreos_lab.containers.webhooks.owner import Webhooks

LIBRARY = "library/"  # where plain names are, which nobody types
STATUS_NONE = 0  # of an attempt without an answer

Url = Annotated[str, typer.Argument(metavar="URL", help="Where the payload is posted to.")]
Repository = Annotated[
    str, typer.Option("--repository", metavar="NAME", help="Only when a tag of this repository is pushed (all).")
]
Which = Annotated[str, typer.Argument(metavar="ID|URL", help="Which one, as 'list' shows it.")]


def add(webhooks: Webhooks, url: str, repository: str, apply: Callable[[], None], *, as_json: bool) -> None:
    """Adds a webhook; `apply` lets the registry know of it."""
    hook = webhooks.add(url, repository)
    apply()
    if as_json:
        print(json.dumps(asdict(hook)))
    else:
        print(f"{hook.id}: is called when a tag of {_shown(hook.repository)} is pushed")


def remove(webhooks: Webhooks, which: str, apply: Callable[[], None], *, as_json: bool) -> None:
    """Removes the webhooks with an id or a URL."""
    gone = webhooks.remove(which)
    apply()
    if as_json:
        print(json.dumps({"removed": [each.id for each in gone]}))
    else:
        print("\n".join(f"{each.id}: is not called any more" for each in gone))


def show(webhooks: Webhooks, *, as_json: bool) -> None:
    """Prints the webhooks, each with the state of its last delivery."""
    last = {each.hook: each for each in webhooks.deliveries()}
    if as_json:
        rows = [
            {**asdict(each), "last": _values(last[each.id]) if each.id in last else None} for each in webhooks.listed()
        ]
        print(json.dumps(rows, indent=2))
        return
    shown = [
        (each.id, _shown(each.repository), each.url, last[each.id].state if each.id in last else "-")
        for each in webhooks.listed()
    ]
    print(table(("WEBHOOK", "REPOSITORY", "URL", "LAST"), shown) if shown else "No webhooks.")


def deliveries(webhooks: Webhooks, *, as_json: bool) -> None:
    """Prints what came of the deliveries, oldest first."""
    found = list(webhooks.deliveries())
    if as_json:
        print(json.dumps([_values(each) for each in found], indent=2))
        return
    rows = [
        (
            time.strftime("%H:%M:%S", time.localtime(each.push.at)),
            f"{_shown(each.push.repository)}:{each.push.tag}",
            each.hook,
            each.state,
            str(each.attempts),
            _answer(each),
        )
        for each in found
    ]
    head = ("PUSHED", "IMAGE", "WEBHOOK", "STATE", "ATTEMPTS", "ANSWER")
    print(table(head, rows) if rows else "No deliveries.")


def _answer(delivery: Delivery) -> str:
    said = " ".join(delivery.said.split())
    first = f"{delivery.status} {said}".strip() if delivery.status != STATUS_NONE else said or "-"
    return f"{first}; called back: {delivery.answered}" if delivery.answered else first


def _values(delivery: Delivery) -> dict[str, object]:
    values = asdict(delivery)
    return {"id": delivery.id, **values.pop("push"), **{name: values[name] for name in values if name != "id"}}


def _shown(repository: str) -> str:
    return repository.removeprefix(LIBRARY) or "any repository"
