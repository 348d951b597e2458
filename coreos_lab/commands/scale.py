"""lab scale: nodes join and leave a running cluster."""

from __future__ import annotations

import json
import time

from coreos_lab import cluster as doing
from coreos_lab import scaling, screen, store
from coreos_lab.chaos import journal
from coreos_lab.model import Cluster
from coreos_lab.plan import check_count, grown, shrunk
from coreos_lab.providers.base import Provider
from coreos_lab.providers.choose import provider as choose


def scale(name: str, count: int, *, as_json: bool) -> None:
    """Converges to `count` nodes: new ones take the next numbers, the highest numbers leave.

    What is to become of the cluster is on disk before it is done: the same command goes on after an interruption.
    """
    check_count(count)
    began = time.monotonic()
    store.require(name)
    with screen.showing(), store.ClusterFolder(name).lock(f"lab scale {count}"):
        before = store.require(name)
        cluster, stranded = _converge(before, choose(before.provider), count)
    had, has = ([node.name for node in each.nodes] for each in (before, cluster))
    joined, left = [each for each in has if each not in had], [each for each in had if each not in has]
    if as_json:
        told = {"cluster": name, "nodes": has, "joined": joined, "left": left, "stranded": stranded}
        print(json.dumps(told, indent=2))
        return
    _say(cluster, joined, left, stranded, time.monotonic() - began)


def _converge(cluster: Cluster, provider: Provider, count: int) -> tuple[Cluster, dict[str, str]]:
    stranded: dict[str, str] = {}
    if len(cluster.nodes) == count and not cluster.leaving and journal.open_faults(cluster):
        return cluster, stranded  # nothing to do, and what is broken on purpose stays so
    target = shrunk(cluster, count)
    if target.leaving:
        # Before the plan says so: a cluster from which nothing can be taken now is left as it was.
        scaling.refuse_broken(target, provider)
        scaling.refuse_unsafe(target)
        store.save(target)
        cluster, stranded = scaling.shrink(target, provider)
    bigger = grown(cluster, count)
    if bigger != cluster:
        scaling.refuse_broken(cluster, provider)
        store.save(bigger)
    touched = doing.bring_up(bigger, provider)
    if not touched and not target.leaving:
        scaling.wait_ready(bigger, provider)
    if touched:
        stranded = scaling.wait_for_units(bigger)
    return bigger, stranded


def _say(cluster: Cluster, joined: list[str], left: list[str], stranded: dict[str, str], seconds: float) -> None:
    count = f"{len(cluster.nodes)} node{'s' * (len(cluster.nodes) > 1)}"
    changes = [f"{', '.join(names)} {word}" for names, word in ((joined, "joined"), (left, "left")) if names]
    if changes:
        print(f"Cluster {cluster.name}: {count} ({'; '.join(changes)}) in {seconds:.1f} s.")
    else:
        print(f"Cluster {cluster.name} has {count}.")
    for reason in stranded.values():
        print(f"  {reason}")
