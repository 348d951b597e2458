"""A cluster's folder and its plan. What lies there is written whole or not at all, before the thing it describes."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from coreos_lab import hints, settings, wait
from coreos_lab.errors import UsageError
from coreos_lab.model import Cluster, Node, to_json
from coreos_lab.records import plan_record, state_folders
from coreos_lab.records.formats import Format
from coreos_lab.records.owned_folder import OwnedFolder

FORMAT = Format("plan")


@dataclass(frozen=True)
class ClusterFolder(OwnedFolder):
    """The folder of one cluster, and the paths in it."""

    @property
    def place(self) -> Path:
        return settings.clusters_dir()

    @property
    def plan(self) -> Path:
        return self.path / "cluster.json"

    @property
    def key(self) -> Path:
        return self.path / "id_ed25519"

    @property
    def ssh_config(self) -> Path:
        return self.path / "ssh_config"

    @property
    def known_hosts(self) -> Path:
        """The nodes' SSH host keys, as far as a command has needed them."""
        return self.path / "known_hosts"

    def introduced(self, node: Node) -> Path:
        """The host keys that were written onto a node, for its own fleetctl."""
        return self.path / "introduced" / node.name

    @property
    def programs(self) -> Path:
        """Programs for the user's PATH that are about this cluster."""
        return self.path / "bin"

    @property
    def inventory(self) -> Path:
        return self.path / "inventory.json"

    @property
    def token(self) -> Path:
        return self.path / "token"

    @property
    def origin(self) -> Path:
        return self.token

    @property
    def deployed(self) -> Path:
        """One file a deployed lab, with what was deployed."""
        return self.path / "deployed"

    def units_of(self, lab: str) -> Path:
        """The units of a deployed lab as they were submitted."""
        return self.deployed / f"{lab}.units"

    @property
    def runs(self) -> Path:
        return self.path / "runs"

    def walk_lock(self, lab: str) -> Path:
        """What the process of a walk through a lab's page holds as its lock."""
        return settings.clusters_dir() / f".{self.name}.walk-of-{lab}.lock"

    @property
    def console(self) -> Path:
        """Where the cluster's console is found, and by which tokens."""
        return self.path / "console.json"

    @property
    def console_lock(self) -> Path:
        """What the process of the cluster's console holds as its lock, as long as it lives."""
        return settings.clusters_dir() / f".{self.name}.console.lock"

    @property
    def journal(self) -> Path:
        """The fault journal: faults that are not healed yet."""
        return self.path / "faults.jsonl"

    @property
    def snapshots(self) -> Path:
        """One folder a snapshot."""
        return self.path / "snapshots"

    @property
    def restoring(self) -> Path:
        """Names the snapshot that is being restored, while the nodes' disks are neither old nor new."""
        return self.path / "restoring"

    @property
    def restore(self) -> Path:
        """How far the restore of a backup has come, while one goes on."""
        return self.path / "restore.json"

    @property
    def tunnels_pid(self) -> Path:
        """The process that keeps the tunnels by which nodes of AWS reach the registry."""
        return self.path / "tunnels.pid"

    @property
    def discovery(self) -> Path:
        """The tokens of the cluster's discovery service, one change a line; absent where it never had one."""
        return self.path / "discovery.jsonl"

    @property
    def discovery_pid(self) -> Path:
        return self.path / "discovery.pid"

    @property
    def updates_pid(self) -> Path:
        """The cluster's update server."""
        return self.path / "updates.pid"

    @property
    def objects(self) -> Path:
        """The buckets of the cluster's S3; absent where it never had one."""
        return self.path / "objects"

    @property
    def objects_pid(self) -> Path:
        return self.path / "objects.pid"

    @property
    def docker_stopped(self) -> Path:
        """One empty file for each node whose Docker is stopped while it is given layers."""
        return self.path / "docker-stopped"

    @property
    def control(self) -> Path:
        """Where SSH keeps its shared connections. Short, because a socket's path holds 107 bytes at most."""
        named = self.identity or hashlib.sha256(str(self.path).encode()).hexdigest()[:12]
        return settings.run_dir() / f"coreos-lab-{named}"

    @property
    def relay_pid(self) -> Path:
        """The process that forwards the nodes' DNS queries, where one is needed."""
        return self.path / "relay.pid"

    def node(self, node: Node) -> Path:
        """A node's own folder."""
        return self.path / "nodes" / node.name

    def user_data(self, node: Node) -> Path:
        """The cloud-config that a node boots from."""
        return self.path / "nodes" / node.name / "user-data"

    @property
    def vagrant(self) -> Path:
        """Vagrant's folder, with the Vagrantfile and what Vagrant keeps beside it."""
        return self.path / "vagrant"


def save(cluster: Cluster) -> None:
    """Writes a cluster's plan into its folder."""
    _is_about(cluster)
    write(cluster, ClusterFolder(cluster.name).plan)


def write(cluster: Cluster, path: Path) -> None:
    """Writes a plan: for its owner alone where it has a cloud-config of the reader's, with passwords perhaps."""
    FORMAT.write(path, to_json(cluster), 0o600 if cluster.cloud_configs else 0o644)


def read(path: Path) -> Cluster:
    """A plan that was written by `write`. OtherVersionError for one that this lab does not understand."""
    return FORMAT.read(path, plan_record.parse)


def load(name: str) -> Cluster | None:
    """A cluster's plan, or None where there is none of that name."""
    state_folders.refuse_foreign()
    try:
        cluster = read(ClusterFolder(name).plan)
    except FileNotFoundError:
        return None
    _is_about(cluster)
    return cluster


def _is_about(cluster: Cluster) -> None:
    """One command is about one cluster: all layers share how patiently to wait; hints name its provider and cloud."""
    wait.be_patient(emulated=cluster.emulated)
    if cluster.name == hints.current().name:
        hints.about_provider(cluster.provider)
        if cluster.stack is not None and cluster.stack.cloud:
            hints.about_cloud(cluster.stack.cloud)


def require(name: str) -> Cluster:
    """A cluster's plan; UsageError lists the existing clusters when there is none of that name."""
    cluster = load(name)
    if cluster is None:
        others = ", ".join(names()) or "none"
        unseen = state_folders.of_root()
        raise UsageError(
            f"{name}: no such cluster{' of yours' if unseen else ''} (there is: {others})",
            unseen or f"make it with '{hints.lab('up')}', or name another: --name",
        )
    return cluster


def require_node(cluster: Cluster, name: str) -> Node:
    """A node of a cluster; UsageError lists the cluster's nodes when there is none of that name."""
    node = cluster.node(name)
    if node is None:
        others = ", ".join(n.name for n in cluster.nodes)
        raise UsageError(
            f"{name}: no such node in cluster {cluster.name} (there is: {others})",
            f"'{hints.lab('status')}' shows them",
        )
    return node


def names() -> list[str]:
    """The names of all clusters that have a plan on disk."""
    state_folders.refuse_foreign()
    folder = settings.clusters_dir()
    return sorted(path.parent.name for path in folder.glob("*/cluster.json")) if folder.is_dir() else []
