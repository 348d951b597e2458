"""The name server of one VPC (RFC 1035): answers for names of the cloud, and asks the host's servers for others."""

from __future__ import annotations

import re
import socket
import struct
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from ipaddress import IPv4Address
from pathlib import Path

from coreos_lab.cloud import inside

PORT, MOST = 53, 4096
A, IN = 1, 1  # type and class of an IPv4 address
HEADER = struct.Struct(">6H")
ANSWERED, NO_NAME, FAILED = 0x8180, 0x8183, 0x8182  # flags of an answer (RFC 1035, 4.1.1)
TTL, PATIENCE, LOOK = 10, 2.0, 1.0  # seconds
POINTER = 0xC00C  # to the question's name
RESOLV_CONF = Path("/etc/resolv.conf")


def question(data: bytes) -> tuple[str, int, int] | None:
    """The name that a query asks for, the type, and where the question ends; None for what is no plain query."""
    if len(data) < HEADER.size or HEADER.unpack_from(data)[2] != 1 or HEADER.unpack_from(data)[1] & 0xF800:
        return None
    labels, place = [], HEADER.size
    while place < len(data) and data[place]:
        length = data[place]
        if length > 63:  # noqa: PLR2004 - a pointer: not in a question
            return None
        labels.append(data[place + 1 : place + 1 + length].decode("ascii", "replace"))
        place += 1 + length
    if place + 5 > len(data):
        return None
    return ".".join(labels).lower(), struct.unpack_from(">H", data, place + 1)[0], place + 5


def answer(data: bytes, addresses: Sequence[str], kind: int, end: int) -> bytes:
    """The answer with addresses; without any, that there is no such name."""
    number = HEADER.unpack_from(data)[0]
    found = addresses if kind == A else ()
    head = HEADER.pack(number, ANSWERED if addresses else NO_NAME, 1, len(found), 0, 0) + data[HEADER.size : end]
    records = (struct.pack(">HHHIH", POINTER, A, IN, TTL, 4) + IPv4Address(each).packed for each in found)
    return head + b"".join(records)


def failure(data: bytes) -> bytes:
    """The answer that there is none now, so that nobody waits for it."""
    return HEADER.pack(HEADER.unpack_from(data)[0], FAILED, 1, 0, 0, 0) + data[HEADER.size :]


def servers() -> list[str]:
    """The host's name servers, read for each query: a laptop changes networks."""
    with suppress(OSError):
        text = RESOLV_CONF.read_text(encoding="utf-8", errors="replace")
        return re.findall(r"^nameserver\s+(\d+\.\d+\.\d+\.\d+)\s*$", text, re.MULTILINE)
    return []


class NameServer:
    """Serves one VPC by UDP. `look_up` returns a name's addresses, none for a name of the cloud's that there is not.

    It returns None for names of others.
    """

    def __init__(self, namespace: Path, address: str, look_up: Callable[[str], Sequence[str] | None]) -> None:
        self.look_up = look_up
        self._over = False
        self._socket = inside.bind_datagram(namespace, address, PORT)
        self._socket.settimeout(LOOK)
        threading.Thread(target=self._run, daemon=True, name=f"names {namespace.name}").start()

    def _run(self) -> None:
        while not self._over:
            try:
                data, client = self._socket.recvfrom(MOST)
            except TimeoutError:
                continue
            except OSError:
                return
            threading.Thread(target=self._serve, args=(data, client), daemon=True).start()

    def _serve(self, data: bytes, client: tuple[str, int]) -> None:
        with suppress(OSError):
            self._socket.sendto(self._answer(data), client)

    def _answer(self, data: bytes) -> bytes:
        asked = question(data)
        if asked is None:
            return failure(data) if len(data) >= HEADER.size else b""
        name, kind, end = asked
        found = self.look_up(name)
        return answer(data, found, kind, end) if found is not None else _passed_on(data)

    def stop(self) -> None:
        """Ends serving within a second; the namespace may go."""
        self._over = True
        self._socket.close()


def _passed_on(data: bytes) -> bytes:
    for server in servers():
        with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
            asking.settimeout(PATIENCE)
            asking.connect((server, PORT))
            asking.send(data)
            return asking.recv(MOST)
    return failure(data)
