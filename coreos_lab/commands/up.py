"""lab up: converge to a running cluster."""

from __future__ import annotations

import json
import re
import sys
import time
from dataclasses import replace
from pathlib import Path

from coreos_lab import cluster as doing
from coreos_lab import events, scaling, screen, snapshots, store
from coreos_lab.chaos import journal
from coreos_lab.commands import view
from coreos_lab.errors import LabError
from coreos_lab.model import Cluster, to_json
from coreos_lab.plan import Request, check_name, plan
from coreos_lab.providers.base import Provider
from coreos_lab.providers.choose import provider as choose


def up(request: Request, *, keep: bool, dry_run: bool, as_json: bool) -> None:
    """Makes what is missing of the cluster, starts what is off, leaves alone what runs.

    After a failure the nodes are kept for a look, unless `keep` is false and they were made by this call.
    """
    check_name(request.name)
    began = time.monotonic()
    if dry_run:
        existing = store.load(request.name)
        existing = existing and replace(existing, nodes=existing.staying)
        print(json.dumps(to_json(with_box(plan(request, existing, _taken(request.name)), request)), indent=2))
        return
    with screen.showing(), store.ClusterFolder(request.name).lock("lab up"):
        existing = store.load(request.name)
        if existing is not None:
            existing = snapshots.finish(existing, choose(existing.provider))
            existing = scaling.finish(existing, choose(existing.provider))
        # On disk before the machine image is built, which takes minutes: until then another `lab up` would take the
        # same network.
        with store.planning():
            cluster = plan(request, existing, _taken(request.name))
            provider = choose(cluster.provider)
            require_able(provider)
            cluster = with_box(cluster, request)
            store.save(cluster)
        try:
            if not cluster.image:
                cluster = replace(cluster, image=provider.prepare(cluster))
                store.save(cluster)
            touched = doing.bring_up(cluster, provider)
        except LabError:
            if existing is None and not keep:
                doing.take_down(cluster, provider)
            raise
    if as_json:
        print(json.dumps(view.cluster_state(cluster, provider), indent=2))
        return
    _say(cluster, [node.name for node in touched], time.monotonic() - began)


def with_box(cluster: Cluster, request: Request) -> Cluster:
    """The plan with the box that its machines are made from, where Vagrant makes them."""
    if cluster.provider != "vagrant" or cluster.box is not None:
        return cluster
    from coreos_lab.machine_image.box import box_name
    from coreos_lab.providers.vagrant import boxes

    on = boxes.here()
    driver = boxes.driver() if on == "libvirt" else ""
    box = boxes.choose(on, box_name(), driver, channel=request.channel, name=request.box, version=request.box_version)
    return replace(cluster, box=box)


def require_able(provider: Provider) -> None:
    """Raises LabError for the first thing that keeps this machine from running the provider."""
    bad = [finding for finding in provider.doctor() if not finding.ok]
    if bad:
        more = f" ({len(bad) - 1} more: run 'lab doctor')" if len(bad) > 1 else ""
        raise LabError(f"{bad[0].name}: {bad[0].message}{more}", bad[0].remedy)


def _taken(name: str) -> set[int]:
    """The indices that are not free: other clusters', and those of interfaces that another state's clusters have."""
    known = {index for other in store.names() if other != name and (index := store.network_index(other)) is not None}
    folder = Path("/sys/class/net")
    links = [link.name for link in folder.iterdir()] if folder.is_dir() else []
    return known | {int(link[3:]) for link in links if re.fullmatch(r"lab\d+", link)}


def _say(cluster: Cluster, touched: list[str], seconds: float) -> None:
    name = "" if cluster.name == "core" else f" --name {cluster.name}"
    if not touched:
        print(f"Cluster {cluster.name} runs already: {len(cluster.nodes)} nodes.")
    else:
        print(f"Cluster {cluster.name}: {len(cluster.nodes)} nodes up in {seconds:.1f} s ({', '.join(touched)}).")
    broken = ", ".join(f"{fault.node} ({fault.kind.value})" for fault in journal.open_faults(cluster))
    if broken:
        print(f"Broken on purpose: {broken}. 'lab heal{name}' undoes that.")
    print("Next:")
    print(f"  lab status{name}")
    print(f"  lab deploy ch3{name}        # 'lab labs' lists the others, 'lab show ch3' is its page")
    print(f"  lab ssh core-01{name}")
    events.note("up", "done")
    sys.stdout.flush()
