"""The words of the project as frozen values: no I/O, nothing that can fail but wrong input."""

from __future__ import annotations

from coreos_lab.model.cloud import Cloud, Seat, Volume
from coreos_lab.model.cluster import (
    EMULATED,
    ETCD_MEMBERS_MAX,
    FLANNEL_BACKENDS,
    NODES_MAX,
    Cluster,
    Disk,
    Finding,
    Leftovers,
    Limits,
    Network,
    Node,
    NodeState,
    Offer,
    Stack,
    VagrantBox,
)
from coreos_lab.model.lab import ETCD_PROBE, Counted, Lab, LabBackup, LabProbe, LabSecret, LabUnit, QualifiedName
from coreos_lab.model.outcome import CheckResult, FaultKind, Outcome
from coreos_lab.model.plain import to_json
from coreos_lab.model.user_data import CloudConfig, MachineMetadata, latest

__all__ = [
    "EMULATED",
    "ETCD_MEMBERS_MAX",
    "ETCD_PROBE",
    "FLANNEL_BACKENDS",
    "NODES_MAX",
    "CheckResult",
    "Cloud",
    "CloudConfig",
    "Cluster",
    "Counted",
    "Disk",
    "FaultKind",
    "Finding",
    "Lab",
    "LabBackup",
    "LabProbe",
    "LabSecret",
    "LabUnit",
    "Leftovers",
    "Limits",
    "MachineMetadata",
    "Network",
    "Node",
    "NodeState",
    "Offer",
    "Outcome",
    "QualifiedName",
    "Seat",
    "Stack",
    "VagrantBox",
    "Volume",
    "latest",
    "to_json",
]
