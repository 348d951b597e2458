"""An SSH agent with a cluster's key for the length of one command. fleetctl takes keys from an agent only."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from coreos_lab import disk
from coreos_lab.model import Cluster
from coreos_lab.records.store import ClusterFolder

# The shell becomes the command, so that the command has the terminal and gets the signals. By itself, ssh-agent would
# end up to ten seconds later; so another process waits for the command's end, and ends the agent. (A pipe would not
# show the end: ssh closes all that it inherits.) The key and the command are arguments, never part of the script.
WITH_KEY = """
ssh-add -q "$1" || { kill "$SSH_AGENT_PID"; exit 1; }
shift
(trap '' HUP INT; tail --pid=$$ --sleep-interval=0.1 -f /dev/null; kill "$SSH_AGENT_PID") >/dev/null 2>&1 &
exec "$@"
"""


def with_agent(cluster: Cluster, argv: Sequence[str | Path]) -> list[str | Path]:
    """The call of a command that has an agent with the cluster's key, as SSH_AUTH_SOCK."""
    return ["ssh-agent", "sh", "-c", WITH_KEY, "sh", ClusterFolder(cluster.name).key, *argv]


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
