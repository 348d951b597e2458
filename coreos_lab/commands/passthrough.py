"""lab fleetctl and lab etcdctl: the real programs, pointed at the cluster, with the inner exit code."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from coreos_lab import node_states, run, store
from coreos_lab.clients.etcd import CLIENT_PORT
from coreos_lab.clients.fleet import API_PORT
from coreos_lab.errors import LabError
from coreos_lab.machine_image.userland import ensure_userland
from coreos_lab.model import Cluster, Node
from coreos_lab.providers.choose import provider as choose
from coreos_lab.ready import port_open

# fleetctl opens SSH connections for these by itself, with keys that only an agent can give it.
OVER_SSH = {"ssh", "journal", "status"}
# A constant of ours, to which the key and the command come as arguments: the agent ends with the command.
WITH_KEY = 'ssh-add -q "$1" && shift && exec "$@"'


def environment(cluster: Cluster, nodes: Sequence[Node]) -> dict[str, str]:
    """What makes plain fleetctl and etcdctl work, given the nodes that run."""
    answering = next((node for node in nodes if port_open(node.address, API_PORT)), nodes[0])
    return {
        "FLEETCTL_DRIVER": "API",
        "FLEETCTL_ENDPOINT": f"http://{answering.address}:{API_PORT}",
        "FLEETCTL_STRICT_HOST_KEY_CHECKING": "false",
        "ETCDCTL_API": "2",
        "ETCDCTL_ENDPOINTS": ",".join(f"http://{node.address}:{CLIENT_PORT}" for node in nodes),
        "LAB_SSH_CONFIG": str(store.ClusterFolder(cluster.name).ssh_config),
    }


def running_nodes(cluster: Cluster) -> list[Node]:
    """The nodes that run; LabError when none does."""
    nodes = node_states.running(cluster, choose(cluster.provider))
    if not nodes:
        raise LabError(f"{cluster.name}: no node runs", "start them with 'lab up'")
    return nodes


def program(name: str) -> Path:
    """A program of the userland, on the host."""
    return ensure_userland() / "bin" / name


def fleetctl(name: str, argv: Sequence[str]) -> NoReturn:
    """Becomes fleetctl."""
    cluster = store.require(name)
    env = environment(cluster, running_nodes(cluster))
    call: list[str | Path] = [program("fleetctl"), *argv]
    if any(word in OVER_SSH for word in argv):
        call = ["ssh-agent", "sh", "-c", WITH_KEY, "sh", store.ClusterFolder(name).key, *call]
    run.replace(call, env=env)


def etcdctl(name: str, argv: Sequence[str]) -> NoReturn:
    """Becomes etcdctl."""
    cluster = store.require(name)
    run.replace([program("etcdctl"), *argv], env=environment(cluster, running_nodes(cluster)))


def exports(cluster: Cluster) -> str:
    """Shell lines for eval."""
    lines = [
        f"export {key}={shlex.quote(value)}" for key, value in environment(cluster, running_nodes(cluster)).items()
    ]
    lines.append(f'export PATH={shlex.quote(str(ensure_userland() / "bin"))}:"$PATH"')
    return "\n".join(lines)
