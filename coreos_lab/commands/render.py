"""Print a node's cloud-config or a cluster's Vagrantfile."""

from __future__ import annotations

import sys
from dataclasses import replace

from coreos_lab import hints, screen
from coreos_lab import render as rendering
from coreos_lab.cluster import cloud_config as merged
from coreos_lab.commands import planning
from coreos_lab.commands.options import (
    Box,
    BoxVersion,
    Channel,
    CloudConfigs,
    Metadata,
    Name,
    NodeName,
    Nodes,
    group,
)
from coreos_lab.errors import UsageError
from coreos_lab.plan import Request, plan
from coreos_lab.providers.vagrant.provider import files
from coreos_lab.records import store
from coreos_lab.records.store import ClusterFolder
from coreos_lab.user_data import given

app = group(__doc__)


@app.command("cloud-config")
def cloud_config_command(
    node: NodeName = "core-01",
    name: Name = hints.DEFAULT_NAME,
    cloud_config_: CloudConfigs = None,
    metadata: Metadata = None,
) -> None:
    """Print a node's cloud-config, with yours merged in: the one it boots from, or would boot from.

    With --cloud-config or --metadata: what would come of these. Nothing is changed.
    """
    request = Request(name, cloud_configs=given.cloud_configs(cloud_config_), metadata=given.machine_metadata(metadata))
    cloud_config(request, node)


@app.command("vagrantfile")
def vagrantfile_command(
    name: Name = hints.DEFAULT_NAME,
    nodes: Nodes = None,
    channel: Channel = None,
    box: Box = None,
    box_version: BoxVersion = None,
) -> None:
    """Print a cluster's Vagrantfile: the one it has, or would have."""
    vagrantfile(Request(name=name, nodes=nodes, channel=channel, box=box, box_version=box_version))


def cloud_config(request: Request, node_name: str) -> None:
    """Prints a node's cloud-config: the one it booted from, or the one it would boot from, also after the request."""
    has = store.load(request.name)
    with screen.showing():
        request = planning.transpiled(request)
    cluster = plan(request, has, set())
    node = store.require_node(cluster, node_name)
    booted = ClusterFolder(cluster.name).user_data(node)
    if cluster == has and booted.exists():
        print(booted.read_text(encoding="utf-8"), end="")
        return
    merged.check(cluster)
    for risk in planning.risks(request):
        print(f"{risk}", file=sys.stderr)
    print(merged.text(cluster, node, *merged.NOT_MADE_YET), end="")


def vagrantfile(request: Request) -> None:
    """Prints a cluster's Vagrantfile: the one it has, or if there is no such cluster the one it would have."""
    cluster = store.load(request.name) or plan(replace(request, provider="vagrant"), None, set())
    cluster = planning.with_box(cluster, request)
    if cluster.box is None:
        raise UsageError(f"{cluster.name}: made by {cluster.provider}, which has no Vagrantfile")
    print(rendering.vagrantfile(cluster, files(cluster)), end="")
