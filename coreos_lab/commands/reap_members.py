"""Remove etcd's members whose machines are gone for good."""

from __future__ import annotations

import json

from coreos_lab import hints, screen
from coreos_lab.cluster import reaping
from coreos_lab.commands.options import DryRun, Json, Name, verb
from coreos_lab.observed.observation import observe
from coreos_lab.providers.choose import provider as choose
from coreos_lab.records import store
from coreos_lab.spelling import counted

app = verb()


@app.command(help=__doc__)
def command(name: Name = hints.DEFAULT_NAME, dry_run: DryRun = False, as_json: Json = False) -> None:
    reap_members(name, dry_run=dry_run, as_json=as_json)


def reap_members(name: str, *, dry_run: bool, as_json: bool) -> None:
    """Removes the members that do not answer and cannot come back, as long as etcd keeps its majority meanwhile."""
    store.require(name)
    with screen.showing(), store.ClusterFolder(name).lock(hints.lab("reap-members")):
        cluster = store.require(name)
        provider = choose(cluster.provider)
        now, found = reaping.lasting(lambda: observe(cluster, provider))
        gone = [each for each in found if each.goes]
        if not dry_run:
            reaping.remove(now, gone)
    kept = [each for each in found if not each.goes]
    if as_json or dry_run:
        said = {key: {each.name: each.why for each in group} for key, group in (("removed", gone), ("kept", kept))}
        print(json.dumps(said, indent=2))
        return
    for each in gone:
        print(f"{each.name} is no member any more: {each.why}")
    for each in kept:
        print(f"{each.name} stays: {each.why}")
    if not found:
        print(f"{counted(len(now.members or ()), 'member')} of etcd, all healthy: none is removed.")
