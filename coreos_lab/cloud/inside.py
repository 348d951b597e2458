"""Sockets in another network namespace: a process may listen in several, as a socket stays where it was made."""

from __future__ import annotations

import ctypes
import os
import socket
import threading
from pathlib import Path

CLONE_NEWNET = 0x40000000


def listen(namespace: Path, address: str, port: int) -> socket.socket:
    """A listening TCP socket in a namespace. OSError where there cannot be one."""
    made: list[socket.socket | OSError] = []

    def make() -> None:
        """Runs in a thread that ends in that namespace: only a thread enters it, not the process."""
        try:
            handle = os.open(namespace, os.O_RDONLY | os.O_CLOEXEC)
            try:
                libc = ctypes.CDLL(None, use_errno=True)
                if libc.setns(handle, CLONE_NEWNET) != 0:
                    number = ctypes.get_errno()
                    made.append(OSError(number, os.strerror(number), str(namespace)))
                    return
            finally:
                os.close(handle)
            made.append(socket.create_server((address, port), backlog=64))
        except OSError as error:
            made.append(error)

    thread = threading.Thread(target=make)
    thread.start()
    thread.join()
    result = made[0]
    if isinstance(result, OSError):
        raise result
    return result
