"""Save a cluster's disks, and restore them in seconds."""

from __future__ import annotations

import json
import time
from typing import Annotated

import typer

from coreos_lab import hints, screen
from coreos_lab.chaos import healing
from coreos_lab.checks.runner import run_checks
from coreos_lab.cluster import snapshots
from coreos_lab.commands.check import deployed_labs, print_results, require_passed
from coreos_lab.commands.options import Json, Name, group
from coreos_lab.commands.table import table
from coreos_lab.model import to_json
from coreos_lab.providers.choose import provider as choose
from coreos_lab.records import store
from coreos_lab.spelling import counted
from coreos_lab.units_of_measure import as_size

CHECKS_DEADLINE = 120.0  # seconds: all nodes boot at once, and sidekicks announce their services anew


def complete_snapshots(ctx: typer.Context, incomplete: str) -> list[str]:
    """Names of snapshots of the cluster named by --name that begin with `incomplete`."""
    cluster = store.load(ctx.params.get("name") or hints.DEFAULT_NAME)
    there = snapshots.snapshots(cluster) if cluster else []
    return [each.name for each in there if each.name.startswith(incomplete)]


NewSnapshot = Annotated[str, typer.Argument(metavar="SNAPSHOT", help="The snapshot's name.")]
KnownSnapshot = Annotated[
    str, typer.Argument(metavar="SNAPSHOT", help="The snapshot's name.", autocompletion=complete_snapshots)
]
app = group(__doc__)


@app.command("save")
def save_command(snapshot: NewSnapshot, name: Name = hints.DEFAULT_NAME, as_json: Json = False) -> None:
    """Copy all nodes' disks at one moment, with the record of deployed labs."""
    save(name, snapshot, as_json=as_json)


@app.command("restore")
def restore_command(snapshot: KnownSnapshot, name: Name = hints.DEFAULT_NAME, as_json: Json = False) -> None:
    """Restore the cluster's nodes, disks and labs."""
    restore(name, snapshot, as_json=as_json)


@app.command("list")
def list_command(name: Name = hints.DEFAULT_NAME, as_json: Json = False) -> None:
    """List a cluster's snapshots, oldest first."""
    list_(name, as_json=as_json)


@app.command("delete")
def delete_command(snapshot: KnownSnapshot, name: Name = hints.DEFAULT_NAME, as_json: Json = False) -> None:
    """Delete a snapshot."""
    delete(name, snapshot, as_json=as_json)


def save(name: str, snapshot: str, *, as_json: bool) -> None:
    """Copies the disks of all nodes at one moment. The nodes run on afterwards."""
    snapshots.check_name(snapshot)
    store.require(name)
    began = time.monotonic()
    with screen.showing(), store.ClusterFolder(name).lock(hints.lab("snapshot", "save", snapshot)):
        cluster = store.require(name)
        made = snapshots.save(cluster, choose(cluster.provider), snapshot, healing.heal)
    if as_json:
        print(json.dumps(to_json(made), indent=2))
        return
    seconds = time.monotonic() - began
    print(f"{snapshot}: {counted(made.nodes, 'node')}, {as_size(made.size)}, in {seconds:.1f} s. Back to it:")
    print(f"  {hints.lab('snapshot', 'restore', snapshot)}")


def restore(name: str, snapshot: str, *, as_json: bool) -> None:
    """Restores the cluster from a snapshot, and returns when its labs' checks pass.

    Raises FailedError or UnknownError if they do not.
    """
    snapshots.require(store.require(name), snapshot)
    began = time.monotonic()
    with screen.showing(), store.ClusterFolder(name).lock(hints.lab("snapshot", "restore", snapshot)):
        cluster = store.require(name)
        restored = snapshots.restore(cluster, choose(cluster.provider), snapshot)
        made = snapshots.require(restored, snapshot)
        inventory = store.ClusterFolder(name).inventory
        results = [
            result for lab in deployed_labs(name) for result in run_checks(lab, inventory, deadline=CHECKS_DEADLINE)
        ]
    if as_json:
        print(json.dumps({**to_json(made), "checks": to_json(results)}, indent=2))
    else:
        print_results(results)
    if results:
        require_passed(results)
    if as_json:
        return
    labs = ", ".join(made.labs) or "no lab"
    nodes, seconds = counted(made.nodes, "node"), time.monotonic() - began
    print(f"Cluster {name} is {snapshot} again: {nodes}, {labs}, in {seconds:.1f} s.")


def list_(name: str, *, as_json: bool) -> None:
    """Prints each snapshot with its time, size, nodes and labs."""
    there = snapshots.snapshots(store.require(name))
    if as_json:
        print(json.dumps(to_json(there), indent=2))
    elif not there:
        print(f"No snapshots. Take one: {hints.lab('snapshot', 'save', 'clean')}")
    else:
        rows = [
            (
                each.name,
                time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(each.wall)),
                as_size(each.size),
                str(each.nodes),
                ", ".join(each.labs) or "-",
            )
            for each in there
        ]
        print(table(("SNAPSHOT", "TIME", "SIZE", "NODES", "LABS"), rows))


def delete(name: str, snapshot: str, *, as_json: bool) -> None:
    """Deletes a snapshot."""
    snapshots.require(store.require(name), snapshot)
    with screen.showing(), store.ClusterFolder(name).lock(hints.lab("snapshot", "delete", snapshot)):
        snapshots.delete(store.require(name), snapshot)
    print(json.dumps({"deleted": snapshot}) if as_json else f"{snapshot} is removed.")
