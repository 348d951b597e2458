"""lab deploy: container images, units in order, then the lab's checks."""

from __future__ import annotations

import json
import time

from coreos_lab import catalog, deployed, mirror, node_states, screen, store
from coreos_lab import deploy as doing_deploy
from coreos_lab.checks import run_checks
from coreos_lab.clients import ssh
from coreos_lab.commands.check import judge, tell
from coreos_lab.model import Lab, to_json
from coreos_lab.providers.choose import provider as choose


def deploy(name: str, lab_name: str, *, deadline: float, dry_run: bool, as_json: bool) -> None:
    """Puts a lab onto the cluster and returns when its checks pass. What is there already is left alone.

    Raises FailedError or UnknownError when the checks do not pass within `deadline` seconds.
    """
    lab = catalog.load(lab_name)
    cluster = store.require(name)
    doing_deploy.refuse_conflicts(cluster, lab)
    if dry_run:
        print(json.dumps(steps(lab), indent=2))
        return
    provider = choose(cluster.provider)
    began = time.monotonic()
    with screen.showing(), store.ClusterFolder(name).lock(f"lab deploy {lab.name}"):
        mirror.provide(cluster, provider, lab.containers)
        deployed.record(cluster, lab)
        doing_deploy.start_units(cluster, provider, lab)
        doing_deploy.wait_for_units(cluster, provider, lab, deadline=deadline)
        ssh.write_config(cluster, node_states.of(cluster, provider))
        results = run_checks(lab, store.ClusterFolder(name).inventory, deadline=deadline)
    if as_json:
        print(json.dumps({"lab": lab.name, "units": lab.unit_names, "checks": to_json(results)}, indent=2))
    else:
        tell(results)
    if results:
        judge(results)
    if not as_json:
        _say(lab, time.monotonic() - began)


def steps(lab: Lab) -> list[dict[str, str]]:
    """What deploying would do, in order."""
    return [
        *({"step": "container image", "subject": name} for name in lab.containers),
        *({"step": "start", "subject": name} for name in lab.unit_names),
        {"step": "checks", "subject": lab.name},
    ]


def _say(lab: Lab, seconds: float) -> None:
    print(f"{lab.name} is deployed and its checks pass, in {seconds:.1f} s. Next:")
    print(f"  lab show {lab.name}")
    print("  lab status")
    print(f"  lab break {lab.target or 'core-02'} --verify")
