"""A cluster's container images: built, put into the mirror's storage, and the mirror at its place."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from coreos_lab.containers import registry
from coreos_lab.containers.build import base_image, ensure_containers
from coreos_lab.model import Cluster
from coreos_lab.plan import REGISTRY_PORT
from coreos_lab.store import ClusterFolder


def address(cluster: Cluster) -> str:
    """host:port of the mirror, on the host's address in the cluster's network."""
    return f"{cluster.network.gateway}:{REGISTRY_PORT}"


def provide(cluster: Cluster, containers: Mapping[str, Path]) -> None:
    """Returns when the nodes can pull these container images by their plain names."""
    if containers:
        registry.publish([base_image(), *ensure_containers(containers)])
    run_mirror(cluster)


def run_mirror(cluster: Cluster) -> None:
    """Starts the cluster's mirror if it does not run."""
    registry.start(cluster.network.gateway, REGISTRY_PORT, ClusterFolder(cluster.name).registry_pid)


def stop_mirror(cluster: Cluster) -> None:
    """Ends the cluster's mirror."""
    registry.stop(ClusterFolder(cluster.name).registry_pid)
