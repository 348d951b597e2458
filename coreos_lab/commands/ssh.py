"""Open a shell on a node, or on the one that runs unit:NAME, or run a command: lab ssh NODE -- CMD (as ssh -A)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

import typer

from coreos_lab import hints
from coreos_lab.clients import host_keys
from coreos_lab.clients import ssh as client
from coreos_lab.commands.options import PASS_THROUGH, Name, NodeName, verb
from coreos_lab.commands.targets import target_node
from coreos_lab.errors import LabError, UsageError
from coreos_lab.model import NodeState
from coreos_lab.observed import node_states
from coreos_lab.providers.choose import provider as choose
from coreos_lab.records import store

app = verb()


@app.command(help=__doc__, context_settings=PASS_THROUGH)
def command(ctx: typer.Context, node: NodeName, name: Name = hints.DEFAULT_NAME) -> None:
    if ctx.args and ctx.args[0].partition("=")[0] == "--name":
        raise UsageError(
            "--name: must stand before the node, since the command begins after it", _with_name_first(node, ctx.args)
        )
    ssh(name, node, ctx.args[1:] if ctx.args[:1] == ["--"] else ctx.args)


def _with_name_first(node: str, args: Sequence[str]) -> str:
    """The call that was meant, where --name came after the node."""
    _option, equals, value = args[0].partition("=")
    name, rest = (value, args[1:]) if equals else ("".join(args[1:2]), args[2:])
    words = rest[1:] if rest[:1] == ["--"] else rest
    return hints.lab("ssh", *(["--name", name] if name else []), node, *(["--", *words] if words else []))


def ssh(name: str, node_name: str, argv: Sequence[str]) -> NoReturn:
    """Becomes the ssh client: its exit code is the command's. `node_name` may be unit:NAME."""
    cluster = store.require(name)
    provider = choose(cluster.provider)
    node = target_node(cluster, provider, node_name, up=False)
    state = provider.state(cluster, node)
    if state is not NodeState.RUNNING:
        raise LabError(
            f"{node.name}: is {state.value}",
            f"start it with '{hints.lab('up')}', or '{hints.lab('heal')}' if you broke it",
        )
    host_keys.introduce(cluster, node, node_states.running(cluster, provider))
    client.replace(cluster, node, argv, forwarding=True)
