"""The Runtime API, by which a function's process asks for events and answers: one server for each process.

Source: "Using the Lambda runtime API for custom runtimes" (version 2018-06-01) in AWS's developer guide.
"""

from __future__ import annotations

import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Protocol

from coreos_lab.cloud import inside

BASE = "/2018-06-01/runtime"
ANSWER = re.compile(rf"{BASE}/invocation/([\w-]+)/(response|error)")
RESPONSE_MAX = 6 * 2**20 + 100  # bytes, as at AWS
KIND = "Lambda-Runtime-Function-Error-Type"
ADDRESS = "127.0.0.1"


class Runtime(Protocol):
    """What the server asks and tells."""

    def next(self) -> tuple[dict[str, str], bytes] | None:
        """Waits for an event; returns its headers and its body, None when there will be no more."""

    def answer(self, request: str, body: bytes, kind: str | None) -> bool:
        """Takes an answer, or with `kind` an error of that type; returns whether it was waited for."""

    def fail(self, body: bytes, kind: str) -> None:
        """Takes an error from before the first event."""


class RuntimeApi:
    """Serves at a port of its own in the function's network namespace."""

    def __init__(self, namespace: Path, runtime: Runtime) -> None:
        listening = inside.listen(namespace, ADDRESS, 0)
        self.port = int(listening.getsockname()[1])
        self._server = ThreadingHTTPServer((ADDRESS, self.port), _handler(runtime), bind_and_activate=False)
        self._server.socket.close()
        self._server.socket = listening
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True, name=f"runtime API {self.port}").start()

    def stop(self) -> None:
        """Ends serving."""
        self._server.shutdown()
        self._server.server_close()


def _handler(runtime: Runtime) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            found = runtime.next() if self.path == f"{BASE}/invocation/next" else None
            if found is None:
                self.close_connection = True
                self._reply(404 if self.path != f"{BASE}/invocation/next" else 500, b"{}", {})
            else:
                self._reply(200, found[1], found[0])

        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            if length > RESPONSE_MAX:
                self.close_connection = True
                match = ANSWER.fullmatch(self.path)
                if match:
                    said = f"Response payload size exceeded maximum allowed payload size ({RESPONSE_MAX} bytes)."
                    runtime.answer(match[1], too_large(said), "Function.ResponseSizeTooLarge")
                self._reply(413, b"{}", {})
                return
            body = self.rfile.read(length)
            if self.path == f"{BASE}/init/error":
                runtime.fail(body, self.headers.get(KIND, "Runtime.Unknown"))
            elif match := ANSWER.fullmatch(self.path):
                kind = self.headers.get(KIND, "Unknown") if match[2] == "error" else None
                if not runtime.answer(match[1], body, kind):
                    self._reply(400, b'{"errorMessage": "no such invocation"}', {})
                    return
            else:
                self._reply(404, b"{}", {})
                return
            self._reply(202, b'{"status": "OK"}', {})

        def _reply(self, status: int, body: bytes, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in {**headers, "Content-Type": "application/json", "Content-Length": len(body)}.items():
                self.send_header(name, str(value))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_args: Any) -> None: ...

    return Handler


def too_large(message: str) -> bytes:
    """The error that takes the place of an answer that is too large."""
    return b'{"errorType": "Function.ResponseSizeTooLarge", "errorMessage": "%s"}' % message.encode()
