"""Make discovery tokens, by which a new cluster's etcd members find each other."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from coreos_lab import hints, screen
from coreos_lab.cluster import discovery
from coreos_lab.commands import planning
from coreos_lab.commands.options import Json, Name, group
from coreos_lab.errors import UsageError
from coreos_lab.model import NODES_MAX
from coreos_lab.plan import Request, check_name
from coreos_lab.providers.choose import provider as choose
from coreos_lab.records import store

app = group(__doc__)


@app.command("new")
def new_command(
    size: Annotated[int, typer.Option("--size", metavar="N", help="For how many etcd members the token is (3).")] = 3,
    name: Name = hints.DEFAULT_NAME,
    as_json: Json = False,
) -> None:
    """Print the URL of a new token; plans the cluster if there is none."""
    new(name, size, as_json=as_json)


def new(name: str, size: int, *, as_json: bool) -> None:
    """Makes a token of the cluster's own discovery service and prints its URL.

    The service belongs to the cluster, so that a plan is written for one that does not exist yet: `lab up` makes it,
    `lab destroy` removes it with the service.
    """
    check_name(name)
    if not 1 <= size <= NODES_MAX:
        raise UsageError(f"--size {size}: must be from 1 to {NODES_MAX}")
    with screen.showing(), store.ClusterFolder(name).lock(hints.lab("discovery", "new")):
        _request, existing = planning.resolve(Request(name))
        known = store.load(name)
        cluster = existing or known or planning.save(Request(name, nodes=size), None)
        if cluster.replaced:
            raise UsageError(f"{name}: members on AWS find each other by a token of their own", "leave discovery out")
        if cluster.provider == "vagrant":
            raise UsageError(
                f"{name}: virtual machines get their network when they boot, too late for a discovery service",
                "leave discovery out: the lab tells members of each other",
            )
        url = discovery.new(cluster, size)
        if existing is not None:  # its network is there: let the nodes reach the service
            choose(cluster.provider).create_network(cluster)
            discovery.run_service(cluster)
    print(json.dumps({"cluster": name, "size": size, "url": url}) if as_json else url)
