"""lab heal: undo every fault on record, whoever left it."""

from __future__ import annotations

import json

from coreos_lab import node_states, screen, snapshots, store
from coreos_lab.chaos import faults, journal
from coreos_lab.clients import ssh
from coreos_lab.providers.choose import provider as choose


def heal(name: str, *, as_json: bool) -> None:
    """Heals from the journal alone, so that it does not matter how the breaking command ended."""
    cluster = store.require(name)
    provider = choose(cluster.provider)
    with screen.showing(), store.ClusterFolder(name).lock("lab heal"):
        restored = snapshots.interrupted(cluster)
        cluster = snapshots.finish(cluster, provider)
        left = journal.open_faults(cluster)
        if left:
            faults.heal(provider, cluster, left)
            ssh.write_config(cluster, node_states.of(cluster, provider))
    told = [{"node": fault.node, "fault": fault.kind.value} for fault in left]
    if as_json:
        print(json.dumps({"healed": told, "restored": restored or None}))
    elif restored:
        print(f"The snapshot {restored} is put back, which had been interrupted.")
    elif told:
        print("Healed: " + ", ".join(f"{each['node']} ({each['fault']})" for each in told))
    else:
        print("Nothing is on record to be healed.")
