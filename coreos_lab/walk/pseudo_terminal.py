"""A terminal device for a reader's commands: what they print is shown and kept, what the reader types reaches them."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import sys
import termios
import tty
from contextlib import suppress
from pathlib import Path

CHUNK = 65536


class PseudoTerminal:
    """A pseudo terminal between the reader's terminal and a shell. `log` keeps what the shell's programs print."""

    def __init__(self) -> None:
        self._master, self._slave = pty.openpty()
        self.device = os.ttyname(self._slave)
        self.log: Path | None = None
        self.muted = False
        os.set_blocking(self._master, False)

    def watch(self, seconds: float) -> None:
        """Passes on what comes from either side within the given time; returns early once something came."""
        stdin = sys.stdin.fileno()
        before = termios.tcgetattr(stdin)
        tty.setraw(stdin)
        try:
            ready = select.select([self._master, stdin], [], [], seconds)[0]
            if stdin in ready:
                typed = os.read(stdin, CHUNK)
                os.write(self._master, typed)
            if self._master in ready:
                self._copy()
        finally:
            termios.tcsetattr(stdin, termios.TCSANOW, before)

    def resize(self) -> None:
        """Gives the device the size of the reader's terminal."""
        size = os.get_terminal_size(sys.stdout.fileno())
        fcntl.ioctl(self._slave, termios.TIOCSWINSZ, struct.pack("HHHH", size.lines, size.columns, 0, 0))

    def close(self) -> None:
        """Removes the device."""
        os.close(self._master)
        os.close(self._slave)

    def _copy(self) -> None:
        with suppress(OSError):
            while data := os.read(self._master, CHUNK):
                if not self.muted:
                    os.write(sys.stdout.fileno(), data)
                if self.log:
                    with self.log.open("ab") as log:
                        log.write(data)
