"""HTTP for the APIs of etcd and fleet: one request, answered by the first server that can.

The standard library's client is enough for that, and faster to import than any other.
"""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from coreos_lab import wait
from coreos_lab.errors import UnknownError

# The time-out of a socket is for each part of an answer. A server that sends one byte now and then would hang a probe
# for ever, and one that sends without end would fill the memory.
TIMES = 20  # the time-out, for a whole answer
LARGEST = 64 << 20  # bytes of an answer
CHUNK = 1 << 16


class CannotCheckError(UnknownError):
    """No server answered, so the result is unknown."""

    @property
    def reason(self) -> str:
        """The error of the first server, in one line."""
        return self.details.splitlines()[0] if self.details else self.message


def request(
    base: str,
    method: str,
    path: str,
    *,
    body: str | None = None,
    content_type: str = "application/json",
    timeout: float = 2.0,
) -> tuple[int, str]:
    """One HTTP request to `base` (http://host:port); returns status and body.

    Raises OSError or http.client.HTTPException when there is no answer within `timeout` seconds, or no end of it.
    """
    server = urlsplit(base)
    if not server.hostname:  # http.client would take an empty name for this host
        raise ConnectionError("its address is not known")
    connection = http.client.HTTPConnection(server.hostname, server.port or 80, timeout=wait.patiently(timeout))
    try:
        connection.request(method, path, body=body, headers={"Content-Type": content_type} if body is not None else {})
        answer = connection.getresponse()
        found = _body(answer, time.monotonic() + TIMES * wait.patiently(timeout))
        return answer.status, found.decode("utf-8", "replace")
    finally:
        connection.close()


def _body(answer: http.client.HTTPResponse, end: float) -> bytearray:
    """An answer's body. TimeoutError for one that still comes at `end`, or is longer than any."""
    found = bytearray()
    while part := answer.read1(CHUNK):
        found += part
        if time.monotonic() > end or len(found) > LARGEST:
            raise TimeoutError(f"its answer has no end after {len(found)} bytes")
    if answer.length:  # read1() takes a connection that broke for the end
        raise http.client.IncompleteRead(bytes(found), answer.length)
    return found


class Endpoints:
    """Several servers of one service; the server that answered last is tried first."""

    def __init__(self, service: str, bases: Sequence[str], *, timeout: float = 2.0) -> None:
        self.service = service
        self.bases = list(bases)
        self.timeout = timeout

    def request(self, method: str, path: str, **options: Any) -> tuple[int, str]:
        """Status and body from the first server that answers with anything but a server error (5xx).

        Raises CannotCheckError when none does.
        """
        troubles = []
        for base in list(self.bases):
            try:
                status, body = request(base, method, path, timeout=self.timeout, **options)
            except (OSError, http.client.HTTPException) as error:
                troubles.append(f"{base}: {error or type(error).__name__}")
                continue
            if status >= http.client.INTERNAL_SERVER_ERROR:
                troubles.append(f"{base}: HTTP {status}: {body.strip()[:120]}")
                continue
            # A new list: other threads may be iterating over the old one.
            self.bases = [base, *(other for other in self.bases if other != base)]
            return status, body
        raise CannotCheckError(f"{self.service}: no node answers", details="\n".join(troubles))

    def json(self, method: str, path: str, **options: Any) -> tuple[int, Any]:
        """Like `request`, with the body parsed as JSON (None when it is empty)."""
        status, body = self.request(method, path, **options)
        try:
            return status, json.loads(body) if body.strip() else None
        except ValueError:
            raise CannotCheckError(f"{self.service}: its answer is not JSON", details=body[:200]) from None
