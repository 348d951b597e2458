"""lab undeploy: take a lab off the cluster."""

from __future__ import annotations

import json
from pathlib import Path

from coreos_lab import deployed, screen, store
from coreos_lab.deploy import take_off
from coreos_lab.errors import UsageError
from coreos_lab.providers.choose import provider as choose


def undeploy(name: str, lab: str, *, as_json: bool) -> None:
    """Removes units, containers and keys. A lab is named as it was deployed, or by its folder."""
    cluster = store.require(name)
    there = deployed.names(cluster)
    chosen = lab if lab in there else Path(lab).absolute().name
    if chosen not in there:
        raise UsageError(f"{lab}: is not deployed on {name} (there is: {', '.join(there) or 'none'})")
    with screen.showing(), store.ClusterFolder(name).lock(f"lab undeploy {chosen}"):
        take_off(cluster, choose(cluster.provider), chosen)
    print(json.dumps({"undeployed": chosen}) if as_json else f"{chosen} is off the cluster.")
