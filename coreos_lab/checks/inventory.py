"""The nodes that checks run against, as the lab command hands them over."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from coreos_lab import wait
from coreos_lab.clients.http import CannotCheckError


@dataclass(frozen=True)
class CheckedNode:
    """A node as checks see it. `broken` means that it has an open fault; it may run nevertheless."""

    name: str
    address: str
    member: bool
    running: bool
    broken: bool = False


@dataclass(frozen=True)
class Inventory:
    """The cluster under check, with all of its nodes."""

    cluster: str
    ssh_config: str
    nodes: tuple[CheckedNode, ...]

    @property
    def running(self) -> tuple[CheckedNode, ...]:
        """The nodes that run; CannotCheckError when none does."""
        running = tuple(node for node in self.nodes if node.running)
        if not running:
            raise CannotCheckError(f"{self.cluster}: none of its nodes runs")
        return running

    @property
    def reliable(self) -> tuple[CheckedNode, ...]:
        """The nodes to ask for the cluster's state: a broken one may be cut off from the others and out of date."""
        return tuple(node for node in self.running if not node.broken) or self.running


def read_inventory(path: Path) -> Inventory:
    """Reads the cluster's inventory.json, and sets the patience that its machines need."""
    raw = json.loads(path.read_text(encoding="utf-8"))
    wait.be_patient(emulated=raw.get("emulated", False))
    return Inventory(raw["cluster"], raw["ssh_config"], tuple(CheckedNode(**node) for node in raw["nodes"]))
