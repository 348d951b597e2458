"""What can be read of a plan of any version, also of one that this lab does not understand."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from coreos_lab import disk
from coreos_lab.errors import LabError


@dataclass(frozen=True)
class Outline:
    """What a plan of any version says; None for what it does not say."""

    provider: str | None
    subnet: str | None
    index: int | None
    nodes: int | None


def outline(plan: Path) -> Outline:
    """What can be read of a plan. Never raises: commands about other clusters depend on it."""
    try:
        raw = disk.read_json(plan)
    except (LabError, OSError):
        raw = None
    raw = raw if isinstance(raw, dict) else {}
    network = raw.get("network")
    network = network if isinstance(network, dict) else {}
    provider, subnet, index, nodes = raw.get("provider"), network.get("subnet"), network.get("index"), raw.get("nodes")
    return Outline(
        provider if isinstance(provider, str) else None,
        subnet if isinstance(subnet, str) else None,
        index if isinstance(index, int) else None,
        len(nodes) if isinstance(nodes, list) else None,
    )
