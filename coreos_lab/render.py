"""From planned values to the files that machines boot from."""

from __future__ import annotations

from typing import Any

from coreos_lab import settings
from coreos_lab.errors import LabError
from coreos_lab.model import Cluster, Node

DOCKER_BIP = "10.254.0.1/24"  # Docker's own default is 172.17.0.0/16, in which the nodes' network lies
# Half of etcd's default: nodes are neighbours here, and a cluster is up when its first election is over.
HEARTBEAT_MS = 100
ELECTION_MS = 500


def initial_cluster(cluster: Cluster) -> str:
    """etcd's list of the members that found a cluster: name=peer-URL, joined by commas."""
    return ",".join(f"{node.name}={node.peer_url}" for node in cluster.members if not node.joins)


def cloud_config(cluster: Cluster, node: Node, ssh_key: str, token: str, registry: str, *, joins: str = "") -> str:
    """A node's cloud-config.

    `token` tells this cluster's etcd from any other's, `registry` is host:port of the container images' mirror.
    `joins` is the initial cluster of a member that joins a cluster which runs already ("" for a new cluster).
    """
    text = (
        _environment()
        .get_template("cloud-config.yaml.j2")
        .render(
            cluster=cluster,
            node=node,
            ssh_key=ssh_key,
            token=token,
            registry=registry,
            initial_cluster=joins or initial_cluster(cluster),
            initial_state="existing" if joins else "new",
            docker_bip=DOCKER_BIP,
            heartbeat_ms=HEARTBEAT_MS,
            election_ms=ELECTION_MS,
        )
    )
    return str(text)


def _environment() -> Any:
    from jinja2 import (
        Environment,
        FileSystemLoader,
        StrictUndefined,
    )  # a slow import, not needed by most commands

    return Environment(
        loader=FileSystemLoader(settings.data("templates")),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - YAML, not HTML
    )


def check_yaml(text: str, name: str) -> None:
    """Raises LabError with line and column when a rendered file is not YAML."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError

    try:
        YAML(typ="safe").load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"{name}:{mark.line + 1}:{mark.column + 1}" if mark else name
        raise LabError(f"{where}: {error.problem}") from None
