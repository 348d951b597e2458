"""A load balancer's desired state as plain values: where it listens, and which servers are behind it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

from coreos_lab.cloud.balancing.kept import Check


@dataclass(frozen=True)
class Server:
    """An instance's port that may get requests."""

    name: str
    address: str
    port: int


@dataclass(frozen=True)
class Pool:
    """Servers that share requests.

    `http`: requests are understood, not only passed on. `sticky`: seconds for which a client stays with its server.
    `eager`: a new server's first passed check is enough. `open`: where no server is healthy, all get requests.
    `drain`: seconds for which open connections to a server that has left may go on.
    """

    name: str
    http: bool
    check: Check
    servers: tuple[Server, ...]
    sticky: int = 0
    least: bool = False
    eager: bool = False
    open: bool = False
    drain: int = 0

    @property
    def names(self) -> tuple[str, ...]:
        """What haproxy has for it: one pool, and with `open` a double, for when none of the first one is healthy."""
        return (self.name, f"{self.name}-open") if self.open else (self.name,)


@dataclass(frozen=True)
class Front:
    """Where a load balancer listens, and the pool that gets what arrives."""

    name: str
    addresses: tuple[str, ...]
    port: int
    http: bool
    pool: str


@dataclass(frozen=True)
class Wanted:
    """A load balancer as it is to be. `idle`: seconds without data after which a connection is closed."""

    name: str
    identity: str
    idle: int
    fronts: tuple[Front, ...]
    pools: tuple[Pool, ...]

    @property
    def frame(self) -> str:
        """Identifies everything but the servers: haproxy gets those without a reload, and nothing else."""
        bare = replace(self, pools=tuple(replace(pool, servers=(), drain=0) for pool in self.pools))
        return hashlib.sha256(repr(bare).encode()).hexdigest()[:16]
