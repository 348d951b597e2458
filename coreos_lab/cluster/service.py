"""A service of a cluster's own beside its nodes: an HTTP server that outlives the command which starts it."""

from __future__ import annotations

import http.client
from collections.abc import Sequence
from pathlib import Path

from coreos_lab import wait
from coreos_lab.containers.server import Server

DEADLINE = 60.0  # seconds for it to listen; usually 0.2, and many on a busy host
MARK = "X-Coreos-Lab"  # the header by which our service is known


def run(what: str, pid_file: Path, program: Sequence[str | Path], places: Sequence[str], mark: str) -> None:
    """Starts a service where it does not serve all its places (host:port) already, with that mark.

    `pid_file` records it, and its log lies beside that. LabError when a port is taken or it does not come up.
    """
    server = Server(what, pid_file, tuple(places), lambda: all(_answers(place, mark) for place in places))
    if not server.runs():
        server.start(program, wait.patiently(DEADLINE))


def ask(place: str, path: str, mark: str = "") -> tuple[int, str]:
    """A service's answer to a GET; status 0 for one of another mark. OSError or HTTPException where there is none."""
    host, _, port = place.rpartition(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=5)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        if mark and answer.headers.get(MARK) != mark:
            return 0, ""
        return answer.status, answer.read().decode("utf-8", "replace")
    finally:
        connection.close()


def _answers(place: str, mark: str) -> bool:
    try:
        return ask(place, "/health", mark)[0] == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
