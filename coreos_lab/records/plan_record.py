"""A plan as it is read from its record: JSON's lists and objects become the project's values."""

from __future__ import annotations

from coreos_lab.model import (
    CloudConfig,
    Cluster,
    Disk,
    Limits,
    MachineMetadata,
    Network,
    Node,
    Offer,
    Stack,
    VagrantBox,
)
from coreos_lab.records.formats import Record


def parse(raw: Record) -> Cluster:
    """The cluster of a record; KeyError and others for one that is no plan."""
    nodes = tuple(
        Node(
            n["name"],
            n["address"],
            n["member"],
            tuple(Disk(**extra) for extra in n["disks"]),
            joins=n.get("joins", False),
            leaving=n.get("leaving", False),
            private=n.get("private", ""),
            instance=n.get("instance", ""),
        )
        for n in raw["nodes"]
    )
    box = VagrantBox(**raw["box"]) if raw.get("box") else None
    values = {
        "network": Network(**raw["network"]),
        "limits": Limits(**raw["limits"]),
        "nodes": nodes,
        "box": box,
        "stack": Stack(**raw["stack"]) if raw.get("stack") else None,
        "cloud_configs": tuple(CloudConfig(**each) for each in raw.get("cloud_configs", ())),
        "metadata": tuple(MachineMetadata(**each) for each in raw.get("metadata", ())),
        "offers": tuple(Offer(**each) for each in raw.get("offers", ())),
    }
    return Cluster(**{**raw, **values})
