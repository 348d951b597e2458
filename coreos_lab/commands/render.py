"""lab render: print what would be used."""

from __future__ import annotations

from dataclasses import replace

from coreos_lab import mirror, store
from coreos_lab import render as rendering
from coreos_lab.commands.up import with_box
from coreos_lab.errors import UsageError
from coreos_lab.plan import Request, plan
from coreos_lab.providers.vagrant.provider import files
from coreos_lab.store import ClusterFolder


def cloud_config(name: str, node_name: str) -> None:
    """A node's cloud-config: the one that it booted from, or the one that it would boot from."""
    cluster = store.load(name) or plan(Request(name=name), None, set())
    node = store.require_node(cluster, node_name)
    booted = ClusterFolder(name).user_data(node)
    if booted.exists():
        print(booted.read_text(encoding="utf-8"), end="")
        return
    key = "ssh-ed25519 KEY-IS-MADE-BY-LAB-UP"
    print(rendering.cloud_config(cluster, node, key, "TOKEN-IS-MADE-BY-LAB-UP", mirror.address(cluster)), end="")


def vagrantfile(request: Request) -> None:
    """The Vagrantfile of a cluster: the one that it has, or the one that it would have."""
    cluster = store.load(request.name) or plan(replace(request, provider="vagrant"), None, set())
    cluster = with_box(cluster, request)
    if cluster.box is None:
        raise UsageError(f"{cluster.name}: its machines are {cluster.provider}'s, which has no Vagrantfile")
    print(rendering.vagrantfile(cluster, files(cluster)), end="")
