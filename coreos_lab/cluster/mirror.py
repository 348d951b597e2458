"""A cluster's container images: built, published to the cluster's registry, and that registry started.

The nodes' Docker know the registry as their mirror, so that plain names are pulled from it; and they push to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from coreos_lab import containers, events
from coreos_lab.cluster import preloading, tunnels
from coreos_lab.containers import registry
from coreos_lab.containers.build import base_image, built, ensure_containers
from coreos_lab.containers.webhooks.owner import Webhooks
from coreos_lab.errors import LabError
from coreos_lab.model import Cluster
from coreos_lab.observed import node_states
from coreos_lab.plan import REGISTRY_PORT, WEBHOOKS_PORT
from coreos_lab.providers.base import Provider
from coreos_lab.records.store import ClusterFolder

TOOLBOX = ("toolbox", Path(containers.__file__).parent / "toolbox")  # what `toolbox` on a node runs


def address(cluster: Cluster) -> str:
    """host:port of the registry as nodes reach it: on the host's address in their network, or through a tunnel."""
    return tunnels.ON_NODES if cluster.replaced else here(cluster)


def here(cluster: Cluster) -> str:
    """host:port of the registry as this host reaches it."""
    return f"{cluster.network.gateway}:{REGISTRY_PORT}"


def provide(cluster: Cluster, provider: Provider, folders: Mapping[str, Path]) -> dict[str, str]:
    """Returns when the nodes can pull these container images by their plain names: their digests, by name."""
    preloading.start_stopped(cluster, node_states.of(cluster, provider))
    images = ensure_containers(folders)
    if images:
        registry.publish([base_image(), *images], ClusterFolder(cluster.name).registry)
        preloading.preload(cluster, provider, {digest for image in images for digest in image.blobs})
    run_mirror(cluster)
    return {image.name: image.digest for image in images}


def make_tools() -> None:
    """Builds what each cluster's registry has before any lab is deployed: `toolbox`, and with it `debian`.

    Takes a minute or two, once. Where that fails, clusters do without; the next `lab up` tries again.
    """
    try:
        ensure_containers(dict([TOOLBOX]))
    except LabError as error:
        events.note("container image", f"`toolbox` will not work on the nodes: {error.message}", TOOLBOX[0])


def offer_tools(cluster: Cluster) -> None:
    """Publishes what `make_tools` has built."""
    toolbox = built(*TOOLBOX)
    if toolbox is not None:
        registry.publish([base_image(), toolbox], ClusterFolder(cluster.name).registry)


def webhooks(cluster: Cluster) -> Webhooks:
    """The webhooks of the cluster's registry."""
    return Webhooks(ClusterFolder(cluster.name).webhooks, f"{cluster.network.loopback}:{WEBHOOKS_PORT}")


def run_mirror(cluster: Cluster) -> None:
    """Starts the cluster's registry if it does not run, and the service of its webhooks if it has any."""
    folder, hooks = ClusterFolder(cluster.name), webhooks(cluster)
    hooks.run()
    registry.start(
        cluster.network.gateway,
        REGISTRY_PORT,
        folder.registry_pid,
        storage=folder.registry,
        notified=hooks.notified(),
    )
    if cluster.replaced:
        tunnels.keep(cluster, here(cluster))


def stop_mirror(cluster: Cluster) -> None:
    """Ends the cluster's registry, the ways to it, and its webhooks."""
    webhooks(cluster).stop()
    tunnels.end(cluster)
    registry.stop(ClusterFolder(cluster.name).registry_pid)
