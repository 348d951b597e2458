"""lab destroy: remove a cluster, then look whether anything of it is left."""

from __future__ import annotations

import json
import sys

from coreos_lab import cluster as doing
from coreos_lab import disk, events, screen, store
from coreos_lab.errors import UsageError
from coreos_lab.plan import check_name
from coreos_lab.providers.choose import provider as choose


def destroy(name: str, *, every: bool, yes: bool, as_json: bool) -> None:
    """Removes the cluster `name`, or all of them. One that does not exist is fine, as with rm -f."""
    check_name(name)
    chosen = store.names() if every else [name]
    if every and chosen and not yes and not _agreed(chosen):
        raise UsageError("destroy --all: not confirmed", "say --yes, or answer y")
    removed = []
    with screen.showing():
        for each in chosen:
            folder = store.ClusterFolder(each)
            with folder.lock("lab destroy"):
                cluster = store.load(each)
                if cluster is None:
                    if folder.path.exists():  # not even a plan was written
                        disk.remove_tree(folder.path)
                    continue
                with events.step("destroy", each):
                    doing.take_down(cluster, choose(cluster.provider))
                removed.append(each)
    if as_json:
        print(json.dumps({"destroyed": removed}))
    else:
        print(f"Destroyed: {', '.join(removed)}; nothing is left over." if removed else "Nothing to destroy.")


def _agreed(names: list[str]) -> bool:
    if not sys.stdin.isatty():
        return False
    return input(f"Destroy {', '.join(names)}? [y/N] ").strip().lower() in ("y", "yes")
