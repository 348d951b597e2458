"""Run fleetctl against the cluster."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import NoReturn

import typer

from coreos_lab import hints, run
from coreos_lab.clients import agent
from coreos_lab.commands.options import PASS_THROUGH, Name, verb
from coreos_lab.commands.tools import environment, fleetctl_call, running_nodes
from coreos_lab.records import store

app = verb()


@app.command(help=__doc__, context_settings=PASS_THROUGH)
def command(ctx: typer.Context, name: Name = hints.DEFAULT_NAME) -> None:
    fleetctl(name, ctx.args)


def fleetctl(name: str, argv: Sequence[str]) -> NoReturn:
    """Becomes fleetctl: its exit code is the command's.

    Every call gets an agent: `status`, `journal` and `ssh`, which can be abbreviated, use SSH, and so does any command
    with --tunnel or FLEETCTL_TUNNEL. That variable is followed where it names a node of this cluster.
    """
    cluster = store.require(name)
    env = environment(cluster, running_nodes(cluster))
    tunnel = os.environ.get("FLEETCTL_TUNNEL", "")
    if tunnel.partition(":")[0] in [node.address for node in cluster.nodes]:
        env["FLEETCTL_TUNNEL"] = tunnel
    run.replace(agent.with_agent(cluster, [*fleetctl_call(), *argv]), env=env)
