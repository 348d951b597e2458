"""S3 for the nodes of one cluster, without a cloud: the same buckets and objects, in a folder of the cluster's.

Whoever reaches it may do everything, as with the cluster's registry and its etcd: only the cluster's bridge leads here.
Signatures are not looked at, but the hashes of bodies are.
"""

from __future__ import annotations

import sys
import time
import traceback
from collections.abc import Iterable
from http import HTTPStatus
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from coreos_lab.cloud import answers
from coreos_lab.cloud.s3.access import Asker
from coreos_lab.cloud.s3.operations import NAME
from coreos_lab.cloud.s3.service import Storage
from coreos_lab.cloud.sigv4 import RefusedError, Request

REGION = "us-west-2"
HEALTH = "/health"  # asked by GET without a signature, as no client asks for a bucket of that name
MARK = "X-Coreos-Lab"  # the header by which the service is known


class Alone:
    """The service as a WSGI application (PEP 3333)."""

    def __init__(self, folder: Path, mark: str) -> None:
        self._storage = Storage(REGION, folder, lambda _role: False)
        self._mark = mark

    def __call__(self, environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        headers: list[tuple[str, str]]
        body: Iterable[bytes]
        if _is_about_health(environ):
            status, headers, body = HTTPStatus.OK, [], [b"OK"]
        else:
            status, headers, body = self._answer(environ)
        start(f"{status.value} {status.phrase}", [*headers, (MARK, self._mark)])
        return body if environ["REQUEST_METHOD"] != "HEAD" else ()

    def _answer(self, environ: dict[str, Any]) -> tuple[HTTPStatus, list[tuple[str, str]], Iterable[bytes]]:
        try:
            self._storage.expire(time.time())
            reply = self._storage.call(_request(environ), environ, Asker())
        except RefusedError as refused:
            return _error(refused.code, refused.message)
        except Exception as error:
            traceback.print_exc()
            return _error("InternalError", f"{type(error).__name__}: {error}")
        return HTTPStatus(reply.status), list(reply.headers.items()), reply.body


def _is_about_health(environ: dict[str, Any]) -> bool:
    if environ["REQUEST_METHOD"] != "GET" or "HTTP_AUTHORIZATION" in environ:
        return False
    return bool(environ["REQUEST_URI"] == HEALTH)


def _request(environ: dict[str, Any]) -> Request:
    """A request without its body, which S3 reads itself."""
    headers = {
        name.removeprefix("HTTP_").replace("_", "-").lower(): value
        for name, value in environ.items()
        if name.startswith("HTTP_") or (name in ("CONTENT_TYPE", "CONTENT_LENGTH") and value)
    }
    path, _mark, query = environ["REQUEST_URI"].partition("?")
    return Request(environ["REQUEST_METHOD"], path, query, headers, b"")


def _error(code: str, message: str) -> tuple[HTTPStatus, list[tuple[str, str]], list[bytes]]:
    headers = [("Content-Type", "application/xml")]
    return HTTPStatus(answers.status(NAME, code)), headers, [answers.error(NAME, code, message)]


class _Handler(WSGIRequestHandler):
    """A connection. PEP 3333's path is decoded, and S3 needs it as it came."""

    timeout = 60  # seconds for a request to come

    def get_environ(self) -> dict[str, Any]:
        return {**super().get_environ(), "REQUEST_URI": self.path}

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        if self.path != HEALTH:
            super().log_request(code, size)


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


def main() -> None:
    """Serves until the process is ended. Its arguments: the folder, the mark, and host:port."""
    folder, mark, place = sys.argv[1:]
    host, _, port = place.rpartition(":")
    make_server(host, int(port), Alone(Path(folder), mark), _Server, _Handler).serve_forever()
