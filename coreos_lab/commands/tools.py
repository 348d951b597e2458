"""The real fleetctl and etcdctl: their place on the host, and the environment that points them at a cluster."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from coreos_lab import clients, hints
from coreos_lab.clients import host_keys
from coreos_lab.clients.etcd import CLIENT_PORT
from coreos_lab.clients.fleet import API_PORT
from coreos_lab.cluster import mirror
from coreos_lab.errors import LabError
from coreos_lab.machine_image import image
from coreos_lab.machine_image.userland import ensure_userland
from coreos_lab.model import Cluster, Node
from coreos_lab.observed import node_states
from coreos_lab.observed.ready import port_open
from coreos_lab.providers.choose import provider as choose
from coreos_lab.records import store

FLEETCTL = image.FILES / "usr/lib/coreos/fleetctl"
AGAIN = Path(clients.__file__).with_name("fleetctl_again.sh")


def environment(cluster: Cluster, nodes: Sequence[Node]) -> dict[str, str]:
    """The variables that point fleetctl and etcdctl at the running `nodes`."""
    host_keys.know(cluster, nodes)
    answering = next((node for node in nodes if port_open(node.address, API_PORT)), nodes[0])
    return {
        "FLEETCTL_DRIVER": "API",
        "FLEETCTL_ENDPOINT": f"http://{answering.address}:{API_PORT}",
        # fleetctl's SSH library connects nowhere without host keys to check, even if checking is off.
        "FLEETCTL_STRICT_HOST_KEY_CHECKING": "true",
        "FLEETCTL_KNOWN_HOSTS_FILE": str(store.ClusterFolder(cluster.name).known_hosts),
        "ETCDCTL_API": "2",
        "ETCDCTL_ENDPOINTS": ",".join(f"http://{node.address}:{CLIENT_PORT}" for node in nodes),
        "LAB_REGISTRY": mirror.here(cluster),
        "LAB_SSH_CONFIG": str(store.ClusterFolder(cluster.name).ssh_config),
    }


def running_nodes(cluster: Cluster) -> list[Node]:
    """The nodes that run. Raises LabError if none does."""
    nodes = node_states.running(cluster, choose(cluster.provider))
    if not nodes:
        raise LabError(f"{cluster.name}: no node runs", f"start them with '{hints.lab('up')}'")
    return nodes


def program(name: str) -> Path:
    """The path on the host of a program of the userland."""
    return ensure_userland() / "bin" / name


def fleetctl_call() -> list[str | Path]:
    """The call of fleetctl as on a node, where the short options of its help work; repeated while fleet is busy."""
    return ["sh", AGAIN, program("fleetctl"), FLEETCTL]
