"""What identifies a cluster: its SSH key and its token, made once, and a name that follows from the token."""

from __future__ import annotations

from coreos_lab import disk, run, stack_plans
from coreos_lab.model import Cluster
from coreos_lab.records.store import ClusterFolder


def ensure_key(folder: ClusterFolder) -> str:
    """The cluster's own SSH key; returns the public half as one line."""
    if not folder.key.exists():
        folder.path.mkdir(parents=True, exist_ok=True)
        comment = f"lab {folder.name}"
        run.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", folder.key])
    return folder.key.with_suffix(".pub").read_text(encoding="utf-8").strip()


def ensure_token(folder: ClusterFolder) -> str:
    """Tells this cluster's etcd from that of a destroyed cluster with the same name and addresses."""
    if not folder.token.exists():
        import secrets

        disk.write_atomic(folder.token, secrets.token_hex(8) + "\n", 0o600)
    return folder.token.read_text(encoding="utf-8").strip()


def bucket_of(cluster: Cluster) -> str:
    """The name of a stack's bucket, "" for a cluster without one. All accounts of AWS share the names of buckets."""
    if cluster.stack is None or not cluster.stack.at_aws:
        return ""
    return f"{stack_plans.group_of(cluster)}-{ClusterFolder(cluster.name).identity}"
