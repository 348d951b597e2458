"""The registry that nodes pull from and push to: the distribution registry, on the host's address in a network."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

from coreos_lab import disk
from coreos_lab.containers import pidfile
from coreos_lab.containers.server import Server
from coreos_lab.containers.storage import ContainerImage, offer, prepare
from coreos_lab.containers.webhooks.owner import Notified

PROGRAM = "docker-registry"  # as Debian calls it
DEADLINE = 60.0  # seconds for it to answer; it takes less than one, and many on a busy host
MARK = "X-Coreos-Lab"  # a header that identifies our registry: another may be at the same address


def config(storage: Path, address: str, port: int, notified: Notified | None = None) -> str:
    """The registry's configuration as YAML (JSON is YAML too). It takes pushes and deletes nothing.

    It tells `notified` of pushes, and makes no other requests. It repeats each until it is answered with 2xx.
    """
    mark = _mark(storage, notified)
    told = (
        {
            "name": "webhooks",
            "url": notified.url,
            "headers": {"Authorization": [f"Bearer {notified.secret}"]},
            "timeout": "5s",
            "threshold": 3,
            "backoff": "1s",
            "ignore": {"mediatypes": ["application/octet-stream"], "actions": ["pull", "mount", "delete"]},
        }
        if notified
        else {}
    )
    return json.dumps(
        {
            "version": 0.1,
            "log": {"level": "warn", "formatter": "text", "accesslog": {"disabled": True}},
            "storage": {
                "filesystem": {"rootdirectory": str(storage)},
                "maintenance": {"uploadpurging": {"enabled": False}},
            },
            "http": {"addr": f"{address}:{port}", "secret": mark, "headers": {MARK: [mark]}},
            **({"notifications": {"endpoints": [told]}} if told else {}),
        },
        indent=2,
    )


def publish(images: Iterable[ContainerImage], storage: Path) -> list[str]:
    """Adds these container images to `storage` under their names; returns the names that are new or changed.

    A registry that serves the storage already has them from its next answer on, each either whole or as before. Where
    nothing changed, only some small files are read.
    """
    return [image.name for image in images if offer(image, storage)]


def start(address: str, port: int, pid_file: Path, *, storage: Path, notified: Notified | None = None) -> None:
    """Serves a storage (see `publish`) at http://address:port; returns once it answers.

    It outlives this process; `pid_file` records it, and its log lies beside that. One that serves this storage there
    and tells `notified` of pushes already is left as it is. Raises LabError when the port is taken, the address is not
    this machine's, or the registry does not come up.
    """
    server = Server(
        "the registry", pid_file, (f"{address}:{port}",), lambda: _answers(_mark(storage, notified), address, port)
    )
    if not server.runs():
        pidfile.end(pid_file)  # one of an older lab may still write what is made ready here
        prepare(storage)
        configuration = pid_file.with_suffix(".yml")
        disk.write_atomic(configuration, config(storage, address, port, notified), 0o600)
        server.start([PROGRAM, "serve", configuration], DEADLINE)


def stop(pid_file: Path) -> None:
    """Ends the registry that `pid_file` records, if it runs. No other process is touched."""
    pidfile.end(pid_file)


def _mark(storage: Path, notified: Notified | None) -> str:
    """Differs from that of a registry which refuses pushes (an older lab's) or tells somebody else: it is replaced."""
    told = f"{notified.url} {notified.secret}" if notified else ""
    return hashlib.sha256(f"takes pushes: {storage}{told}".encode()).hexdigest()[:16]


def _answers(mark: str, address: str, port: int) -> bool:
    """Whether the registry with this mark answers at the address."""
    import http.client

    connection = http.client.HTTPConnection(address, port, timeout=2)
    try:
        connection.request("GET", "/v2/")
        answer = connection.getresponse()
        return answer.status == http.client.OK and answer.headers.get(MARK) == mark
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
