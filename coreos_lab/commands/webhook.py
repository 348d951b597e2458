"""Have URLs called when a tag is pushed to the cluster's registry, as Docker Hub does."""

from __future__ import annotations

from coreos_lab import hints, screen
from coreos_lab.cluster import mirror
from coreos_lab.commands import webhooks
from coreos_lab.commands.options import Json, Name, group
from coreos_lab.commands.webhooks import Repository, Url, Which
from coreos_lab.containers import pidfile
from coreos_lab.model import Cluster
from coreos_lab.records import store

app = group(__doc__)


@app.command("add")
def add_command(url: Url, repository: Repository = "", name: Name = hints.DEFAULT_NAME, as_json: Json = False) -> None:
    """Have a URL called from now on."""
    cluster = store.require(name)
    with screen.showing(), store.ClusterFolder(name).lock(hints.lab("webhook", "add", url)):
        webhooks.add(mirror.webhooks(cluster), url, repository, lambda: _apply(cluster), as_json=as_json)


@app.command("list")
def list_command(name: Name = hints.DEFAULT_NAME, as_json: Json = False) -> None:
    """List the webhooks."""
    webhooks.show(mirror.webhooks(store.require(name)), as_json=as_json)


@app.command("deliveries")
def deliveries_command(name: Name = hints.DEFAULT_NAME, as_json: Json = False) -> None:
    """Show which pushes the webhooks were told of, and what they answered."""
    webhooks.deliveries(mirror.webhooks(store.require(name)), as_json=as_json)


@app.command("remove")
def remove_command(which: Which, name: Name = hints.DEFAULT_NAME, as_json: Json = False) -> None:
    """Have a URL called no more."""
    cluster = store.require(name)
    with screen.showing(), store.ClusterFolder(name).lock(hints.lab("webhook", "remove", which)):
        webhooks.remove(mirror.webhooks(cluster), which, lambda: _apply(cluster), as_json=as_json)


def _apply(cluster: Cluster) -> None:
    """Lets the registry know, if it runs; otherwise `lab up` does."""
    if pidfile.running(store.ClusterFolder(cluster.name).registry_pid) is not None:
        mirror.run_mirror(cluster)
