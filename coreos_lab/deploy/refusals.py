"""Reasons to refuse a deployment, found before anything on the cluster is touched."""

from __future__ import annotations

from coreos_lab import hints
from coreos_lab.errors import UsageError
from coreos_lab.model import Cluster, Lab, LabUnit, Node
from coreos_lab.observed import unit_states
from coreos_lab.records import claims, deployed
from coreos_lab.remake import with_disks
from coreos_lab.units import unit_file
from coreos_lab.units.fleet_rules import resolve

# Options that name units without which systemd does not start the unit. Devices appear by themselves.
NEEDS = ("Requires", "Requisite", "BindsTo")
UNMANAGED = (".device", ".scope", ".slice")


def refuse_conflicts(cluster: Cluster, lab: Lab) -> None:
    """UsageError when the cluster is too small for the lab, or another lab on it holds what this one needs."""
    if cluster.nodes and len(cluster.nodes[0].disks) < lab.disks:
        raise UsageError(
            f"{lab.name}: needs {lab.disks} extra disks a node, {cluster.name} has {len(cluster.nodes[0].disks)}",
            with_disks(cluster, lab.disks, lab.nodes),
        )
    if len(cluster.nodes) < lab.nodes:
        raise UsageError(
            f"{lab.name}: needs {lab.nodes} nodes, cluster {cluster.name} has {len(cluster.nodes)}",
            hints.lab("up", "--nodes", lab.nodes),
        )
    for other in deployed.records(cluster):
        if what := claims.contested(deployed.of(lab), other):
            holder = other.name if other.name != lab.name else f"the lab in {other.folder}"
            raise UsageError(
                f"{lab.name}: {what} is held by {holder}, which is deployed on {cluster.name}",
                hints.lab("undeploy", other.name),
            )


def refuse_unmet_needs(cluster: Cluster, nodes: list[Node], lab: Lab, held: set[str]) -> None:
    """UsageError when a unit requires one that no machine has: systemd would refuse to start it, fleet not report it.

    `held` are the units that fleet holds, of other labs or submitted by hand; the lab's own count as well.
    """
    wanted: dict[str, tuple[LabUnit, str]] = {}
    for unit in lab.units:
        options = unit_file.parse(unit_file.read(unit.path))
        for name in unit.started:
            for value in (value for need in NEEDS for value in unit_file.values(options, "Unit", need)):
                for other in resolve(value, name).split():
                    wanted.setdefault(other, (unit, name))
    present = {*lab.unit_names, *held}
    outside = [name for name in wanted if name not in present and not name.endswith(UNMANAGED)]
    if missing := unit_states.missing(cluster, nodes, outside):
        unit, name = wanted[missing[0]]
        raise UsageError(
            f"{name}: it requires {missing[0]}, a unit that no machine has, so systemd would not start it",
            f"correct {unit.path.name}, or add {missing[0]} to the lab",
        )
