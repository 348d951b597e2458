"""What is kept on disk about a cluster, and where. Written whole or not at all, before the thing it describes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from coreos_lab import disk, run, settings, wait
from coreos_lab.errors import LabError, UsageError
from coreos_lab.model import Cluster, Disk, Limits, Network, Node, VagrantBox, to_json


@dataclass(frozen=True)
class ClusterFolder:
    """The folder of one cluster, and the names of what is in it."""

    name: str

    @property
    def path(self) -> Path:
        return settings.clusters_dir() / self.name

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
    def inventory(self) -> Path:
        return self.path / "inventory.json"

    @property
    def token(self) -> Path:
        return self.path / "token"

    @property
    def deployed(self) -> Path:
        """One file a deployed lab, with what was deployed."""
        return self.path / "deployed"

    def units_of(self, lab: str) -> Path:
        """The units of a deployed lab that are other than in its folder, as settings told."""
        return self.deployed / f"{lab}.units"

    @property
    def runs(self) -> Path:
        return self.path / "runs"

    @property
    def journal(self) -> Path:
        """The undo journal: faults that are not healed yet."""
        return self.path / "faults.jsonl"

    @property
    def snapshots(self) -> Path:
        """One folder a snapshot."""
        return self.path / "snapshots"

    @property
    def restoring(self) -> Path:
        """Names the snapshot that is being put back, for as long as the nodes' disks are neither old nor new."""
        return self.path / "restoring"

    @property
    def registry(self) -> Path:
        """What container image names mean to this cluster's nodes."""
        return self.path / "registry"

    @property
    def registry_pid(self) -> Path:
        return self.path / "registry.pid"

    @property
    def control(self) -> Path:
        """Where SSH keeps its shared connections. Short, because a socket's path holds 107 bytes at most."""
        return settings.run_dir() / f"coreos-lab-{hashlib.sha256(str(self.path).encode()).hexdigest()[:10]}"

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

    def lock(self, what: str) -> AbstractContextManager[None]:
        """Keeps other commands from changing this cluster; LabError says who does so now."""
        return disk.lock(settings.clusters_dir() / f".{self.name}.lock", what, wait=False)


def planning() -> AbstractContextManager[None]:
    """Held from looking which networks are taken until the plan that takes another is written."""
    return disk.lock(settings.state_dir() / "planning.lock", "planning", wait=True)


def save(cluster: Cluster) -> None:
    """Writes a cluster's plan."""
    wait.be_patient(emulated=cluster.emulated)
    disk.write_atomic(ClusterFolder(cluster.name).plan, json.dumps(to_json(cluster), indent=2) + "\n")


def load(name: str) -> Cluster | None:
    """A cluster's plan, or None where there is none of that name."""
    path = ClusterFolder(name).plan
    if not path.exists():
        return None
    cluster = read(path)
    wait.be_patient(emulated=cluster.emulated)
    return cluster


def read(path: Path) -> Cluster:
    """A plan that was written by `save`, from wherever it lies. LabError for one that is not of this version."""
    try:
        return _parse(disk.read_json(path))
    except (KeyError, TypeError) as error:
        raise LabError(
            f"{path}: this lab does not understand the plan: {error}",
            "another version of lab wrote it: use that one, at least to destroy the cluster",
        ) from None


def _parse(raw: Any) -> Cluster:
    nodes = tuple(
        Node(
            n["name"],
            n["address"],
            n["member"],
            tuple(Disk(**extra) for extra in n["disks"]),
            joins=n.get("joins", False),
            leaving=n.get("leaving", False),
        )
        for n in raw["nodes"]
    )
    box = VagrantBox(**raw["box"]) if raw.get("box") else None
    known = {"network": Network(**raw["network"]), "limits": Limits(**raw["limits"]), "nodes": nodes, "box": box}
    return Cluster(**{**raw, **known})


def require(name: str) -> Cluster:
    """A cluster's plan; UsageError lists the names that there are when there is none of that one."""
    cluster = load(name)
    if cluster is None:
        others = ", ".join(names()) or "none"
        raise UsageError(
            f"{name}: no such cluster (there is: {others})", "make it with 'lab up', or name another: --name"
        )
    return cluster


def require_node(cluster: Cluster, name: str) -> Node:
    """A node of a cluster; UsageError lists the names that there are."""
    node = cluster.node(name)
    if node is None:
        known = ", ".join(n.name for n in cluster.nodes)
        raise UsageError(f"{name}: no such node in cluster {cluster.name} (there is: {known})")
    return node


def names() -> list[str]:
    """The names of all clusters that have a plan on disk."""
    folder = settings.clusters_dir()
    return sorted(path.parent.name for path in folder.glob("*/cluster.json")) if folder.is_dir() else []


def network_index(name: str) -> int | None:
    """Which of the lab's networks a cluster has, whichever version of lab wrote its plan; None: nobody knows."""
    try:
        return int(disk.read_json(ClusterFolder(name).plan)["network"]["index"])
    except (LabError, OSError, KeyError, TypeError, ValueError):
        return None


def clusters() -> Iterator[Cluster]:
    """Every cluster that has a plan on disk."""
    for name in names():
        cluster = load(name)
        if cluster is not None:
            yield cluster


def ensure_key(folder: ClusterFolder) -> str:
    """The cluster's own SSH key; returns the public half as one line."""
    if not folder.key.exists():
        folder.path.mkdir(parents=True, exist_ok=True)
        comment = f"lab {folder.name}"
        run.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", folder.key])
    return folder.key.with_suffix(".pub").read_text(encoding="utf-8").strip()


def ensure_token(folder: ClusterFolder) -> str:
    """What tells this cluster's etcd from one of the same name and addresses that was destroyed before."""
    if not folder.token.exists():
        import secrets

        disk.write_atomic(folder.token, secrets.token_hex(8) + "\n", 0o600)
    return folder.token.read_text(encoding="utf-8").strip()
