"""Run etcdctl (version 2 API) against the cluster."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

import typer

from coreos_lab import hints, run
from coreos_lab.commands.options import PASS_THROUGH, Name, verb
from coreos_lab.commands.tools import environment, program, running_nodes
from coreos_lab.records import store

app = verb()


@app.command(help=__doc__, context_settings=PASS_THROUGH)
def command(ctx: typer.Context, name: Name = hints.DEFAULT_NAME) -> None:
    etcdctl(name, ctx.args)


def etcdctl(name: str, argv: Sequence[str]) -> NoReturn:
    """Becomes etcdctl: its exit code is the command's."""
    cluster = store.require(name)
    run.replace([program("etcdctl"), *argv], env=environment(cluster, running_nodes(cluster)))
