"""Where a cluster's console is found: its port, and the tokens of its links. They are the same after a restart."""

from __future__ import annotations

import secrets
from dataclasses import asdict, dataclass

from coreos_lab.model import Cluster
from coreos_lab.records.formats import Format, Record
from coreos_lab.records.store import ClusterFolder

FORMAT = Format("record of a console")
FIRST_PORT = 8170  # of the cluster whose network is the first; each has a port of its own


@dataclass(frozen=True)
class Console:
    """A console's port on loopback, the token of a page that may change the cluster, and of one that may only look."""

    port: int
    token: str
    look: str

    def link(self, token: str) -> str:
        """The page's address with a token, which a browser sends to no server."""
        return f"http://127.0.0.1:{self.port}/#{token}"


def load(cluster: Cluster) -> Console | None:
    """The record of a cluster's console; None where it never had one."""
    path = ClusterFolder(cluster.name).console
    return FORMAT.read(path, _parse) if path.exists() else None


def settled(cluster: Cluster, port: int | None) -> Console:
    """The console of a cluster, as it is on record from now on; its port is `port`, the one on record, or its own."""
    known = load(cluster)
    chosen = port or (known.port if known else FIRST_PORT + cluster.network.index)
    tokens = (known.token, known.look) if known else (secrets.token_urlsafe(24), secrets.token_urlsafe(24))
    console = Console(chosen, *tokens)
    if console != known:
        FORMAT.write(ClusterFolder(cluster.name).console, asdict(console), 0o600)
    return console


def _parse(record: Record) -> Console:
    return Console(int(record["port"]), str(record["token"]), str(record["look"]))
