"""A cloud's registry of container images: instances pull plain names from it, and push to it.

It is a process on a loopback address of the host, where the reader pushes to it. In each VPC, the router forwards
connections to it (in_vpc.py), under the name that a cluster's registry has on nodes.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from coreos_lab.cloud import certificates
from coreos_lab.containers import registry
from coreos_lab.containers.build import base_image, ensure_containers
from coreos_lab.containers.webhooks.owner import Webhooks
from coreos_lab.model import Cloud
from coreos_lab.plan import REGISTRY_PORT, WEBHOOKS_PORT
from coreos_lab.records.clouds import CloudFolder


def address(cloud: Cloud) -> str:
    """host:port of the registry on this host."""
    return f"{cloud.loopback}:{REGISTRY_PORT}"


def webhooks(cloud: Cloud) -> Webhooks:
    """The webhooks of the cloud's registry. The APIs that are deployed in the cloud answer at its endpoint."""
    return Webhooks(
        CloudFolder(cloud.name).webhooks,
        f"{cloud.loopback}:{WEBHOOKS_PORT}",
        {f".execute-api.{cloud.region}.{certificates.DOMAIN}": f"127.0.0.1:{cloud.port}"},
    )


def run(cloud: Cloud) -> None:
    """Starts the registry if it does not run, and the service of its webhooks if it has any."""
    folder, hooks = CloudFolder(cloud.name), webhooks(cloud)
    hooks.run()
    registry.start(
        cloud.loopback, REGISTRY_PORT, folder.registry_pid, storage=folder.registry, notified=hooks.notified()
    )


def stop(cloud: Cloud) -> None:
    """Ends both, if they run."""
    webhooks(cloud).stop()
    registry.stop(CloudFolder(cloud.name).registry_pid)


def publish(cloud: Cloud, folders: Mapping[str, Path]) -> dict[str, str]:
    """Builds these container images where they are missing, and has the registry offer them: their digests, by name."""
    images = ensure_containers(folders)
    registry.publish([base_image(), *images], CloudFolder(cloud.name).registry)
    return {image.name: image.digest for image in images}
