"""Remove a cluster, then check that nothing of it is left."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from coreos_lab import disk, events, hints, screen
from coreos_lab.cluster import lifecycle
from coreos_lab.commands.confirm import confirmed
from coreos_lab.commands.options import Json, Name, verb
from coreos_lab.errors import LabError, UnknownError, UsageError
from coreos_lab.plan import check_name
from coreos_lab.providers.choose import provider as choose
from coreos_lab.records import clouds, state_folders, store

app = verb()


@app.command(help=__doc__)
def command(
    name: Name = hints.DEFAULT_NAME,
    all_: Annotated[bool, typer.Option("--all", help="Destroy every cluster on this machine.")] = False,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", envvar="LAB_YES", help="With --all: do not ask for confirmation.")
    ] = False,
    as_json: Json = False,
) -> None:
    destroy(name, every=all_, yes=yes, as_json=as_json)


def destroy(name: str, *, every: bool, yes: bool, as_json: bool) -> None:
    """Removes the cluster `name`, or all of them with `every`. A missing cluster is no error, as with rm -f."""
    check_name(name)
    state_folders.refuse_foreign()
    names = store.names() if every else [name]
    if every and names and not yes and not confirmed(f"Destroy {', '.join(names)}?"):
        raise UsageError("destroy --all: not confirmed", "say --yes, or answer y")
    removed: list[str] = []
    failed: dict[str, LabError] = {}
    left: set[str] = set()
    with screen.showing():
        for each in names:
            try:
                with hints.for_cluster(each):
                    left |= _clouds_of(each)
                    if _removed(each):
                        removed.append(each)
            except LabError as error:
                if not every:
                    raise
                failed[each] = error  # the others are still removed
    if not removed and not failed and (unseen := state_folders.of_root()):
        raise UnknownError("no cluster of yours to destroy", unseen)
    if as_json:
        kept = {"failed": {name: error.message for name, error in failed.items()}} if failed else {}
        print(json.dumps({"destroyed": removed, **kept}))
    elif removed or not failed:
        print(f"Destroyed: {', '.join(removed)}; nothing is left over." if removed else "Nothing to destroy.")
        for cloud in sorted(left):
            hints.about_cloud(cloud)
            print(f"Cloud {cloud}, in which its machines were, goes on; '{hints.lab('cloud', 'destroy')}' removes it.")
    first, *others = failed.values() or [None]
    if first:
        first.details = "\n".join(filter(None, [first.details, *(error.message for error in others if error)]))
        raise first


def _clouds_of(name: str) -> set[str]:
    """The cloud of a cluster, if that is there: `lab up` may have made it, and others may use it by now."""
    try:
        cluster = store.load(name)
    except LabError:  # of another version: removing it says so
        return set()
    cloud = cluster.stack.cloud if cluster is not None and cluster.stack is not None else ""
    return {cloud} & set(clouds.names())


def _removed(name: str) -> bool:
    """Removes one cluster. False if there is none of that name."""
    folder = store.ClusterFolder(name)
    with folder.lock(hints.lab("destroy")):
        cluster = store.load(name)
        if cluster is None:
            if folder.path.exists():  # no plan was written yet
                disk.remove_tree(folder.path)
            return False
        with events.step("destroy", name):
            lifecycle.take_down(cluster, choose(cluster.provider))
    return True
