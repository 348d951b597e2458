"""The files that machines boot from, rendered from planned values."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from coreos_lab import settings
from coreos_lab.errors import LabError
from coreos_lab.model import Cluster, Node
from coreos_lab.plan import DOCKER_BIP, OBJECTS_NAME, OVERLAY, REGISTRY_NAME, REGISTRY_PORT, UPDATES_NAME

# Half of etcd's default: nodes are neighbours here, and a cluster is up when its first election is over.
HEARTBEAT_MS = 100
ELECTION_MS = 500
SLOWNESS = 20  # how many times slower a machine is, about, that is emulated in software on a busy host
VM_MEMORY_MIB = 1024
MANAGEMENT_NETWORK = 221  # 192.168.N.0/24: beside Vagrant's own 192.168.121.0/24, one a cluster
NOT_IN_FLATCAR = ("etcd2.service", "fleet.service", "fleet.socket", "flanneld.service")


@dataclass(frozen=True)
class VagrantFiles:
    """What a Vagrantfile names: the cluster's key, the one that lets Vagrant in first, and folders.

    `boot` holds the kernel of our own box, where QEMU may read it (it may not in most users' homes).
    """

    key: Path
    first_key: Path
    consoles: Path
    userland: Path
    boot: Path | None = None


def initial_cluster(cluster: Cluster) -> str:
    """etcd's list of the members that found a cluster: name=peer-URL, joined by commas."""
    return ",".join(f"{node.name}={node.peer_url}" for node in cluster.members if not node.joins)


def cloud_config(
    cluster: Cluster,
    node: Node,
    ssh_key: str,
    token: str,
    registry: str,
    *,
    joins: str = "",
    docker_flags: bool = True,
    bucket: str = "",
) -> str:
    """A node's cloud-config.

    `token` tells this cluster's etcd from any other's, `registry` is host:port of the cluster's registry.
    `joins` is the initial cluster of a member that joins a cluster which runs already ("" for a new cluster).
    `docker_flags` is false for a machine image whose docker.service takes the registry from daemon.json only, as
    Flatcar's does. `bucket` has the userland for machines of AWS itself.
    """
    at_aws = cluster.stack is not None and cluster.stack.at_aws
    flatcar = at_aws or (cluster.box is not None and cluster.box.flatcar)
    text = (
        _environment(settings.data("templates"))
        .get_template("cloud-config.yaml.j2")
        .render(
            cluster=cluster,
            node=node,
            ssh_key=ssh_key,
            token=token,
            registry=registry,
            registry_name=f"{REGISTRY_NAME}:{REGISTRY_PORT}",
            updates_name=UPDATES_NAME,
            objects_name=OBJECTS_NAME,
            docker_flags=docker_flags and not flatcar,
            initial_cluster=joins or initial_cluster(cluster),
            initial_state="existing" if joins else "new",
            docker_bip=DOCKER_BIP,
            overlay=json.dumps({"Network": OVERLAY, "Backend": {"Type": cluster.flannel_backend}}),
            heartbeat_ms=HEARTBEAT_MS * (SLOWNESS if cluster.emulated else 1),
            election_ms=ELECTION_MS * (SLOWNESS if cluster.emulated else 1),
            own_units=_own_units() if flatcar else {},
            bucket=bucket,
        )
    )
    return str(text)


def stack(**values: object) -> str:
    """The CloudFormation template of a cluster's machines, of the values that templates/stack.yaml.j2 names."""
    return str(_environment(settings.data("templates")).get_template("stack.yaml.j2").render(**values))


def vagrantfile(cluster: Cluster, files: VagrantFiles) -> str:
    """The Vagrantfile of a cluster that has a box."""
    if cluster.box is None:
        raise LabError(f"{cluster.name}: not a cluster of the vagrant provider")
    environment = _environment(settings.data("Vagrantfile.j2").parent)
    environment.filters["mib"] = lambda size: math.ceil(size / 2**20)
    environment.filters["ruby"] = _ruby
    memory = cluster.limits.memory
    text = environment.get_template("Vagrantfile.j2").render(
        cluster=cluster,
        box=cluster.box,
        memory_mib=math.ceil(memory / 2**20) if memory else VM_MEMORY_MIB,
        cpus=math.ceil(cluster.limits.cpus or 1),
        management_network=f"192.168.{MANAGEMENT_NETWORK + cluster.network.index}.0/24",
        storage_controller="SATA Controller",
        key=str(files.key),
        first_key=str(files.first_key),
        console_folder=str(files.consoles),
        userland=str(files.userland),
        kernel=str(files.boot / "vmlinuz") if files.boot else "",
        initrd=str(files.boot / "initrd") if files.boot else "",
    )
    return str(text)


def _ruby(text: str) -> str:
    """A Ruby string: JSON's is one, once "#" cannot begin an expression in it."""
    return json.dumps(text).replace("#", "\\#")


def _own_units() -> dict[str, str]:
    """The units that the machine image has and Flatcar's box does not, as a cloud-config carries them."""
    folder = Path(__file__).parent / "machine_image" / "files" / "usr" / "lib" / "systemd" / "system"
    return {name: (folder / name).read_text(encoding="utf-8") for name in NOT_IN_FLATCAR}


@cache  # every template is compiled once
def _environment(folder: Path) -> Any:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # a slow import, not needed by most commands

    return Environment(
        loader=FileSystemLoader(folder),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - YAML and Ruby, not HTML
    )
