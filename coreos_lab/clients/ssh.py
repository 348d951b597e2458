"""SSH to the nodes: OpenSSH's own client with a configuration of the cluster's."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import NoReturn

from coreos_lab import disk, run, wait
from coreos_lab.model import Cluster, Node, NodeState
from coreos_lab.store import ClusterFolder

NOT_REACHED = 255  # ssh's own exit code, which is none of the command's


def render_config(cluster: Cluster, key: Path, control: Path) -> str:
    """An ssh_config(5) that reaches every node by its name.

    Connections are shared, because checks open dozens; a node that lost its power is noticed within 4 s. Host keys
    are not remembered: nodes are made anew all the time, on a network that only this host is on. There the key exchange
    that would also resist a quantum computer is not worth the time it takes the host's cores.

    A machine that is emulated in software takes seconds for a login, and may not answer for as long: it is given time,
    and what was opened once is kept.
    """
    connect, alive, persist = (60, 15, 900) if cluster.emulated else (3, 2, 60)
    hosts = "".join(f"Host {node.name}\n  HostName {node.address}\n" for node in cluster.nodes)
    return (
        f"# ssh -F THIS_FILE {cluster.nodes[0].name}\n{hosts}Host *\n  User core\n  IdentityFile {_quoted(key)}\n"
        "  IdentitiesOnly yes\n  StrictHostKeyChecking no\n  UserKnownHostsFile /dev/null\n"
        "  GlobalKnownHostsFile /dev/null\n  KexAlgorithms curve25519-sha256\n"
        "  LogLevel ERROR\n  BatchMode yes\n"
        f"  ConnectTimeout {connect}\n  ServerAliveInterval {alive}\n  ServerAliveCountMax 2\n"
        f"  ControlMaster auto\n  ControlPath {_quoted(control, '/%n')}\n  ControlPersist {persist}\n"
    )


def _quoted(path: Path, then: str = "") -> str:
    """A path as ssh_config(5) wants it: it may have spaces in it, and % begins a token there."""
    return f'"{str(path).replace("%", "%%")}{then}"'


def write_config(cluster: Cluster, states: dict[str, NodeState], broken: Collection[str] = ()) -> None:
    """Writes the cluster's ssh_config, and the inventory that checks read; `broken` are nodes with a fault."""
    folder = ClusterFolder(cluster.name)
    _make_control(folder)
    disk.write_atomic(folder.ssh_config, render_config(cluster, folder.key, folder.control))
    nodes = [
        {
            "name": node.name,
            "address": node.address,
            "member": node.member,
            "running": states.get(node.name) is NodeState.RUNNING,
            "broken": node.name in broken,
        }
        for node in cluster.nodes
    ]
    inventory = {
        "cluster": cluster.name,
        "ssh_config": str(folder.ssh_config),
        "nodes": nodes,
        "emulated": cluster.emulated,
    }
    disk.write_atomic(folder.inventory, json.dumps(inventory, indent=2) + "\n")


def _make_control(folder: ClusterFolder) -> None:
    """Makes the folder of shared connections: /run is empty after a restart of the host, and ssh needs it."""
    folder.control.mkdir(mode=0o700, parents=True, exist_ok=True)


def command(cluster: Cluster, node: Node, argv: Sequence[str] = (), *, tty: bool = False) -> list[str]:
    """The ssh call that runs `argv` on a node, or a login shell when it is empty.

    ssh hands one string to the node's shell, so several arguments are quoted for it; one alone is that string.
    """
    folder = ClusterFolder(cluster.name)
    _make_control(folder)
    said = argv[0] if len(argv) == 1 else shlex.join(argv)
    return ["ssh", "-F", str(folder.ssh_config), *(["-t"] if tty else []), node.name, *([said] if argv else [])]


def node_run(
    cluster: Cluster, node: Node, argv: Sequence[str], *, check: bool = True, timeout: float = 30
) -> run.Completed:
    """Runs a command on a node and returns what it printed; exit code 255 is ssh's own: not reached."""
    return run.run(command(cluster, node, argv), check=check, timeout=wait.patiently(timeout))


def replace(cluster: Cluster, node: Node, argv: Sequence[str]) -> NoReturn:
    """Becomes the ssh session."""
    run.replace(command(cluster, node, argv, tty=bool(argv) and os.isatty(0) and os.isatty(1)))


def forget(cluster: Cluster, node: Node | None = None) -> None:
    """Ends the shared connections to a node, or to all: one to a machine that is gone would only hang."""
    folder = ClusterFolder(cluster.name)
    for each in [node] if node else cluster.nodes:
        socket = folder.control / each.name
        if socket.exists():
            run.run(["ssh", "-F", folder.ssh_config, "-O", "exit", each.name], check=False, timeout=10)
            socket.unlink(missing_ok=True)
