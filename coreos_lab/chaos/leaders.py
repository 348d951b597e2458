"""Which member leads etcd, as the members themselves say, while something is broken."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from coreos_lab.chaos.watch import Watch
from coreos_lab.clients.etcd import CLIENT_PORT
from coreos_lab.clients.http import request
from coreos_lab.model import Node

INTERVAL = 0.5  # seconds between two requests to a member
PATIENCE = 0.5  # seconds for an answer


class Leaders(Watch):
    """Records the leader that more than half of the members name, and when that changes.

    One member alone may name a leader that is none any more: behind a partition it notices late. Each member is asked
    every `interval` seconds.
    """

    def __init__(self, members: Sequence[Node], interval: float = INTERVAL) -> None:
        super().__init__()
        self._lock = threading.Lock()
        self._members = len(members)
        self._names: dict[str, str] = {}  # of members, by their ids in etcd
        self._votes: dict[str, str] = {}  # the leader's id that a member named last, by that member's id
        self._asked: set[str] = set()
        self._ids: dict[str, str] = {}  # of the member that last answered at an address
        self.changes: list[tuple[float, float, str]] = []
        for node in members:
            self.every(interval, partial(self._look, node.address))

    @property
    def leader(self) -> str | None:
        """The leader's name as the last answers say, "" for none; None before every member was asked once."""
        return self.changes[-1][2] if self.changes else None

    def record(self, path: Path) -> None:
        """Writes one line for each change: monotonic and wall seconds, and the leader's name ("" for none)."""
        with path.open("w", encoding="utf-8") as out:
            for mono, wall, leader in self.changes:
                out.write(json.dumps({"mono": mono, "wall": wall, "leader": leader}) + "\n")

    def _look(self, address: str) -> None:
        mono, wall = time.monotonic(), time.time()
        says = _stats(address)
        with self._lock:
            if says is None:
                self._votes.pop(self._ids.get(address, ""), None)
            else:
                member, name, leader = says
                self._ids[address], self._names[member], self._votes[member] = member, name, leader
            now = self._leader()
            self._asked.add(address)
            known = self.changes[-1][2] if self.changes else None
            # That there is no leader is only known once every member was asked.
            if now != known and (now or known or len(self._asked) == self._members):
                self.changes.append((mono, wall, now))

    def _leader(self) -> str:
        for leader, votes in Counter(self._votes.values()).most_common(1):
            if leader and votes > self._members / 2:
                return self._names.get(leader, leader)
        return ""


def _stats(address: str) -> tuple[str, str, str] | None:
    """A member's id and name, and the id of the leader that it knows ("" for none); None without an answer."""
    try:
        _status, body = request(f"http://{address}:{CLIENT_PORT}", "GET", "/v2/stats/self", timeout=PATIENCE)
        stats = json.loads(body)
        return str(stats["id"]), str(stats["name"]), str((stats.get("leaderInfo") or {}).get("leader") or "")
    except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError, AttributeError):
        return None
