"""Connections that go on to a service of the cloud's: both ways, to the end of each, also without a service."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from coreos_lab.cloud import inside
from coreos_lab.cloud.forwarding import Forwarder


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, int]]:
    """Where a forwarder listens: in this namespace, at a free port."""
    listening = socket.create_server(("127.0.0.1", 0))
    monkeypatch.setattr(inside, "listen", lambda _namespace, _address, _port: listening)
    yield listening.getsockname()
    listening.close()


def test_what_a_client_sends_reaches_the_service_and_the_answer_comes_back(place: tuple[str, int]) -> None:
    """The service answers when the client has said all: so the end of what it sends is passed on, too."""
    large = b"x" * 2**20

    def serve(service: socket.socket) -> None:
        connection, _ = service.accept()
        with connection:
            said = b""
            while block := connection.recv(2**16):
                said += block
            connection.sendall(said.upper())

    with socket.create_server(("127.0.0.1", 0)) as service:
        threading.Thread(target=serve, args=(service,), daemon=True).start()
        forwarder = Forwarder(Path("vpc"), *place, f"127.0.0.1:{service.getsockname()[1]}")
        with socket.create_connection(place, timeout=30) as client:
            client.sendall(large)
            client.shutdown(socket.SHUT_WR)
            answer = b"".join(iter(lambda: client.recv(2**16), b""))
        forwarder.stop()
    assert answer == large.upper()


def test_without_a_service_the_connection_ends(place: tuple[str, int]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    forwarder = Forwarder(Path("vpc"), *place, f"127.0.0.1:{port}")
    with socket.create_connection(place, timeout=30) as client:
        assert client.recv(1) == b""
    forwarder.stop()


def test_a_forwarder_that_was_stopped_takes_nothing(place: tuple[str, int]) -> None:
    Forwarder(Path("vpc"), *place, "127.0.0.1:9").stop()
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(place, timeout=30)
