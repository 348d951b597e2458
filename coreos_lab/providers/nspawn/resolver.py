"""The nodes' name servers: the host's, or a relay of ours where only the host can reach those."""

from __future__ import annotations

import errno
import socket
import sys
from contextlib import suppress
from ipaddress import IPv4Address
from pathlib import Path

from coreos_lab import disk, events
from coreos_lab.containers import pidfile
from coreos_lab.containers.server import Server
from coreos_lab.model import Cluster
from coreos_lab.records.store import ClusterFolder

# systemd-resolved lists its upstream servers here; in /etc/resolv.conf it names only itself.
RESOLVED = Path("/run/systemd/resolve/resolv.conf")
DEADLINE = 60.0  # seconds for the relay to listen; usually 0.1, and many on a busy host


def usable(text: str) -> list[str]:
    """The name servers of a resolv.conf that a node can reach as well: nodes have IPv4 only."""
    servers = []
    for words in (line.split() for line in text.splitlines()):
        if words[:1] == ["nameserver"] and words[1:]:
            with suppress(ValueError):
                address = IPv4Address(words[1])
                if not (address.is_loopback or address.is_link_local or address.is_unspecified):
                    servers.append(words[1])
    return servers


def for_nodes() -> list[str]:
    """The host's own name servers that nodes can reach."""
    from coreos_lab.providers.nspawn import name_relay  # asyncio: too slow for `lab status`

    return usable(_text(RESOLVED if RESOLVED.exists() else name_relay.RESOLV_CONF))


def host_has_one_for_nodes() -> bool:
    """Whether nodes can reach one of the host's name servers."""
    return bool(for_nodes())


def of_host() -> str:
    """The host's own name servers, in words."""
    from coreos_lab.providers.nspawn import name_relay

    servers = ", ".join(name_relay.servers(_text(name_relay.RESOLV_CONF), ""))
    if "nameserver" not in _text(name_relay.RESOLV_CONF):
        return f"{name_relay.RESOLV_CONF} names none: names outside the cluster do not resolve on nodes"
    return servers if host_has_one_for_nodes() else f"{servers}: only this host reaches it, so a relay serves the nodes"


def for_node(cluster: Cluster, node_folder: Path) -> Path | None:
    """Writes a node's own resolv.conf before it starts; None where the host's own serves."""
    path = node_folder / "resolv.conf"
    if host_has_one_for_nodes():
        path.unlink(missing_ok=True)
        return None
    disk.write_atomic(path, f"nameserver {cluster.network.gateway}\n")
    return path


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def provide(cluster: Cluster) -> None:
    """Starts the relay where one is needed, and stops it where none is. Its log lies beside its pid file."""
    if host_has_one_for_nodes():
        stop(cluster)
        return
    events.note("network", f"name servers: {of_host()}")
    from coreos_lab.providers.nspawn import name_relay

    pid_file, address = ClusterFolder(cluster.name).relay_pid, cluster.network.gateway
    place = f"{address}:{name_relay.PORT}"
    relay = Server("the relay for name servers", pid_file, (place,), lambda: _listens(address))
    if relay.runs():
        return
    pidfile.end(pid_file)
    if not _listens(address):  # else a name server of the host's listens on all addresses
        relay.start([sys.executable, "-I", str(Path(name_relay.__file__)), address], DEADLINE)


def stop(cluster: Cluster) -> None:
    """Ends the relay, if it runs."""
    pidfile.end(ClusterFolder(cluster.name).relay_pid)


def _listens(address: str) -> bool:
    """Whether a program listens on port 53 of the address."""
    from coreos_lab.providers.nspawn import name_relay

    try:
        with socket.create_server((address, name_relay.PORT), backlog=1):
            return False
    except OSError as error:
        return error.errno == errno.EADDRINUSE
