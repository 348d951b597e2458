"""The command that deploys a lab as it was deployed: a printed one must keep what the user has set."""

from __future__ import annotations

from collections.abc import Mapping

from coreos_lab import hints
from coreos_lab.definition import catalog
from coreos_lab.model import Cluster, Lab
from coreos_lab.records import deployed


def deploy(lab: Lab, settings: Mapping[str, str]) -> str:
    """`lab deploy` with these settings."""
    chosen = [word for name, value in settings.items() for word in ("--set", f"{name}={value}")]
    return hints.lab("deploy", catalog.named(lab), *chosen)


def as_deployed(cluster: Cluster, lab: Lab) -> str:
    """`lab deploy` with the settings that the lab was deployed with last."""
    found = deployed.load(cluster, lab.name)
    return deploy(lab, found.settings if found else {})
