"""lab undeploy: take a lab off the cluster."""

from __future__ import annotations

import json
from pathlib import Path

from coreos_lab import catalog, deployed, screen, store
from coreos_lab.deploy import take_off
from coreos_lab.errors import UsageError
from coreos_lab.providers.choose import provider as choose


def undeploy(name: str, lab: str, *, wipe: bool, as_json: bool) -> None:
    """Removes units, containers, keys and folders; with `wipe`, what the lab has on the nodes' extra disks.

    A lab is named as it was deployed, by its folder, or by its chapter.
    """
    cluster = store.require(name)
    there = deployed.names(cluster)
    wanted = [lab] if lab in there else [part for part in catalog.parts(lab) if part in there]
    chosen = wanted or [each for each in there if each == Path(lab).absolute().name]
    if not chosen:
        raise UsageError(f"{lab}: is not deployed on {name} (there is: {', '.join(there) or 'none'})")
    with_disks = [record.name for record in deployed.records(cluster) if record.disks]
    if wipe and not set(with_disks) & set(chosen):
        raise UsageError(f"--wipe: {lab} uses no extra disks", "leave it out")
    if wipe and (others := set(with_disks) - set(chosen)):
        raise UsageError(
            f"--wipe: {', '.join(sorted(others))} uses the extra disks too", f"lab undeploy {lab} leaves them"
        )
    with screen.showing(), store.ClusterFolder(name).lock(f"lab undeploy {lab}"):
        for each in chosen:
            take_off(cluster, choose(cluster.provider), each, wipe=wipe and each in with_disks)
    print(json.dumps({"undeployed": chosen if len(chosen) > 1 else chosen[0]}) if as_json else _said(chosen))


def _said(chosen: list[str]) -> str:
    return f"{' and '.join(chosen)} {'are' if len(chosen) > 1 else 'is'} off the cluster."
