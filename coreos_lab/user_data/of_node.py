"""What of the reader's user-data is one node's, and the cloud-config that comes of it."""

from __future__ import annotations

from collections.abc import Sequence

from coreos_lab.model import CloudConfig, Cluster, Node
from coreos_lab.user_data import document, metadata, reading, reserved, risks, writing
from coreos_lab.user_data.merge import merged
from coreos_lab.user_data.parsed import Document, Problem, refuse


def configs(cluster: Cluster, node: Node) -> list[CloudConfig]:
    """The reader's cloud-configs that are merged for a node: the one for all first, then its own."""
    return sorted((each for each in cluster.cloud_configs if each.node in ("", node.name)), key=lambda each: each.node)


def pairs(cluster: Cluster, node: Node) -> dict[str, str]:
    """The metadata that was set for a node beside its cloud-configs."""
    found: dict[str, str] = {}
    for each in sorted(cluster.metadata, key=lambda each: each.node):
        if each.node in ("", node.name):
            found |= metadata.parse(each.text)
    return found


def discovery(cluster: Cluster, node: Node) -> str:
    """The discovery URL that the reader gives a node's etcd, "" for none."""
    found = [each.data.get("coreos", {}).get("etcd2", {}).get("discovery", "") for each in _documents(cluster, node)]
    return next((str(url) for url in reversed(found) if url), "")


def check(cluster: Cluster, node: Node, lab: str) -> None:
    """Raises UsageError with file and line for what the lab cannot let a node have; `lab` is its own cloud-config."""
    own = document.read(lab, "lab").data
    for each in _documents(cluster, node):
        refuse(list(reserved.problems(each, own, node.address)))


def risky(configs: Sequence[CloudConfig]) -> list[Problem]:
    """What the configs say that may cut nodes off: each with file, line and what is safe instead."""
    return [problem for each in configs if each.text for problem in risks.problems(reading.read(each))]


def text(cluster: Cluster, node: Node, lab: str, *, joins: bool = False) -> str:
    """What a node boots from: the lab's own cloud-config with the reader's merged under it.

    The lab's text stays as it is where the reader has nothing for this node.
    """
    readers, more = _documents(cluster, node), pairs(cluster, node)
    if not readers and not more:
        return lab
    names = [each.file for each in readers] + (["--metadata"] if more else [])
    own = document.read(lab, "lab").data
    data = merged(own, *(each.data for each in readers), pairs=more, joins=joins)
    comment = f"{node.name} of cluster {cluster.name}: the lab's cloud-config, with {', '.join(names)} merged under it."
    return writing.write(data, "".join(char if char.isprintable() else "?" for char in comment))


def _documents(cluster: Cluster, node: Node) -> list[Document]:
    return [reading.read(each) for each in configs(cluster, node)]
