"""Members of an etcd of paper: registers behind real ports, with the version 2 API. A member may be behind, or lie."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

INVENTED = "made up"


@dataclass
class Store:
    """What the members agree on, and each register's earlier values."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    past: dict[str, list[str]] = field(default_factory=dict)

    def value(self, key: str, back: int = 0) -> str | None:
        """A register's value, or the one that it had so many changes ago."""
        values = self.past.get(key, [])
        return values[-1 - back] if len(values) > back else None


@dataclass
class Member:
    """A member: `behind` is the number of changes that its own copy lacks.

    `lies`: quorum reads are answered from that copy. `forgets`: it acknowledges a write that it does not make.
    `invents`: it answers reads with what nobody wrote. `mute`: it does what it is asked and never says so. `broken`: it
    does what it is asked and answers HTTP 500.
    """

    store: Store
    behind: int = 0
    lies: bool = False
    forgets: bool = False
    invents: bool = False
    mute: bool = False
    broken: bool = False
    url: str = ""

    def get(self, key: str, *, quorum: bool) -> tuple[int, Any]:
        """The answer to a read."""
        with self.store.lock:
            value = self.store.value(key, 0 if quorum and not self.lies else self.behind)
        if self.invents:
            value = INVENTED
        return (404, {"errorCode": 100, "message": "Key not found"}) if value is None else (200, of(key, value))

    def put(self, key: str, value: str, expected: str | None) -> tuple[int, Any]:
        """The answer to a write, or a compare-and-swap."""
        with self.store.lock:
            before = self.store.value(key)
            if expected is not None and before is None:
                return 404, {"errorCode": 100, "message": "Key not found"}
            if expected is not None and before != expected:
                return 412, {"errorCode": 101, "message": "Compare failed"}
            if not self.forgets:
                self.store.past.setdefault(key, []).append(value)
        return 200 if before else 201, of(key, value)


def of(key: str, value: str) -> Any:
    """An answer that has a key."""
    return {"action": "get", "node": {"key": key, "value": value}}


@contextmanager
def serving(*members: Member) -> Iterator[dict[str, str]]:
    """Serves members on one port of an address of each: their URLs, by name."""
    servers: list[ThreadingHTTPServer] = []
    port = 0
    try:
        for number, member in enumerate(members, 1):
            server = ThreadingHTTPServer((f"127.0.0.{number}", port), _handler(member))
            port = server.server_port
            server.daemon_threads = True
            servers.append(server)
            threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
            member.url = f"http://127.0.0.{number}:{port}"
        yield {f"core-0{number}": member.url for number, member in enumerate(members, 1)}
    finally:
        for server in servers:
            server.shutdown()
            server.server_close()


def _handler(member: Member) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            url = urlsplit(self.path)
            self._answer(*member.get(url.path, quorum=parse_qs(url.query).get("quorum") == ["true"]))

        def do_PUT(self) -> None:
            fields = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            assert int(fields["ttl"][0]) > 0, "what a killed command leaves must go by itself"
            expected = fields.get("prevValue", [None])[0]
            self._answer(*member.put(urlsplit(self.path).path, fields["value"][0], expected))

        def _answer(self, status: int, answer: Any) -> None:
            if member.mute:
                time.sleep(0.3)
                self.close_connection = True
                return
            if member.broken:
                status, answer = 500, {"errorCode": 300, "message": "Raft Internal Error"}
            body = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_args: object) -> None:
            """Nothing is logged."""

    return Handler
