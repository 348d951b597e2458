"""Connections of instances that go on to a service of the cloud's on this host."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from pathlib import Path

from coreos_lab.cloud import inside

BLOCK = 2**18  # bytes
PATIENCE = 5.0  # seconds for the service to take a connection


class Forwarder:
    """Takes connections at an address in a router's namespace, and passes each on to `place` (host:port) here."""

    def __init__(self, namespace: Path, address: str, port: int, place: str) -> None:
        host, _, number = place.rpartition(":")
        self._place = host, int(number)
        self._listening = inside.listen(namespace, address, port)
        threading.Thread(target=self._run, daemon=True, name=f"forwarder {namespace.name}:{port}").start()

    def stop(self) -> None:
        """Takes no more connections; the namespace may go."""
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)  # the thread that waits in accept() returns
        self._listening.close()

    def _run(self) -> None:
        while True:
            try:
                client, _address = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._pass_on, args=(client,), daemon=True).start()

    def _pass_on(self, client: socket.socket) -> None:
        with client:
            try:
                service = socket.create_connection(self._place, timeout=PATIENCE)
            except OSError:
                return
            service.settimeout(None)
            with service:
                back = threading.Thread(target=_copy, args=(service, client), daemon=True)
                back.start()
                _copy(client, service)
                back.join()


def _copy(source: socket.socket, target: socket.socket) -> None:
    """Copies until the source ends, and then says so to the target."""
    with suppress(OSError):
        while block := source.recv(BLOCK):
            target.sendall(block)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)
