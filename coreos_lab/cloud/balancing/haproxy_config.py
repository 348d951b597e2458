"""haproxy's configuration for a load balancer.

In it are only the servers that a process has already, when it is reloaded. It gets others by its socket, where they
begin as unhealthy: those of a file begin as healthy, before anything has been checked.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Container, Iterable
from dataclasses import dataclass
from pathlib import Path

from coreos_lab.cloud.balancing.wanted import Front, Pool, Server, Wanted

COOKIE = "AWSALB"
AGENT = "ELB-HealthChecker/2.0"
CONNECTIONS = 2000
SOON = 2  # seconds between checks of a server that is not healthy, if its interval is longer
OLD_WORKER = "1h"  # for which connections from before a reload may go on
REFUSED = 502  # what AWS answers where a target takes no connection; haproxy says 503
PLACE_OF_REFUSED = "502.http"
NO_STATES = "1\n"  # a file of servers' states with none in it


@dataclass(frozen=True)
class Place:
    """Where a load balancer's files and its socket are."""

    folder: Path
    socket: Path

    @property
    def config(self) -> Path:
        return self.folder / "haproxy.cfg"

    @property
    def states(self) -> Path:
        """The servers' states, for the next reload."""
        return self.folder / "servers.state"

    @property
    def nowhere(self) -> Path:
        """An empty folder, which becomes the process's root."""
        return self.folder / "empty"

    @property
    def refused(self) -> Path:
        """The answer for a server that takes no connection."""
        return self.folder / PLACE_OF_REFUSED


def refused() -> str:
    """What a client gets when a server takes no connection."""
    body = "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>\n"
    head = f"HTTP/1.1 {REFUSED} Bad Gateway\r\nContent-Type: text/html\r\nContent-Length: {len(body)}\r\n\r\n"
    return head + body


def text(wanted: Wanted, place: Place, known: Container[tuple[str, str]] = ()) -> str:
    """The whole file; `known` are the servers that the process has already, by pool and name."""
    pools = {pool.name: pool for pool in wanted.pools}
    return "\n".join(
        [
            "global",
            f"  description {wanted.frame}",
            "  nbthread 1",
            f"  maxconn {CONNECTIONS}",
            "  user haproxy",
            "  group haproxy",
            f"  chroot {_quoted(place.nowhere)}",
            f"  stats socket {_quoted(place.socket)} mode 600 level admin",
            f"  server-state-file {_quoted(place.states)}",
            f"  hard-stop-after {OLD_WORKER}",
            "defaults",
            "  load-server-state-from-file global",
            "  retries 0",
            f"  timeout client {wanted.idle}s",
            f"  timeout server {wanted.idle}s",
            f"  timeout tunnel {wanted.idle}s",
            "  timeout connect 5s",
            *(line for front in wanted.fronts for line in _front(front, pools.get(front.pool))),
            *(line for pool in wanted.pools for line in _pool(pool, wanted, place, known)),
            "",
        ]
    )


def _quoted(path: Path) -> str:
    return re.sub(r"([\s\\'\"#$])", r"\\\1", str(path))


def _front(front: Front, pool: Pool | None) -> list[str]:
    lines = [f"frontend {front.name}", f"  mode {_mode(front.http)}"]
    lines += [f"  bind {address}:{front.port}" for address in front.addresses]
    if front.http:
        lines += [
            "  option forwardfor",
            "  http-request set-header X-Forwarded-Proto http",
            "  http-request set-header X-Forwarded-Port %[dst_port]",
        ]
    if pool and pool.open:
        # A worker that is stopping, after a reload, counts no servers, but its last requests still get to them.
        none = f"!{{ stopping }} {{ nbsrv({pool.name}) eq 0 }}"
        double = pool.names[1]
        lines += [
            f"  http-request return status 503 if {none} {{ nbsrv({double}) eq 0 }}",
            f"  use_backend {double} if {none}",
        ]
    return [*lines, f"  default_backend {front.pool}"]


def _mode(http: bool) -> str:
    return "http" if http else "tcp"


def _pool(pool: Pool, wanted: Wanted, place: Place, known: Container[tuple[str, str]]) -> list[str]:
    servers = [each for each in pool.servers if (pool.name, each.name) in known]
    lines = [
        f"backend {pool.name}",
        f"  mode {_mode(pool.http)}",
        f"  balance {'leastconn' if pool.least else 'roundrobin'}",
        *_cookie(pool, wanted),
        *([f"  errorfile 503 {_quoted(place.refused)}"] if pool.open else []),
        *_check(pool),
    ]
    lines += [f"  server {each.name} {arguments(pool, each)}" for each in servers]
    if pool.open:
        lines += [
            f"backend {pool.names[1]}",
            "  mode http",
            *_cookie(pool, wanted),
            f"  timeout connect {pool.check.timeout}s",
            f"  errorfile 503 {_quoted(place.refused)}",
        ]
        lines += [f"  server {each.name} {address(each)}" for each in servers]
    return lines


def _cookie(pool: Pool, wanted: Wanted) -> Iterable[str]:
    """Only a dynamic cookie works for servers that are added to a running process."""
    if not pool.sticky:
        return ()
    key = hashlib.sha256(f"{wanted.identity} {pool.name}".encode()).hexdigest()[:32]
    return f"  cookie {COOKIE} insert dynamic maxidle {pool.sticky}s", f"  dynamic-cookie-key {key}"


def _check(pool: Pool) -> Iterable[str]:
    check = pool.check
    yield f"  timeout connect {check.timeout}s"
    yield f"  timeout check {check.timeout}s"
    if check.protocol == "HTTP":
        headers = f"hdr Host {pool.name} hdr User-Agent {AGENT} hdr Connection close"
        yield "  option httpchk"
        yield f"  http-check send meth GET uri {_uri(check.path)} ver HTTP/1.1 {headers}"
        yield f"  http-check expect status {check.codes}"


def _uri(path: str) -> str:
    return re.sub(r"([\s\\'\"#$])", r"\\\1", path)


def arguments(pool: Pool, server: Server) -> str:
    """What haproxy is told about a server, in its file or on its socket."""
    check = pool.check
    port = f"port {check.port} " if check.port else ""
    soon = min(check.interval, SOON)
    times = f"inter {check.interval}s downinter {soon}s rise {check.healthy} fall {check.unhealthy}"
    return f"{address(server)} check {port}{times}"


def address(server: Server) -> str:
    """Where a server is. It keeps no idle connections, as haproxy removes no server that has some."""
    return f"{server.address}:{server.port} pool-max-conn 0"
