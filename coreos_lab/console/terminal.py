"""A terminal on a node: `lab ssh NODE` on a pseudo terminal, whose other end is a page's connection."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import os
import pty
import struct
import termios
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from coreos_lab import run, settings
from coreos_lab.model import Node

CHUNK = 65536
ENVIRONMENT = {"TERM": "xterm-256color", "PYTHONPATH": settings.PACKAGES}
LARGEST = 1000  # rows or columns
CLOSED = 1000  # the code of a WebSocket's ordinary end


async def serve(socket: WebSocket, cluster: str, node: Node, size: Any) -> None:
    """Runs a shell on a node until either side ends.

    Keys and what programs print are binary messages; a text message from the page is the terminal's size, and the last
    one to the page is how the shell has ended.
    """
    ours, device = pty.openpty()
    os.set_blocking(ours, False)
    resize(ours, size)
    try:
        call = [*settings.PROGRAM, "ssh", "--name", cluster, node.name]
        process = await asyncio.to_thread(run.in_terminal, call, device, env=ENVIRONMENT)
    except BaseException:
        os.close(ours)
        raise
    finally:
        os.close(device)
    typing = asyncio.create_task(_type(socket, ours))
    showing = asyncio.create_task(_show(socket, ours))
    try:
        await asyncio.wait({typing, showing}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (typing, showing):
            task.cancel()
        await asyncio.gather(typing, showing, return_exceptions=True)  # whatever ended them, the shell ends, too
        os.close(ours)
        await asyncio.to_thread(run.end, process)
    with contextlib.suppress(WebSocketDisconnect, RuntimeError):  # the page is gone
        await socket.send_json({"ended": process.returncode})
        await socket.close(CLOSED)


def resize(device: int, size: Any) -> None:
    """Gives a terminal the size of the page's: an object with `rows` and `cols`. Anything else changes nothing."""
    try:
        rows, columns = (min(max(int(size[each]), 1), LARGEST) for each in ("rows", "cols"))
    except (KeyError, OverflowError, TypeError, ValueError):
        return
    fcntl.ioctl(device, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


async def _type(socket: WebSocket, device: int) -> None:
    """Passes on what the reader types, until the page is gone."""
    while True:
        message = await socket.receive()
        if message["type"] == "websocket.disconnect":
            return
        if (keys := message.get("bytes")) is not None:
            await _write(device, keys)
        elif text := message.get("text"):
            with contextlib.suppress(ValueError, RecursionError):
                resize(device, json.loads(text))


async def _show(socket: WebSocket, device: int) -> None:
    """Passes on what programs print, until the shell has ended. More is read only once the page has taken that."""
    while True:
        await _ready(device, for_reading=True)
        try:
            printed = os.read(device, CHUNK)
        except BlockingIOError:
            continue
        except OSError:  # EIO: no program holds the terminal any more
            return
        await socket.send_bytes(printed)


async def _write(device: int, keys: bytes) -> None:
    while keys:
        try:
            keys = keys[os.write(device, keys) :]
        except BlockingIOError:
            await _ready(device, for_reading=False)
        except OSError:
            return


async def _ready(device: int, *, for_reading: bool) -> None:
    """Waits until a descriptor can be read, or written."""
    loop = asyncio.get_running_loop()
    ready = loop.create_future()
    add, remove = (loop.add_reader, loop.remove_reader) if for_reading else (loop.add_writer, loop.remove_writer)

    def is_ready() -> None:
        if not ready.done():
            ready.set_result(None)

    add(device, is_ready)
    try:
        await ready
    finally:
        remove(device)
