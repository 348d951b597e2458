"""A node's cloud-config as a file: rendered, merged with the reader's, judged before a machine boots from it."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Sequence
from pathlib import Path

from coreos_lab import disk, render, run
from coreos_lab.cluster import mirror
from coreos_lab.disk import shown
from coreos_lab.errors import LabError, UsageError
from coreos_lab.machine_image.folders import image_folder
from coreos_lab.machine_image.userland import ensure_userland
from coreos_lab.model import CloudConfig, Cluster, Node
from coreos_lab.records import identity
from coreos_lab.records.store import ClusterFolder
from coreos_lab.user_data import document, of_node, reading, writing

NOT_MADE_YET = ("ssh-ed25519 KEY-IS-MADE-BY-LAB-UP", "TOKEN-IS-MADE-BY-LAB-UP")


def text(cluster: Cluster, node: Node, key: str, token: str, *, joins: str = "") -> str:
    """A node's whole cloud-config; `joins` is the initial cluster of a member that joins a running etcd."""
    lab = render.cloud_config(
        cluster,
        node,
        key,
        token,
        mirror.address(cluster),
        joins=joins,
        docker_flags=_takes_flags(cluster),
        bucket=identity.bucket_of(cluster),
    )
    return of_node.text(cluster, node, lab, joins=bool(joins))


def write(cluster: Cluster, node: Node, *, joins: str = "") -> None:
    """Writes what a new node boots from."""
    folder = ClusterFolder(cluster.name)
    key, token = identity.ensure_key(folder), identity.ensure_token(folder)
    disk.write_atomic(folder.user_data(node), text(cluster, node, key, token, joins=joins), 0o600)
    validate(folder.user_data(node))


def rewrite(cluster: Cluster, node: Node) -> bool:
    """Writes what a node that was made already boots from next time; returns whether it is another text now.

    A member that joined keeps the list of members that it joined with.
    """
    path = ClusterFolder(cluster.name).user_data(node)
    before = path.read_text(encoding="utf-8")
    etcd = document.read(before, str(path), merged=True).data.get("coreos", {}).get("etcd2", {})
    joined = etcd.get("initial_cluster", "") if etcd.get("initial_cluster_state") == "existing" else ""
    write(cluster, node, joins=joined)
    return path.read_text(encoding="utf-8") != before


def check(cluster: Cluster) -> None:
    """Raises UsageError with file and line for what a reader's cloud-config says against the plan."""
    for node in cluster.staying:
        if of_node.configs(cluster, node):
            flags = _takes_flags(cluster)
            lab = render.cloud_config(cluster, node, *NOT_MADE_YET, mirror.address(cluster), docker_flags=flags)
            of_node.check(cluster, node, lab)


def judge(configs: Sequence[CloudConfig]) -> None:
    """Has coreos-cloudinit judge what a reader wrote. UsageError with file and line for what it does not accept."""
    for config in configs:
        with tempfile.TemporaryDirectory(prefix="coreos-lab-") as folder:
            file = Path(folder) / "user-data"
            text = writing.write(reading.read(config).data, "") if config.transpiled else config.text
            disk.write_atomic(file, text, 0o600)
            findings = _findings(file)
        if findings:
            where = shown(Path(config.path))
            lines = [f":{line}" if not config.transpiled else "" for line, _ in findings]  # of what it was made of
            found = zip(lines, findings, strict=True)
            first, *others = [f"{where}{line}: coreos-cloudinit: {message}" for line, (_, message) in found]
            raise UsageError(first, details="\n".join(others))


def _takes_flags(cluster: Cluster) -> bool:
    """Whether the nodes' docker.service takes flags for the registry. A cluster keeps its first machine image."""
    rootfs = image_folder(cluster.image) / "rootfs"
    return not rootfs.is_dir() or (rootfs / "usr/lib/coreos/docker-options").exists()


def validate(path: Path) -> None:
    """Has coreos-cloudinit judge a cloud-config; LabError for one that it does not accept."""
    findings = _findings(path)
    if findings:
        first, *others = [f"line {line}: {message}" for line, message in findings]
        raise LabError(f"{path}: not a valid cloud-config: {first}", details="\n".join(others))


def _findings(path: Path) -> list[tuple[int, str]]:
    """What coreos-cloudinit does not accept of a file: lines and messages.

    Version 1.14 warns of `etcd2` and `fleet`, which its makers had come to deprecate by then: that is no error.
    """
    program = ensure_userland() / "bin" / "coreos-cloudinit"
    done = run.run([program, "-validate", f"--from-file={path}"], check=False)
    output = (done.stdout + done.stderr).splitlines()
    report = [match for line in output if (match := re.search(r" line (\d+): (?:error|warning|info): (.*)", line))]
    findings = [(max(1, int(match[1])), match[2]) for match in report if "deprecated key" not in match[2]]
    if done.returncode != 0 and not report:  # it has stopped before its report
        raise run.CommandError(done)
    return sorted(findings)
