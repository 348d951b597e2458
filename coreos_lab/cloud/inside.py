"""Sockets in other network namespaces: a socket stays in the namespace in which it was created."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

from coreos_lab import namespaces


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
    handle = os.open(namespace, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return namespaces.inside(handle, namespaces.CLONE_NEWNET, make)
    finally:
        os.close(handle)
