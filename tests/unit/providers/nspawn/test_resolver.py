"""Whom nodes ask for names, and the relay where that cannot be the host's own server."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from coreos_lab.model import Cluster
from coreos_lab.providers.nspawn import name_relay, resolver

QUESTION = bytes.fromhex("beef01000001000000000000") + b"\x03lab\x00\x00\x01\x00\x01"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("nameserver 192.0.2.53\nsearch x\n", ["192.0.2.53"]),
        ("nameserver 127.0.0.53\n", []),
        ("nameserver 127.0.0.1\nnameserver 192.0.2.53\n", ["192.0.2.53"]),
        ("nameserver 169.254.1.1\nnameserver fe80::1%eth0\nnameserver 2001:db8::53\nnameserver 0.0.0.0\n", []),
        ("# nameserver 192.0.2.53\nnameserver\n", []),
        ("", []),
    ],
)
def test_which_servers_a_node_can_ask(text: str, found: list[str]) -> None:
    assert resolver.usable(text) == found


def test_a_node_is_told_of_the_bridge_only_where_it_must(
    planned: Callable[..., Cluster], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resolver, "RESOLVED", tmp_path / "nosuch")
    monkeypatch.setattr(name_relay, "RESOLV_CONF", tmp_path / "host")
    (tmp_path / "host").write_text("nameserver 127.0.0.1\n")
    own = resolver.for_node(planned(), tmp_path)
    assert own is not None
    assert own.read_text() == "nameserver 172.17.8.1\n"
    assert "a relay serves the nodes" in resolver.of_host()
    (tmp_path / "host").write_text("nameserver 192.0.2.53\n")
    assert resolver.for_node(planned(), tmp_path) is None
    assert not own.exists()
    (tmp_path / "host").write_text("")
    assert "names none" in resolver.of_host()
    (tmp_path / "resolved").write_text("nameserver 192.0.2.53\n")
    monkeypatch.setattr(resolver, "RESOLVED", tmp_path / "resolved")
    assert resolver.for_node(planned(), tmp_path) is None, "systemd-resolved's own servers"


def test_the_relay_asks_whom_the_host_asks_but_never_itself() -> None:
    text = "nameserver 172.17.8.1\nnameserver 127.0.0.53\nnameserver ::1\n"
    assert name_relay.servers(text, "172.17.8.1") == ["127.0.0.53", "::1"]
    assert name_relay.servers("", "172.17.8.1") == ["127.0.0.1"]
    assert name_relay.refusal(QUESTION)[:4].hex() == "beef8182"


def sockets_of_one_port() -> tuple[socket.socket, socket.socket]:
    """Sockets of UDP and TCP at the same port: one that is free for the first may be taken for the second."""
    while True:
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        udp.bind(("127.0.0.1", 0))
        try:
            return udp, socket.create_server(udp.getsockname())
        except OSError:
            udp.close()


@pytest.fixture
def upstream(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    """The host's name server, which answers each question with its own bytes backwards; returns its port."""
    udp, tcp = sockets_of_one_port()
    port = int(udp.getsockname()[1])

    def by_udp() -> None:
        data, address = udp.recvfrom(512)
        udp.sendto(data[::-1], address)

    def by_tcp() -> None:
        connection, _address = tcp.accept()
        with connection:
            connection.sendall(connection.recv(512)[::-1])

    for serve in (by_udp, by_tcp):
        threading.Thread(target=serve, daemon=True).start()
    monkeypatch.setattr(name_relay, "RESOLV_CONF", tmp_path / "host")
    (tmp_path / "host").write_text("nameserver 127.0.0.1\n")
    return port


def ask(relay: name_relay.Relay) -> tuple[bytes, bytes]:
    """What the relay answers by UDP and by TCP."""

    async def both() -> tuple[bytes, bytes]:
        loop = asyncio.get_running_loop()
        listening, _ = await loop.create_datagram_endpoint(lambda: relay, local_addr=("127.0.0.1", 0))
        server = await asyncio.start_server(relay.serve, "127.0.0.1", 0)
        client, waiting = await loop.create_datagram_endpoint(
            name_relay._Answer, remote_addr=listening.get_extra_info("sockname")
        )
        client.sendto(QUESTION)
        by_udp = await asyncio.wait_for(waiting.came, 10)
        reader, writer = await asyncio.open_connection("127.0.0.1", server.sockets[0].getsockname()[1])
        writer.write(QUESTION)
        by_tcp = b""
        with suppress(ConnectionResetError):  # closed before it was read
            by_tcp = await asyncio.wait_for(reader.read(), 10)
        for each in (client, listening, writer, server):
            each.close()
        return by_udp, by_tcp

    return asyncio.run(both())


def test_questions_are_handed_on_both_ways(upstream: int) -> None:
    assert ask(name_relay.Relay("172.17.8.1", upstream)) == (QUESTION[::-1], QUESTION[::-1])


def test_where_nobody_answers_that_is_said_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(name_relay, "RESOLV_CONF", tmp_path / "nosuch")
    assert ask(name_relay.Relay("172.17.8.1")) == (name_relay.refusal(QUESTION), b"")
