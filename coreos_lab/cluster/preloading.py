"""Preloads layers that were just built, so that no node pulls them: its Docker is stopped, given them, and started.

A file records that a node's Docker is being stopped before it is: a killed `lab deploy` leaves it off, with the socket
that would start it, and the next `lab deploy`, `lab up` or `lab heal` starts it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from coreos_lab import events, interrupts
from coreos_lab.clients import ssh
from coreos_lab.containers import layers
from coreos_lab.model import Cluster, Node, NodeState
from coreos_lab.providers.base import Provider
from coreos_lab.records.store import ClusterFolder

# The socket as well: it would start Docker again at the next request. A Docker that does not answer is not idle.
STOP_IF_IDLE = 'running=$(docker ps --quiet) && test -z "$running" && sudo systemctl stop docker.socket docker.service'
START = ("sudo", "systemctl", "start", "docker.socket")


def preload(cluster: Cluster, provider: Provider, wanted: Collection[str]) -> None:
    """Enters the layers that are missing into each running node's Docker, where that is idle and may be stopped.

    It is stopped for layers with these digests alone: others are of what another cluster has had built meanwhile.
    """

    def on_node(node: Node) -> None:
        docker = provider.docker_data(cluster, node)
        if docker is None or provider.state(cluster, node) is not NodeState.RUNNING:
            return
        if not any(layer.diff in wanted for layer in layers.missing(docker)):
            return
        record = _record(cluster, node.name)
        with interrupts.undoing(f"{node.name}: starting Docker again"):
            record.parent.mkdir(exist_ok=True)
            record.touch()
            done = ssh.ask(cluster, node, ["sh", "-c", STOP_IF_IDLE])
            if done is None:  # Docker may have been stopped before the connection was lost
                _start(cluster, node)
            elif done.returncode == 0:
                try:
                    layers.preload(docker)
                finally:
                    ssh.node_run(cluster, node, START)
                    record.unlink()
            else:
                record.unlink()

    with ThreadPoolExecutor(max_workers=len(cluster.nodes)) as pool:
        list(pool.map(on_node, cluster.nodes))


def start_stopped(cluster: Cluster, states: Mapping[str, NodeState]) -> list[str]:
    """Starts Docker where a killed command has left it stopped; returns the names of those nodes.

    `states` are the nodes' by name.

    A node that is off needs nothing: it starts its Docker when it boots.
    """
    folder = ClusterFolder(cluster.name).docker_stopped
    started = []
    for record in sorted(folder.iterdir()) if folder.is_dir() else []:
        node = cluster.node(record.name)
        if node is None or states[node.name] is not NodeState.RUNNING:
            record.unlink()
        else:
            events.note("docker", "an interrupted command left it stopped: it is started", node.name)
            if _start(cluster, node):
                started.append(node.name)
    return started


def _start(cluster: Cluster, node: Node) -> bool:
    """Whether Docker could be started. The record stays where the node does not answer."""
    done = ssh.ask(cluster, node, START)
    if done is None or done.returncode != 0:
        return False
    _record(cluster, node.name).unlink()
    return True


def _record(cluster: Cluster, name: str) -> Path:
    return ClusterFolder(cluster.name).docker_stopped / name
