"""A real HTTP server on loopback that gives prepared answers and records its requests."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Stub:
    """`answers` by "METHOD PATH" are (status, value), `cookies` what is set with them.

    `requests` is every request with its body, `sent_cookies` the Cookie header of each.
    """

    base: str = ""
    answers: dict[str, tuple[int, Any]] = field(default_factory=dict)
    cookies: dict[str, list[str]] = field(default_factory=dict)
    requests: list[tuple[str, str]] = field(default_factory=list)
    sent_cookies: list[str | None] = field(default_factory=list)


@contextmanager
def serving() -> Iterator[Stub]:
    """A stub for as long as the block lasts; what it has no answer for is 404."""
    stub = Stub()

    class Handler(BaseHTTPRequestHandler):
        def _reply(self) -> None:
            size = int(self.headers.get("Content-Length") or 0)
            request = f"{self.command} {self.path}"
            stub.requests.append((request, self.rfile.read(size).decode()))
            stub.sent_cookies.append(self.headers.get("Cookie"))
            status, value = stub.answers.get(request, (404, {"message": f"no answer for {request}"}))
            body = b"" if value is None else value.encode() if isinstance(value, str) else json.dumps(value).encode()
            self.send_response(status)
            for cookie in stub.cookies.get(request, []):
                self.send_header("Set-Cookie", cookie)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _reply  # noqa: N815 - http.server's names

        def log_message(self, *args: Any) -> None:
            """Tests are quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    stub.base = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield stub
    finally:
        server.shutdown()
        server.server_close()
