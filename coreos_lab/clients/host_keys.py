"""The nodes' SSH host keys, for fleetctl: its SSH client refuses to connect without knowing them.

They are for fleetctl on the host, and for that on a node, which connects to other nodes.
"""

from __future__ import annotations

from collections.abc import Sequence

from coreos_lab import disk, run
from coreos_lab.clients import ssh
from coreos_lab.model import Cluster, Node
from coreos_lab.records.store import ClusterFolder

PATIENCE = 5  # seconds for a node to send its key, or to store the others'
# fleetctl's own file on a node, in which the user may have confirmed other keys.
INTRODUCE = """
umask 077 && cd && mkdir -p .fleetctl && cd .fleetctl && touch known_hosts && printf '%s' "$1" >given &&
awk 'NR == FNR { given[$1]; print; next } !($1 in given)' given known_hosts >new && mv new known_hosts && rm given
"""


def know(cluster: Cluster, nodes: Sequence[Node]) -> None:
    """Gets the keys that are missing in the cluster's known_hosts. A node that does not answer is left out."""
    known = _read(cluster)
    missing = [node.address for node in nodes if node.address not in known]
    if missing:
        call = ["ssh-keyscan", "-T", str(PATIENCE), "-t", "ed25519", *missing]
        _write(cluster, known | _parse(run.run(call, check=False).stdout))


def know_again(cluster: Cluster, nodes: Sequence[Node]) -> None:
    """Gets missing keys where a command has needed keys before: a shell may use them, see `lab env`."""
    if ClusterFolder(cluster.name).known_hosts.exists():
        know(cluster, nodes)


def introduce(cluster: Cluster, node: Node, nodes: Sequence[Node]) -> None:
    """Has a node's fleetctl know the host keys of `nodes`. Nothing happens where it knows them or does not answer."""
    know(cluster, nodes)
    text, record = _text(_read(cluster)), ClusterFolder(cluster.name).introduced(node)
    if record.exists() and record.read_text(encoding="utf-8") == text:
        return
    done = ssh.ask(cluster, node, ["sh", "-c", INTRODUCE, "sh", text], timeout=PATIENCE)
    if done is not None and done.returncode == 0:
        disk.write_atomic(record, text)


def forget(cluster: Cluster, nodes: Sequence[Node]) -> None:
    """Removes the keys of nodes that are made anew: the next node at such an address has another key."""
    for node in nodes:
        ClusterFolder(cluster.name).introduced(node).unlink(missing_ok=True)
    known, gone = _read(cluster), {node.address for node in nodes}
    if gone & set(known):
        _write(cluster, {address: line for address, line in known.items() if address not in gone})


def _read(cluster: Cluster) -> dict[str, str]:
    path = ClusterFolder(cluster.name).known_hosts
    return _parse(path.read_text(encoding="utf-8")) if path.exists() else {}


def _parse(text: str) -> dict[str, str]:
    """The lines of a known_hosts file by their address."""
    return {line.split()[0]: line for line in text.splitlines() if line.strip() and line[0] != "#"}


def _text(known: dict[str, str]) -> str:
    return "".join(f"{known[address]}\n" for address in sorted(known))


def _write(cluster: Cluster, known: dict[str, str]) -> None:
    disk.write_atomic(ClusterFolder(cluster.name).known_hosts, _text(known))
