"""Makes the servers of a running haproxy what they should be, without a reload, so that no connection is dropped."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping

from coreos_lab.cloud.balancing.control import Control, Seen
from coreos_lab.cloud.balancing.haproxy_config import address, arguments
from coreos_lab.cloud.balancing.wanted import Pool, Server

Key = tuple[str, str]  # the names of a pool and a server


class Servers:
    """The servers of one haproxy. Remembers since when each that is to go has been going."""

    def __init__(self, control: Control) -> None:
        self.control = control
        self._leaving: dict[Key, float] = {}

    def converge(self, pools: Iterable[Pool], seen: Mapping[Key, Seen]) -> list[str]:
        """Takes the next step for every server; returns the names of those that were put in."""
        added = []
        for pool in pools:
            wanted = {server.name: server for server in pool.servers}
            fresh = [each for each in pool.servers if self._is_missing(pool, each, seen)]
            for server in fresh:
                self._add(pool, server, seen)
            if fresh and pool.sticky:
                self.control.do(*(f"enable dynamic-cookie backend {each}" for each in pool.names))
            added += [server.name for server in fresh]
            for (name, other), each in seen.items():
                if name in pool.names and other not in wanted:
                    self._remove((name, other), each, pool.drain)
        return added

    def promote(self, pools: Iterable[Pool], seen: Mapping[Key, Seen], new: set[str]) -> None:
        """Lets a new server that has passed its first check get requests, where one check is enough."""
        for pool in pools:
            for server in pool.servers if pool.eager else ():
                found = seen.get((pool.name, server.name))
                if found and server.name in new and found.passed and found.status.startswith("DOWN"):
                    self.control.do(f"set server {pool.name}/{server.name} health up")

    def _is_missing(self, pool: Pool, server: Server, seen: Mapping[Key, Seen]) -> bool:
        found = [seen.get((name, server.name)) for name in pool.names]
        return any(each is None or each.leaving for each in found)

    def _add(self, pool: Pool, server: Server, seen: Mapping[Key, Seen]) -> None:
        """Puts a server in as unhealthy: what has not been checked gets no requests."""
        own = f"{pool.name}/{server.name}"
        if (pool.name, server.name) not in seen:
            self.control.do(f"add server {own} {arguments(pool, server)}")
        self.control.do(f"set server {own} state ready", f"set server {own} health down", f"enable health {own}")
        for double in pool.names[1:]:
            if (double, server.name) not in seen:
                self.control.do(f"add server {double}/{server.name} {address(server)}")
            self.control.do(f"set server {double}/{server.name} state ready")
        for name in pool.names:
            self._leaving.pop((name, server.name), None)

    def _remove(self, key: Key, seen: Seen, patience: int) -> None:
        """Gives a server no new requests; removes it when its connections have ended, or have had their time."""
        own, now = "/".join(key), time.monotonic()
        since = self._leaving.setdefault(key, now)
        if not seen.leaving:
            self.control.do(f"set server {own} state maint")
        if seen.sessions and now - since >= patience:
            self.control.do(f"shutdown sessions server {own}")
        elif not seen.sessions and "still has connections" not in self.control.ask(f"del server {own}"):
            del self._leaving[key]
