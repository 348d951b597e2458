"""The faults on a cluster's record, as commands print them."""

from __future__ import annotations

from coreos_lab import hints
from coreos_lab.model import Cluster
from coreos_lab.records import fault_journal


def broken(cluster: Cluster) -> list[dict[str, str]]:
    """The faults on record."""
    return [{"node": fault.node, "fault": fault.kind.value} for fault in fault_journal.open_faults(cluster)]


def print_broken(cluster: Cluster) -> None:
    """Prints which faults are on record, and how they are undone; nothing where there is none."""
    if names := ", ".join(f"{each['node']} ({each['fault']})" for each in broken(cluster)):
        print(f"Broken on purpose: {names}. '{hints.lab('heal')}' undoes that.")
