"""List the clusters on this machine."""

from __future__ import annotations

import json
import sys
from typing import Any

from coreos_lab import hints
from coreos_lab.commands.options import Json, verb
from coreos_lab.commands.table import table
from coreos_lab.errors import LabError, UnknownError
from coreos_lab.model import NodeState
from coreos_lab.observed import node_states
from coreos_lab.providers.choose import provider as choose
from coreos_lab.records import deployed, formats, state_folders, store
from coreos_lab.records.outline import outline

app = verb()


@app.command(help=__doc__)
def command(as_json: Json = False) -> None:
    list_(as_json=as_json)


def list_(*, as_json: bool) -> None:
    """Prints each cluster with its nodes, how many of them run, and its labs.

    A cluster that cannot be queried hides no other: its known values are printed, and the reason on stderr.
    """
    clusters = [each for name in store.names() if (each := _values(name)) is not None]
    unseen = state_folders.of_root()
    if unseen and not clusters:
        raise UnknownError("no cluster of yours", unseen)
    if unseen:
        print(f"lab: {unseen}", file=sys.stderr)
    if as_json:
        print(json.dumps(clusters, indent=2))
    elif not clusters:
        print(f"No clusters. Make one: {hints.lab('up')}")
    else:
        print(table(("CLUSTER", "PROVIDER", "SUBNET", "RUNNING", "LABS"), [_row(each) for each in clusters]))
        for each in clusters:
            if each["trouble"]:
                print(f"lab: {each['cluster']}: {each['trouble']}", file=sys.stderr)


def _values(name: str) -> dict[str, Any] | None:
    """A cluster's row as plain values, null for what is unknown; None if it was destroyed meanwhile."""
    trouble, running, labs = "", None, None
    plan = outline(store.ClusterFolder(name).plan)
    try:
        cluster = store.load(name)
        if cluster is None:
            return None
        labs = deployed.names(cluster)
        states = node_states.of(cluster, choose(cluster.provider))
        running = sum(state is NodeState.RUNNING for state in states.values())
    except formats.OtherVersionError:
        trouble = formats.OTHER_VERSION
    except LabError as error:
        trouble = error.message
    return {
        "cluster": name,
        "provider": plan.provider,
        "subnet": plan.subnet,
        "nodes": plan.nodes,
        "running": running,
        "labs": labs,
        "trouble": trouble or None,
    }


def _row(values: dict[str, Any]) -> tuple[str, ...]:
    count = "/".join("?" if values[part] is None else str(values[part]) for part in ("running", "nodes"))
    labs = "?" if values["labs"] is None else ", ".join(values["labs"]) or "-"
    return values["cluster"], values["provider"] or "?", values["subnet"] or "?", count, labs
