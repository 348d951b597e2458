"""A cluster's container images: built, put into the mirror's storage, and the mirror at its place."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from coreos_lab.clients import ssh
from coreos_lab.containers import layers, registry
from coreos_lab.containers.build import base_image, ensure_containers
from coreos_lab.model import Cluster, Node, NodeState
from coreos_lab.plan import REGISTRY_PORT
from coreos_lab.providers.base import Provider
from coreos_lab.store import ClusterFolder

# Its socket would start it again at the first who asks.
STOP_IF_IDLE = 'test -z "$(docker ps --quiet)" && sudo systemctl stop docker.socket docker.service'


def address(cluster: Cluster) -> str:
    """host:port of the mirror, on the host's address in the cluster's network."""
    return f"{cluster.network.gateway}:{REGISTRY_PORT}"


def provide(cluster: Cluster, provider: Provider, containers: Mapping[str, Path]) -> dict[str, str]:
    """Returns when the nodes can pull these container images by their plain names; each one's digest by its name."""
    images = ensure_containers(containers)
    if images:
        registry.publish([base_image(), *images], ClusterFolder(cluster.name).registry)
        _plant(cluster, provider)
    run_mirror(cluster)
    return {image.name: image.digest for image in images}


def _plant(cluster: Cluster, provider: Provider) -> None:
    """Spares the nodes the pulling of what was just built, where their Docker has nothing to do and may be stopped."""

    def plant(node: Node) -> None:
        docker = provider.docker_data(cluster, node)
        if docker is None or provider.state(cluster, node) is not NodeState.RUNNING or not layers.missing(docker):
            return
        if ssh.node_run(cluster, node, ["sh", "-c", STOP_IF_IDLE], check=False).returncode == 0:
            layers.plant(docker)
            ssh.node_run(cluster, node, ["sudo", "systemctl", "start", "docker.socket"])

    with ThreadPoolExecutor(max_workers=len(cluster.nodes)) as pool:
        list(pool.map(plant, cluster.nodes))


def run_mirror(cluster: Cluster) -> None:
    """Starts the cluster's mirror if it does not run."""
    folder = ClusterFolder(cluster.name)
    registry.start(cluster.network.gateway, REGISTRY_PORT, folder.registry_pid, storage=folder.registry)


def stop_mirror(cluster: Cluster) -> None:
    """Ends the cluster's mirror."""
    registry.stop(ClusterFolder(cluster.name).registry_pid)
