"""What a function's process writes: read from its pipe as it comes, and kept as lines with their times."""

from __future__ import annotations

import fcntl
import os
import select
import struct
import termios
import threading
import time
from contextlib import suppress
from pathlib import Path

LINE_MAX = 256 * 1024  # bytes: longer lines are cut into several events
MOST = 16 * 2**20  # bytes that are kept of one invocation
PATIENCE = 1.0  # seconds for what the process wrote last
LOST = "(the rest of this invocation's output is lost: it has more than 16 MiB)"


class Output:
    """The reading end of a pipe. It exists before the process does, since a pipe without a reader cannot be opened."""

    def __init__(self, path: Path) -> None:
        self._end = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        self._lock = threading.Lock()
        self._lines: list[tuple[int, str]] = []
        self._rest = b""
        self._size = 0
        self._over = False
        threading.Thread(target=self._read, daemon=True, name=f"output {path.parent.name}").start()

    def _read(self) -> None:
        while not self._over:
            if select.select([self._end], [], [], 0.5)[0]:
                with self._lock, suppress(BlockingIOError):
                    self._take(os.read(self._end, 65536))
        os.close(self._end)

    def _take(self, data: bytes) -> None:
        self._size += len(data)
        if self._size > MOST:
            return
        *lines, self._rest = (self._rest + data).split(b"\n")
        while len(self._rest) > LINE_MAX:
            lines.append(self._rest[:LINE_MAX])
            self._rest = self._rest[LINE_MAX:]
        for line in lines:
            self._add(line)

    def _add(self, line: bytes) -> None:
        if line.strip():
            moment = int(time.time() * 1000)
            parts = [line[i : i + LINE_MAX] for i in range(0, len(line), LINE_MAX)]
            self._lines += [(moment, part.decode("utf-8", "replace")) for part in parts]

    def take(self) -> list[tuple[int, str]]:
        """The lines since the last call, with their times in milliseconds, also one that is not ended yet."""
        end = time.monotonic() + PATIENCE
        while self._waiting() and time.monotonic() < end:
            time.sleep(0.002)
        with self._lock:
            self._add(self._rest)
            if self._size > MOST:
                self._add(LOST.encode())
            found, self._lines, self._rest, self._size = self._lines, [], b"", 0
        return found

    def _waiting(self) -> int:
        """Bytes in the pipe."""
        return int(struct.unpack("i", fcntl.ioctl(self._end, termios.FIONREAD, b"\0" * 4))[0])

    def close(self) -> None:
        """Ends reading, within half a second."""
        self._over = True
