"""Forwards DNS queries of a cluster's nodes to the host's own name server, which only the host can reach.

name_relay.py ADDRESS: listens on port 53 of that address, UDP and TCP. A program of its own, with Python's standard
library alone. It forwards queries and answers unread.
"""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import cast

PORT = 53
RESOLV_CONF = Path("/etc/resolv.conf")
PATIENCE = 4.0  # seconds for an answer: resolvers try again after five (resolv.conf(5))
HEADER, MOST = 12, 65535  # bytes of a DNS message (RFC 1035)
NOBODY = 65534


def servers(text: str, own: str) -> list[str]:
    """The name servers that a resolv.conf lists, in its order, without our own address."""
    lines = (line.split() for line in text.splitlines())
    found = [words[1] for words in lines if len(words) > 1 and words[0] == "nameserver" and words[1] != own]
    return found or ["127.0.0.1"]  # the resolver's own default


def refusal(question: bytes) -> bytes:
    """An answer with the code SERVFAIL, so that the resolver need not wait."""
    return question[:2] + bytes([question[2] | 0x80, 0x82]) + question[4:]


class _Answer(asyncio.DatagramProtocol):
    """Receives one datagram."""

    def __init__(self) -> None:
        self.came: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    def datagram_received(self, data: bytes, _address: object) -> None:
        if not self.came.done():
            self.came.set_result(data)

    def error_received(self, error: Exception) -> None:
        if not self.came.done():
            self.came.set_exception(error)


class Relay(asyncio.DatagramProtocol):
    """Queries by UDP, and by TCP (`serve`)."""

    def __init__(self, own: str, port: int = PORT) -> None:
        self.own, self.port = own, port
        self.transport: asyncio.DatagramTransport | None = None
        self.open: set[asyncio.Task[None]] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
        if len(data) >= HEADER:
            task = asyncio.get_running_loop().create_task(self._hand_on(data, address))
            self.open.add(task)
            task.add_done_callback(self.open.discard)

    async def _hand_on(self, question: bytes, address: tuple[str, int]) -> None:
        answer = refusal(question)
        for server in self.servers():
            with suppress(OSError, TimeoutError):
                answer = await self._ask(question, server)
                break
        if self.transport is not None:
            self.transport.sendto(answer, address)

    def servers(self) -> list[str]:
        """The host's name servers, read for each query: a laptop changes networks."""
        try:
            return servers(RESOLV_CONF.read_text(encoding="utf-8", errors="replace"), self.own)
        except OSError:
            return []

    async def _ask(self, question: bytes, server: str) -> bytes:
        loop = asyncio.get_running_loop()
        transport, waiting = await loop.create_datagram_endpoint(_Answer, remote_addr=(server, self.port))
        try:
            transport.sendto(question)
            return await asyncio.wait_for(waiting.came, PATIENCE)
        finally:
            transport.close()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Forwards one TCP connection to the first server that accepts it."""
        try:
            for server in self.servers():
                with suppress(OSError, TimeoutError):
                    opened = asyncio.open_connection(server, self.port)
                    answers, questions = await asyncio.wait_for(opened, PATIENCE)
                    await asyncio.gather(_copy(reader, questions), _copy(answers, writer), return_exceptions=True)
                    break
        finally:
            writer.close()


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    try:
        while data := await source.read(MOST):
            target.write(data)
            await target.drain()
    finally:
        target.close()


async def relay(address: str) -> None:
    """Serves until the process is ended."""
    one = Relay(address)
    await asyncio.get_running_loop().create_datagram_endpoint(lambda: one, local_addr=(address, PORT))
    server = await asyncio.start_server(one.serve, address, PORT)
    if os.geteuid() == 0:  # only binding the port needed root
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(relay(sys.argv[1]))
