"""The registry that the nodes pull from: the distribution registry, read-only, on the host's address in a network."""

from __future__ import annotations

import errno
import hashlib
import json
import socket
from collections.abc import Iterable
from pathlib import Path

from coreos_lab import disk, run, wait
from coreos_lab.containers import pidfile
from coreos_lab.containers.storage import ContainerImage, offer
from coreos_lab.errors import LabError

PROGRAM = "docker-registry"  # as Debian calls it
DEADLINE = 10.0  # seconds for it to answer; it takes less than one
MARK = "X-Coreos-Lab"  # a header of ours, so that another registry at the same address is not taken for it


def config(storage: Path, address: str, port: int) -> str:
    """The registry's configuration as YAML (JSON is YAML too). It can only be read from, and calls nobody."""
    return json.dumps(
        {
            "version": 0.1,
            "log": {"level": "warn", "formatter": "text", "accesslog": {"disabled": True}},
            "storage": {
                "filesystem": {"rootdirectory": str(storage)},
                "maintenance": {"readonly": {"enabled": True}, "uploadpurging": {"enabled": False}},
            },
            "http": {"addr": f"{address}:{port}", "secret": _mark(storage), "headers": {MARK: [_mark(storage)]}},
        },
        indent=2,
    )


def publish(images: Iterable[ContainerImage], storage: Path) -> list[str]:
    """Makes `storage` give these container images under their names; returns the names that are new or changed.

    A registry that serves the storage already gives them from its next answer on, each either whole or as before.
    Where nothing changed, some small files are read and that is all.
    """
    return [image.name for image in images if offer(image, storage)]


def start(address: str, port: int, pid_file: Path, *, storage: Path) -> int:
    """Serves a storage (see `publish`) at http://address:port and returns the process's id once it answers.

    It outlives us; `pid_file` remembers it, and its log lies beside that. One that
    serves this storage there already is left as it is. Raises LabError when the port is taken, the address is not
    this machine's, or the registry does not come up.
    """
    log_file = pid_file.with_suffix(".log")
    pid = pidfile.running(pid_file)
    if pid is not None and _answers(storage, address, port):
        return pid
    pidfile.end(pid_file)
    _must_be_free(address, port)
    configuration = pid_file.with_suffix(".yml")
    disk.write_atomic(configuration, config(storage, address, port))
    pid = run.spawn([PROGRAM, "serve", configuration], log_file=log_file)
    pidfile.remember(pid_file, pid)

    def up() -> bool:
        if pidfile.running(pid_file) is None:
            raise LabError(
                f"the registry at {address}:{port} ended at once",
                f"see {log_file}",
                disk.last_lines(log_file, run.TAIL),
            )
        return _answers(storage, address, port)

    try:
        wait.until(up, deadline=DEADLINE, missing=f"the registry at {address}:{port} does not answer", interval=0.02)
    except BaseException:
        pidfile.end(pid_file)
        raise
    return pid


def stop(pid_file: Path) -> None:
    """Ends the registry that `pid_file` remembers; none running is fine, and no other process is ever touched."""
    pidfile.end(pid_file)


def is_running(pid_file: Path) -> bool:
    """Whether the registry that `pid_file` remembers runs."""
    return pidfile.running(pid_file) is not None


def _mark(storage: Path) -> str:
    return hashlib.sha256(str(storage).encode()).hexdigest()[:16]


def _answers(storage: Path, address: str, port: int) -> bool:
    """Whether the registry of this storage answers there."""
    import http.client

    connection = http.client.HTTPConnection(address, port, timeout=2)
    try:
        connection.request("GET", "/v2/")
        answer = connection.getresponse()
        return answer.status == http.client.OK and answer.headers.get(MARK) == _mark(storage)
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _must_be_free(address: str, port: int) -> None:
    """Tells the two usual troubles in their own words before the registry tells them in its log."""
    try:
        with socket.create_server((address, port), backlog=1):
            pass
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise LabError(
                f"{address}:{port}: another program listens there, so the registry cannot",
                f"see which one: ss -ltnp 'sport = :{port}'; end it, then try again",
            ) from None
        if error.errno == errno.EADDRNOTAVAIL:
            raise LabError(
                f"{address}: no address of this machine, so no registry can listen there",
                "the cluster's network is made by 'lab up'",
            ) from None
        raise LabError(f"{address}:{port}: no registry can listen there: {error.strerror}") from None
