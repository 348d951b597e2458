"""lab heal: undo every fault on record, whoever left it."""

from __future__ import annotations

import json

from coreos_lab import catalog, deployed, events, node_states, screen, snapshots, store, wait
from coreos_lab.chaos import faults, journal
from coreos_lab.checks import run_checks
from coreos_lab.clients import ssh
from coreos_lab.errors import LabError
from coreos_lab.model import Cluster, Outcome
from coreos_lab.providers.choose import provider as choose

LABS_PATIENCE = 30.0  # seconds for what ran on a machine to start again, here or elsewhere


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
            _wait_for_labs(cluster)
    told = [{"node": fault.node, "fault": fault.kind.value} for fault in left]
    if as_json:
        print(json.dumps({"healed": told, "restored": restored or None}))
    elif restored:
        print(f"The snapshot {restored} is put back, which had been interrupted.")
    elif told:
        print("Healed: " + ", ".join(f"{each['node']} ({each['fault']})" for each in told))
    else:
        print("Nothing is on record to be healed.")


def _wait_for_labs(cluster: Cluster) -> None:
    """Returns when the deployed labs' checks pass, so that what is asked next is not asked too early.

    Where they do not in time that is said, and is no failure: nothing is broken any more, and why is for `lab check`.
    """
    for record in deployed.records(cluster):
        with events.step("heal", message=f"{record.name}: its checks"):
            try:
                lab = catalog.load(record.folder)
            except LabError as error:  # a lab of the user's own, whose folder is gone or being changed
                events.note("heal", error.message)
                continue
            inventory = store.ClusterFolder(cluster.name).inventory
            results = run_checks(lab, inventory, deadline=wait.patiently(LABS_PATIENCE))
        bad = [result.name for result in results if result.outcome is not Outcome.PASS]
        if bad:
            events.note("heal", f"not yet: {', '.join(bad)}; 'lab check {record.name}' tells more")
