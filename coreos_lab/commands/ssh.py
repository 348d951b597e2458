"""lab ssh: a shell on a node, or one command, with the inner exit code."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

from coreos_lab import store
from coreos_lab.clients import ssh as client
from coreos_lab.errors import LabError
from coreos_lab.model import NodeState
from coreos_lab.providers.choose import provider as choose


def ssh(name: str, node_name: str, argv: Sequence[str]) -> NoReturn:
    """Becomes the session."""
    cluster = store.require(name)
    node = store.require_node(cluster, node_name)
    state = choose(cluster.provider).state(cluster, node)
    if state is not NodeState.RUNNING:
        raise LabError(f"{node.name}: is {state.value}", "start it with 'lab up', or 'lab heal' if you broke it")
    client.replace(cluster, node, argv)
