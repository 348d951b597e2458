"""The metadata service of one VPC: HTTP at 169.254.169.254 in its router's namespace."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from coreos_lab.cloud import inside
from coreos_lab.cloud.firewall import METADATA
from coreos_lab.cloud.metadata import Service

PATIENCE = 10.0  # seconds for a client to send its request


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    service: Service


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "EC2ws"
    sys_version = ""
    timeout = PATIENCE
    server: _Server

    def _serve(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        path = self.path.partition("?")[0]
        status, kind, body = self.server.service.answer(self.client_address[0], self.command, path, headers)
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        if self.command == "PUT":
            self.send_header("X-aws-ec2-metadata-token-ttl-seconds", headers.get(TTL, "0"))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = _serve  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """What instances ask is no news."""


TTL = "x-aws-ec2-metadata-token-ttl-seconds"


class MetadataServer:
    """Serves until it is stopped."""

    def __init__(self, namespace: Path, service: Service) -> None:
        listening = inside.listen(namespace, METADATA, 80)
        self._server = _Server((METADATA, 80), _Handler, bind_and_activate=False)
        self._server.socket.close()
        self._server.socket = listening
        self._server.service = service
        threading.Thread(target=self._server.serve_forever, daemon=True, name=f"metadata {namespace.name}").start()

    def stop(self) -> None:
        """Ends serving; the namespace may go."""
        self._server.shutdown()
        self._server.server_close()
