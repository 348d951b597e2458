"""Sockets in other network namespaces: a socket stays in the namespace in which it was created."""

from __future__ import annotations

import ctypes
import os
import socket
import threading
from collections.abc import Callable
from pathlib import Path

CLONE_NEWNET = 0x40000000


def listen(namespace: Path, address: str, port: int) -> socket.socket:
    """A listening TCP socket in a namespace. OSError where there cannot be one."""
    return _made(namespace, lambda: socket.create_server((address, port), backlog=64))


def bind_datagram(namespace: Path, address: str, port: int) -> socket.socket:
    """A UDP socket in a namespace. OSError where there cannot be one."""

    def make() -> socket.socket:
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        made.bind((address, port))
        return made

    return _made(namespace, make)


def _made(namespace: Path, make: Callable[[], socket.socket]) -> socket.socket:
    made: list[socket.socket | OSError] = []

    def enter() -> None:
        """Runs in a thread that ends in that namespace: only a thread enters it, not the process."""
        try:
            handle = os.open(namespace, os.O_RDONLY | os.O_CLOEXEC)
            try:
                libc = ctypes.CDLL(None, use_errno=True)
                if libc.setns(handle, CLONE_NEWNET) != 0:
                    number = ctypes.get_errno()
                    raise OSError(number, os.strerror(number), str(namespace))
            finally:
                os.close(handle)
            made.append(make())
        except OSError as error:
            made.append(error)

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    result = made[0]
    if isinstance(result, OSError):
        raise result
    return result
