"""lab snapshot: copies of a whole cluster, to go back to in seconds."""

from __future__ import annotations

import json
import time

from coreos_lab import screen, snapshots, store
from coreos_lab.checks import run_checks
from coreos_lab.commands.check import deployed_labs, judge, tell
from coreos_lab.commands.table import table
from coreos_lab.model import to_json
from coreos_lab.providers.choose import provider as choose
from coreos_lab.units_of_measure import as_size

CHECKS_DEADLINE = 120.0  # seconds: after a start of all machines at once, sidekicks have to find each other again


def save(name: str, snapshot: str, *, as_json: bool) -> None:
    """Copies the cluster's nodes at one moment; they go on afterwards."""
    snapshots.check_name(snapshot)
    store.require(name)
    began = time.monotonic()
    with screen.showing(), store.ClusterFolder(name).lock(f"lab snapshot save {snapshot}"):
        cluster = store.require(name)
        made = snapshots.save(cluster, choose(cluster.provider), snapshot)
    if as_json:
        print(json.dumps(to_json(made), indent=2))
        return
    seconds = time.monotonic() - began
    print(f"{snapshot}: {made.nodes} nodes, {as_size(made.size)}, in {seconds:.1f} s. Back to it:")
    print(f"  lab snapshot restore {snapshot}{'' if name == 'core' else f' --name {name}'}")


def restore(name: str, snapshot: str, *, as_json: bool) -> None:
    """Makes the cluster what it was when the snapshot was taken; returns when its labs' checks pass, as `deploy` does.

    Raises FailedError or UnknownError when they do not.
    """
    snapshots.require(store.require(name), snapshot)
    began = time.monotonic()
    with screen.showing(), store.ClusterFolder(name).lock(f"lab snapshot restore {snapshot}"):
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
        tell(results)
    if results:
        judge(results)
    if as_json:
        return
    labs = ", ".join(made.labs) or "no lab"
    print(f"Cluster {name} is {snapshot} again: {made.nodes} nodes, {labs}, in {time.monotonic() - began:.1f} s.")


def list_snapshots(name: str, *, as_json: bool) -> None:
    """Prints each snapshot with its time, size, nodes and labs."""
    found = snapshots.snapshots(store.require(name))
    if as_json:
        print(json.dumps(to_json(found), indent=2))
    elif not found:
        print("No snapshots. Take one: lab snapshot save clean")
    else:
        rows = [
            (
                each.name,
                time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(each.wall)),
                as_size(each.size),
                str(each.nodes),
                ", ".join(each.labs) or "-",
            )
            for each in found
        ]
        print(table(("SNAPSHOT", "TIME", "SIZE", "NODES", "LABS"), rows))


def delete(name: str, snapshot: str, *, as_json: bool) -> None:
    """Removes a snapshot."""
    snapshots.require(store.require(name), snapshot)
    with screen.showing(), store.ClusterFolder(name).lock(f"lab snapshot delete {snapshot}"):
        snapshots.delete(store.require(name), snapshot)
    print(json.dumps({"deleted": snapshot}) if as_json else f"{snapshot} is removed.")
