"""Puts a lab's secrets into etcd, where its units read them. They are written nowhere else."""

from __future__ import annotations

from collections.abc import Mapping

from coreos_lab import events, wait
from coreos_lab.clients.etcd import Etcd
from coreos_lab.clients.http import CannotCheckError
from coreos_lab.deploy.submit import SUBMIT_DEADLINE
from coreos_lab.model import Cluster
from coreos_lab.observed import node_states
from coreos_lab.providers.base import Provider


def put(cluster: Cluster, provider: Provider, secrets: Mapping[str, str]) -> None:
    """Sets each of the keys to its secret. A key that has it already is left alone: nobody must be told of a change."""
    if not secrets:
        return
    etcd = Etcd(node_states.addresses(node_states.require_running(cluster, provider)))

    def done() -> bool:
        try:
            for key, value in secrets.items():
                if etcd.get(key) != value:
                    etcd.set(key, value)
        except CannotCheckError:  # during a leader election, for example
            return False
        return True

    for key in secrets:
        events.note("secret", "is put into etcd", key)
    wait.until(
        done,
        deadline=wait.patiently(SUBMIT_DEADLINE),
        interval=0.5,
        missing="etcd does not answer, so the secrets are not there",
    )
