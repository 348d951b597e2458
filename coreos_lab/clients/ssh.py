"""SSH to the nodes: OpenSSH's client with a configuration for the cluster."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from coreos_lab import disk, run, wait
from coreos_lab.clients import agent
from coreos_lab.errors import UnknownError
from coreos_lab.model import Cluster, Node
from coreos_lab.records.store import ClusterFolder

FORWARDING = ("-A", "-o", "ControlPath=none")
NOT_REACHED = 255  # ssh's own exit code: the command did not run, or its end is not known


class NotReachedError(UnknownError):
    """A node did not answer, so the result is unknown."""


def render_config(cluster: Cluster, key: Path, control: Path) -> str:
    """An ssh_config(5) that reaches every node by its name.

    Connections are shared, because checks open dozens; a node that lost its power is noticed within 4 s. Host keys
    are not checked: nodes are made again all the time, on a network that only this host is on. There the post-quantum
    key exchange is not worth the processor time that it takes.

    A machine that is emulated in software takes seconds for a login, and may not answer for as long: timeouts are
    longer, and open connections are kept.
    """
    connect, alive, persist = (60, 15, 900) if cluster.emulated else (3, 2, 60)
    reached = [node for node in cluster.nodes if node.address]
    hosts = "".join(f"Host {node.name}\n  HostName {node.address}\n" for node in reached)
    return (
        f"# ssh -F THIS_FILE {cluster.nodes[0].name}\n{hosts}Host *\n  User core\n  IdentityFile {_quoted(key)}\n"
        "  IdentitiesOnly yes\n  StrictHostKeyChecking no\n  UserKnownHostsFile /dev/null\n"
        "  GlobalKnownHostsFile /dev/null\n  KexAlgorithms curve25519-sha256\n"
        "  LogLevel ERROR\n  BatchMode yes\n"
        f"  ConnectTimeout {connect}\n  ServerAliveInterval {alive}\n  ServerAliveCountMax 2\n"
        f"  ControlMaster auto\n  ControlPath {_quoted(control, '/%n')}\n  ControlPersist {persist}\n"
    )


def _quoted(path: Path, then: str = "") -> str:
    """A path for ssh_config(5), quoted for spaces, with % doubled because it begins a token there."""
    return f'"{str(path).replace("%", "%%")}{then}"'


def write_config(cluster: Cluster) -> None:
    """Writes the cluster's ssh_config."""
    folder = ClusterFolder(cluster.name)
    _make_control(folder)
    disk.write_atomic(folder.ssh_config, render_config(cluster, folder.key, folder.control))


def _make_control(folder: ClusterFolder) -> None:
    """Makes the folder of shared connections: /run is empty after a restart of the host, and ssh needs it."""
    folder.control.mkdir(mode=0o700, parents=True, exist_ok=True)


def _follow(cluster: Cluster, folder: ClusterFolder) -> None:
    """Rewrites the configuration after the state folder was moved: ssh takes absolute paths only."""
    if folder.ssh_config.exists() and _quoted(folder.key) not in folder.ssh_config.read_text(encoding="utf-8"):
        disk.write_atomic(folder.ssh_config, render_config(cluster, folder.key, folder.control))


def command(cluster: Cluster, node: Node, argv: Sequence[str] = (), *, tty: bool = False) -> list[str]:
    """The ssh call that runs `argv` on a node, or a login shell when it is empty.

    ssh passes one string to the node's shell: several arguments are quoted for it, a single one is that string.
    """
    folder = ClusterFolder(cluster.name)
    _make_control(folder)
    _follow(cluster, folder)
    line = argv[0] if len(argv) == 1 else shlex.join(argv)
    return ["ssh", "-F", str(folder.ssh_config), *(["-t"] if tty else []), node.name, *([line] if argv else [])]


def node_run(
    cluster: Cluster,
    node: Node,
    argv: Sequence[str],
    *,
    check: bool = True,
    timeout: float = 30,
    input_text: str | None = None,
) -> run.Completed:
    """Runs a command on a node and returns what it printed; exit code 255 is ssh's own: not reached."""
    call = command(cluster, node, argv)
    return run.run(call, check=check, timeout=wait.patiently(timeout), input_text=input_text)


def answer(cluster: Cluster, node: Node, argv: Sequence[str], *, timeout: float = 30) -> run.Completed:
    """Runs a command on a node and returns what it printed, whatever its exit code.

    NotReachedError when that is not known: the node was not reached, or the command did not end within `timeout`
    seconds.
    """
    try:
        done = node_run(cluster, node, argv, check=False, timeout=timeout)
    except run.CommandError as error:
        raise NotReachedError(f"{node.name}: does not answer over SSH", details=error.message) from None
    if done.returncode == NOT_REACHED:
        raise NotReachedError(f"{node.name}: cannot be reached over SSH", details=done.stderr.strip())
    return done


def ask(cluster: Cluster, node: Node, argv: Sequence[str], *, timeout: float = 30) -> run.Completed | None:
    """Like `answer`, but None when the answer is not known."""
    try:
        return answer(cluster, node, argv, timeout=timeout)
    except NotReachedError:
        return None


def replace(cluster: Cluster, node: Node, argv: Sequence[str], *, forwarding: bool = False) -> NoReturn:
    """Replaces this process by the ssh session.

    With `forwarding`, the node can use an agent that has the cluster's key. Then the session has a connection of its
    own: a shared one forwards the agent of the command that opened it.
    """
    call = command(cluster, node, argv, tty=bool(argv) and os.isatty(0) and os.isatty(1))
    run.replace(agent.with_agent(cluster, [call[0], *FORWARDING, *call[1:]]) if forwarding else call)


def forget(cluster: Cluster, node: Node | None = None) -> None:
    """Ends the shared connections to a node, or to all: a connection to a machine that is gone would hang."""
    folder = ClusterFolder(cluster.name)
    for each in [node] if node else cluster.nodes:
        socket = folder.control / each.name
        if socket.exists():
            run.run(["ssh", "-F", folder.ssh_config, "-O", "exit", each.name], check=False, timeout=10)
            socket.unlink(missing_ok=True)
