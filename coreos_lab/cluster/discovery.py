"""A cluster's discovery service: tokens by which the first members of its etcd find each other.

It belongs to the cluster: the plan and the record of tokens are written before it starts, `lab up` starts it again
where it has ended, and `lab destroy` ends it. It listens on a loopback address of the cluster's own, and on the host's
address in the cluster's network once that is there.
"""

from __future__ import annotations

import errno
import hashlib
import http.client
import json
import socket
import sys
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from coreos_lab import hints
from coreos_lab.clients import discovery_service
from coreos_lab.cluster import service, tunnels
from coreos_lab.containers import pidfile
from coreos_lab.errors import LabError, UsageError
from coreos_lab.model import Cluster
from coreos_lab.plan import DISCOVERY_PORT
from coreos_lab.records.store import ClusterFolder
from coreos_lab.user_data import of_node

PROGRAM = Path(discovery_service.__file__)
PUBLIC = "discovery.etcd.io"


@dataclass
class Token:
    """A token of this cluster's service: how many members it is for, and the values of those that have registered."""

    size: int
    members: dict[str, str] = field(default_factory=dict)


def url(cluster: Cluster) -> str:
    """What stands before the tokens, as nodes reach the service."""
    return f"http://{tunnels.LOOPBACK if cluster.replaced else cluster.network.gateway}:{DISCOVERY_PORT}"


def new(cluster: Cluster, size: int) -> str:
    """Makes a token for so many members, with the service running; returns its URL."""
    record = ClusterFolder(cluster.name).discovery
    record.parent.mkdir(parents=True, exist_ok=True)
    record.touch(mode=0o600)
    run_service(cluster)
    status, body = _ask(cluster.network.loopback, f"/new?size={size}")
    if status != http.client.OK:
        raise LabError(f"{cluster.name}: the discovery service makes no token: {body.strip()[:200]}")
    return body.strip()


def tokens(cluster: Cluster) -> dict[str, Token]:
    """The tokens of a cluster's service, as it records them."""
    record = ClusterFolder(cluster.name).discovery
    found: dict[str, Token] = {}
    for line in record.read_text(encoding="utf-8").splitlines() if record.exists() else []:
        try:
            change = json.loads(line)
        except ValueError:  # the last line, half written
            continue
        if "size" in change:
            found[change["token"]] = Token(change["size"])
        elif change["action"] == "delete":
            found[change["token"]].members.pop(change["member"], None)
        else:
            found[change["token"]].members[change["member"]] = change["value"]
    return found


def run_service(cluster: Cluster) -> None:
    """Starts the service where the cluster has tokens and it does not serve all its addresses."""
    folder = ClusterFolder(cluster.name)
    if not folder.discovery.exists():
        return
    gateway = [cluster.network.gateway] if _is_here(cluster.network.gateway) else []
    addresses = list(dict.fromkeys([cluster.network.loopback, *gateway]))
    mark, places = _mark(folder.discovery), [f"{address}:{DISCOVERY_PORT}" for address in addresses]
    program: list[str | Path] = [sys.executable, "-I", PROGRAM, folder.discovery, url(cluster), mark, *places]
    service.run("the discovery service", folder.discovery_pid, program, places, mark)


def service_pid(cluster: Cluster) -> int | None:
    """The process id of the service, None where it does not run."""
    return pidfile.running(ClusterFolder(cluster.name).discovery_pid)


def stop_service(cluster: Cluster) -> None:
    """Ends the service, if it runs. Its tokens stay until the cluster's folder is removed."""
    pidfile.end(ClusterFolder(cluster.name).discovery_pid)


def check(cluster: Cluster) -> None:
    """Raises UsageError where the first members of a new cluster would not find each other by discovery."""
    founders = [node for node in cluster.members if not node.joins]
    given = {node.name: of_node.discovery(cluster, node) for node in founders}
    urls = sorted(set(given.values()))
    if urls in ([], [""]):
        return
    if cluster.replaced:
        raise UsageError("discovery: members on AWS find each other by a token of their own", "leave it out")
    if len(urls) > 1:
        names = ", ".join(f"{name}: {value or 'none'}" for name, value in given.items())
        raise UsageError("discovery: the members must have the same URL", "give it to all nodes", names)
    here, remedy = urls[0], f"make one: {hints.lab('discovery', 'new', '--size', len(founders))}"
    parts = _parts(here)
    if parts.scheme not in ("http", "https") or not parts.hostname or not parts.path.strip("/"):
        raise UsageError(f"discovery: {here}: no URL of a token", remedy)
    if parts.hostname == PUBLIC:
        raise UsageError(f"discovery: {here}: a cluster's nodes use its own service, not the public one", remedy)
    if parts.netloc.rpartition(":")[2] != str(DISCOVERY_PORT):
        return  # a service of the reader's own
    if not here.startswith(f"{url(cluster)}/"):
        raise UsageError(f"discovery: {here}: not of cluster {cluster.name}, whose service is {url(cluster)}", remedy)
    _check_token(cluster, here, parts.path.strip("/"), len(founders), remedy)


def _check_token(cluster: Cluster, here: str, name: str, founders: int, remedy: str) -> None:
    token = tokens(cluster).get(name)
    if cluster.provider == "vagrant":
        raise UsageError(
            f"discovery: {here}: virtual machines get their network when they boot, too late for it", "leave it out"
        )
    if token is None:
        raise UsageError(f"discovery: {here}: no such token of cluster {cluster.name}", remedy)
    if token.size != founders:
        raise UsageError(f"discovery: {here}: a token for {token.size} members, and there are to be {founders}", remedy)
    if token.members:
        raise UsageError(
            f"discovery: {here}: a token is used once, and {len(token.members)} members have registered",
            remedy,
            "\n".join(token.members.values()),
        )


def _parts(here: str) -> SplitResult:
    """The parts of a URL; all empty for a text that is none."""
    try:
        return urlsplit(here)
    except ValueError:
        return urlsplit("")


def _mark(record: Path) -> str:
    return hashlib.sha256(str(record).encode()).hexdigest()[:16]


def _is_here(address: str) -> bool:
    """Whether an address is this host's."""
    try:
        with socket.create_server((address, 0), backlog=1):
            return True
    except OSError as error:
        return error.errno != errno.EADDRNOTAVAIL


def _ask(address: str, path: str) -> tuple[int, str]:
    place = f"{address}:{DISCOVERY_PORT}"
    try:
        return service.ask(place, path)
    except (OSError, http.client.HTTPException) as error:
        raise LabError(f"{place}: the discovery service does not answer: {error}") from None
