"""Add or remove nodes of a running cluster. Their units and etcd membership move first."""

from __future__ import annotations

import json
import time
from typing import Annotated

import typer

from coreos_lab import hints, screen
from coreos_lab.cluster import scaling
from coreos_lab.commands import on_aws, view
from coreos_lab.commands.options import Json, Name, verb
from coreos_lab.model import Cluster
from coreos_lab.node_plans import check_count
from coreos_lab.providers.choose import provider as choose
from coreos_lab.records import store
from coreos_lab.spelling import counted

app = verb()


@app.command(help=__doc__)
def command(
    count: Annotated[int, typer.Argument(metavar="N", help="How many nodes the cluster is to have.")],
    name: Name = hints.DEFAULT_NAME,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", envvar="LAB_YES", help="At AWS itself: do not ask whether it may cost more.")
    ] = False,
    as_json: Json = False,
) -> None:
    scale(name, count, yes=yes, as_json=as_json)


def scale(name: str, count: int, *, yes: bool = False, as_json: bool) -> None:
    """Converges to `count` nodes: new ones take the next numbers, the highest numbers leave.

    The plan is on disk before it is carried out: after an interruption, the same command continues.
    """
    check_count(count)
    began = time.monotonic()
    on_aws.accept_costs(there := store.require(name), max(0, count - len(there.nodes)), yes=yes)
    with screen.showing(), store.ClusterFolder(name).lock(hints.lab("scale", count)):
        before = store.require(name)
        cluster, stranded, mended = scaling.converge(before, choose(before.provider), count)
    had, has = ([node.name for node in each.nodes] for each in (before, cluster))
    joined, left = [each for each in has if each not in had], [each for each in had if each not in has]
    if as_json:
        changes = {"cluster": name, "nodes": has, "joined": joined, "left": left, "stranded": stranded}
        print(json.dumps({**changes, "mended": mended, "broken": view.broken(cluster)}, indent=2))
        return
    changed = [f"{', '.join(names)} {word}" for names, word in ((joined, "joined"), (left, "left")) if names]
    _report(cluster, [*changed, *mended], stranded, time.monotonic() - began)


def _report(cluster: Cluster, changes: list[str], stranded: dict[str, str], seconds: float) -> None:
    count = counted(len(cluster.nodes), "node")
    if changes:
        print(f"Cluster {cluster.name}: {count} ({'; '.join(changes)}) in {seconds:.1f} s.")
    else:
        print(f"Cluster {cluster.name} has {count}.")
    for reason in stranded.values():
        print(f"  {reason}")
    view.print_broken(cluster)
