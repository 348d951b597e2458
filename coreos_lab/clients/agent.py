"""An SSH agent with a cluster's key for the length of one command. fleetctl takes keys from an agent only."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from coreos_lab import disk
from coreos_lab.model import Cluster
from coreos_lab.records.store import ClusterFolder

WITH_KEY = Path(__file__).with_name("with_key.sh")
# A folder for the user's PATH: its ssh knows the nodes of the cluster whose configuration is LAB_SSH_CONFIG.
PATH = Path(__file__).with_name("path")


def with_agent(cluster: Cluster, argv: Sequence[str | Path]) -> list[str | Path]:
    """The call of a command that has an agent with the cluster's key, as SSH_AUTH_SOCK."""
    return ["ssh-agent", "sh", WITH_KEY, ClusterFolder(cluster.name).key, *argv]


def write_program(cluster: Cluster, name: str, call: Sequence[str | Path]) -> Path:
    """Writes a program for the user's PATH that is this call with an agent; returns the folder in which it is.

    A user who cannot read the key (it is root's) has the call without an agent: most need none.
    """
    folder = ClusterFolder(cluster.name)
    key = shlex.quote(str(folder.key))
    plain, full = (shlex.join(map(str, each)) for each in (call, with_agent(cluster, call)))
    text = f'#!/bin/sh\n[ -r {key} ] || exec {plain} "$@"\nexec {full} "$@"\n'
    disk.write_atomic(folder.programs / name, text, 0o755)
    return folder.programs
