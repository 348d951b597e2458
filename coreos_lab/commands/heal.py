"""Undo every recorded fault. It does not matter how the breaking command ended."""

from __future__ import annotations

import json
from pathlib import Path

from coreos_lab import events, hints, interrupts, screen, wait
from coreos_lab.chaos import healing
from coreos_lab.checks.runner import run_checks
from coreos_lab.cluster import preloading, snapshots
from coreos_lab.commands import again
from coreos_lab.commands.options import Json, Name, verb
from coreos_lab.definition import catalog
from coreos_lab.errors import LabError
from coreos_lab.model import Cluster, Outcome
from coreos_lab.observed import inventory, membership
from coreos_lab.observed.observation import observe
from coreos_lab.providers.choose import provider as choose
from coreos_lab.records import deployed, store

LABS_DEADLINE = 30.0  # seconds for units of a healed machine to start again, there or elsewhere

app = verb()


@app.command(help=__doc__)
def command(name: Name = hints.DEFAULT_NAME, as_json: Json = False) -> None:
    heal(name, as_json=as_json)


def heal(name: str, *, as_json: bool) -> None:
    """Heals by the fault journal alone, so that it does not matter how the breaking command ended."""
    cluster = store.require(name)
    provider = choose(cluster.provider)
    with screen.showing(), store.ClusterFolder(name).lock(hints.lab("heal")), interrupts.orderly():
        restored = snapshots.interrupted(cluster)
        cluster = snapshots.finish(cluster, provider)
        before = now = observe(cluster, provider)
        docker: list[str] = []  # whose Docker is started
        if before.faults:
            cluster = healing.heal(provider, cluster, before.faults)
            now = observe(cluster, provider)
            _wait_for_labs(cluster, inventory.write(now))
        else:
            docker = preloading.start_stopped(cluster, now.states)
        removed = [node.name for node in membership.removed(cluster, now.members)]
    fates = healing.fates(before.cluster, cluster, before.faults)
    healed = [{"node": fault.node, "fault": fault.kind.value} for fault in before.faults]
    if as_json:
        print(json.dumps({"healed": healed, "restored": restored or None, "removed_members": removed}))
    elif restored:
        print(f"Snapshot {restored}: its interrupted restore is complete.")
    elif healed:
        print("Healed: " + ", ".join(f"{each['node']} ({each['fault']})" for each in healed))
        for line in fates:
            print(f"  {line}")
    elif docker:
        print(f"Docker is started, which an interrupted deployment had left stopped: {', '.join(docker)}")
    else:
        print("No fault is recorded, so there is nothing to heal.")
    if removed and not as_json:
        names = ", ".join(removed)
        print(f"{names}: removed from etcd's members; '{hints.lab('up')}' makes it a member again.")


def _wait_for_labs(cluster: Cluster, inventory: Path) -> None:
    """Waits until the deployed labs' checks pass, so that the next command does not come too early.

    Checks that do not pass in time are noted and are not an error: no fault is left, and `lab check` gives the reasons.
    """
    for record in deployed.records(cluster):
        with events.step("heal", message=f"{record.name}: its checks"):
            try:
                lab = catalog.load(record.folder)
            except LabError as error:  # a lab of the user's own, whose folder is gone or being changed
                events.note("heal", error.message)
                continue
            if difference := deployed.difference(cluster, lab):
                events.note("heal", f"{difference}; '{again.as_deployed(cluster, lab)}' deploys what it is now")
            results = run_checks(lab, inventory, deadline=wait.patiently(LABS_DEADLINE))
        bad = [result.name for result in results if result.outcome is not Outcome.PASS]
        if bad:
            events.note("heal", f"not yet: {', '.join(bad)}; '{hints.lab('check', record.name)}' gives the reasons")
