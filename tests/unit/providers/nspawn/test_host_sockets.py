"""The kernel's tables of sockets."""

from __future__ import annotations

import socket
from ipaddress import ip_address

import pytest

from coreos_lab.providers.nspawn import host_sockets
from coreos_lab.providers.nspawn.host_sockets import Bound


def test_paths_of_sockets_are_read() -> None:
    table = "Num RefCount Protocol Flags Type St Inode Path\n0: 02 0 1 1 01 77 /run/a b\n0: 02 0 0 2 01 78 @/x\n0: 3"
    assert host_sockets.parse_paths(table) == ["/run/a b"]


def test_connections_do_not_wait() -> None:
    table = "  sl  local_address\n   0: 010911AC:16B0 0 0A\n   1: 0100007F:0016 0 01\n"
    assert host_sockets.parse_bound("TCP", table) == [Bound("TCP", "172.17.9.1", 5808)]


@pytest.mark.parametrize(
    ("family", "kind", "address"),
    [
        (socket.AF_INET, socket.SOCK_STREAM, "127.0.0.1"),
        (socket.AF_INET, socket.SOCK_DGRAM, "127.0.0.1"),
        (socket.AF_INET6, socket.SOCK_STREAM, "::1"),
        (socket.AF_INET6, socket.SOCK_DGRAM, "::1"),
        (socket.AF_INET6, socket.SOCK_DGRAM, "::ffff:127.0.0.1"),
    ],
)
def test_a_socket_that_waits_is_listed(family: socket.AddressFamily, kind: socket.SocketKind, address: str) -> None:
    if family is socket.AF_INET6 and not host_sockets.has_ipv6():
        pytest.skip("this kernel has no IPv6")
    with socket.socket(family, kind) as waiting:
        waiting.bind((address, 0))
        if kind is socket.SOCK_STREAM:
            waiting.listen()
        protocol = "TCP" if kind is socket.SOCK_STREAM else "UDP"
        plain = str(ip_address(address.removeprefix("::ffff:")))
        there = Bound(protocol, plain, waiting.getsockname()[1])
        assert there in host_sockets.bound()
    assert there not in host_sockets.bound()
