"""A service of a cluster's own beside its nodes: an HTTP server that outlives the command which starts it."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Sequence
from pathlib import Path

from coreos_lab import disk, wait
from coreos_lab import run as processes
from coreos_lab.containers import pidfile
from coreos_lab.errors import LabError

DEADLINE = 10.0  # seconds for it to listen; usually 0.2
MARK = "X-Coreos-Lab"  # the header by which our service is known


def run(what: str, pid_file: Path, program: Sequence[str | Path], places: Sequence[str], mark: str) -> None:
    """Starts a service where it does not serve all its places (host:port) already, with that mark.

    `pid_file` records it, and its log lies beside that. LabError when a port is taken or it does not come up.
    """
    pid = pidfile.running(pid_file)
    if pid is not None and all(_answers(place, mark) for place in places):
        return
    pidfile.end(pid_file)
    for place in places:
        _must_be_free(what, place)
    log = pid_file.with_suffix(".log")
    pidfile.start(pid_file, program, log_file=log)

    def up() -> bool:
        if pidfile.running(pid_file) is None:
            raise LabError(
                f"{pid_file.parent.name}: {what} ended at once", f"see {log}", disk.last_lines(log, processes.TAIL)
            )
        return all(_answers(place, mark) for place in places)

    try:
        missing = f"{what} at {', '.join(places)} does not answer"
        wait.until(up, deadline=wait.patiently(DEADLINE), missing=missing, interval=0.02)
    except BaseException:
        pidfile.end(pid_file)
        raise


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


def _must_be_free(what: str, place: str) -> None:
    host, _, port = place.rpartition(":")
    try:
        with socket.create_server((host, int(port)), backlog=1):
            pass
    except OSError as error:
        raise LabError(
            f"{place}: {what} cannot listen there: {error.strerror}",
            f"find out which program does: ss -ltnp 'sport = :{port}'; end it, then try again",
        ) from None
