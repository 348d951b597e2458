"""The reader's own part of what nodes boot from, as it is kept with a cluster's plan."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar


@dataclass(frozen=True)
class CloudConfig:
    """The reader's own cloud-config for one node, or for all nodes (`node` is ""): its text, and where it was read.

    `transpiled` is what ct made of a Container Linux Config or an Ignition config, as JSON; "" for a cloud-config.
    """

    node: str
    path: str
    text: str
    transpiled: str = ""


@dataclass(frozen=True)
class MachineMetadata:
    """fleet's metadata for one node, or for all nodes (`node` is ""): "disk=ssd,role=db"."""

    node: str
    text: str


UserData = TypeVar("UserData", CloudConfig, MachineMetadata)


def latest(before: tuple[UserData, ...], given: tuple[UserData, ...] | None) -> tuple[UserData, ...]:
    """What holds after a request: for each node, and for all nodes, what was given last; an empty text removes it."""
    by_node: dict[str, UserData] = {each.node: each for each in before} | {each.node: each for each in given or ()}
    return tuple(by_node[node] for node in sorted(by_node) if by_node[node].text)
