"""lab deploy: container images, units in order, then the lab's checks."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping

from coreos_lab import catalog, deployed, lab_settings, mirror, node_states, screen, store, submitted
from coreos_lab import deploy as doing_deploy
from coreos_lab.checks import run_checks
from coreos_lab.clients import ssh
from coreos_lab.commands.check import judge, tell
from coreos_lab.model import CheckResult, Cluster, Lab, Outcome, to_json
from coreos_lab.providers.choose import provider as choose


def deploy(name: str, lab_name: str, *, told: Mapping[str, str], deadline: float, dry_run: bool, as_json: bool) -> None:
    """Puts a lab, or all parts of a chapter, onto the cluster and returns when their checks pass.

    What is there already is left alone. `told` are settings by name. Raises FailedError or UnknownError when the checks
    of one do not pass within `deadline` seconds.
    """
    labs = [catalog.load(part) for part in catalog.parts(lab_name)]
    cluster = store.require(name)
    for lab in labs:
        lab_settings.require(lab, told)
        doing_deploy.refuse_conflicts(cluster, lab)
    if dry_run:
        print(json.dumps([step for lab in labs for step in steps(lab, told)], indent=2))
        return
    done: dict[str, list[CheckResult]] = {}
    for lab in labs:
        began = time.monotonic()
        done[lab.name] = _deploy(cluster, lab, told, deadline)
        seconds = time.monotonic() - began
        if not as_json:
            tell(done[lab.name])
        if any(result.outcome is not Outcome.PASS for result in done[lab.name]):
            break
        if not as_json:
            _say(lab, seconds)
    if as_json:
        said = [{"lab": lab.name, "units": lab.unit_names, "checks": to_json(done.get(lab.name, []))} for lab in labs]
        print(json.dumps(said if len(said) > 1 else said[0], indent=2))
    judge([result for results in done.values() for result in results])


def _deploy(cluster: Cluster, lab: Lab, told: Mapping[str, str], deadline: float) -> list[CheckResult]:
    provider = choose(cluster.provider)
    folder = store.ClusterFolder(cluster.name)
    with screen.showing(), folder.lock(f"lab deploy {lab.name}"):
        images = mirror.provide(cluster, provider, lab.containers)
        deployed.record(cluster, lab)
        doing_deploy.start_units(cluster, provider, submitted.units(lab, told, images, folder.units_of(lab.name)))
        doing_deploy.wait_for_units(cluster, provider, lab, deadline=deadline)
        ssh.write_config(cluster, node_states.of(cluster, provider))
        return run_checks(lab, folder.inventory, deadline=deadline)


def steps(lab: Lab, told: Mapping[str, str]) -> list[dict[str, str]]:
    """What deploying would do, in order."""
    return [
        *({"step": "set", "subject": name, "value": value} for name, value in told.items()),
        *({"step": "container image", "subject": name} for name in lab.containers),
        *({"step": "start", "subject": name} for name in lab.unit_names),
        {"step": "checks", "subject": lab.name},
    ]


def _say(lab: Lab, seconds: float) -> None:
    print(f"{lab.name} is deployed and its checks pass, in {seconds:.1f} s. Next:")
    print(f"  lab show {lab.name}")
    print("  lab status")
    print(f"  lab break {lab.target or 'core-02'} --verify")
