"""A terminal device for a reader's commands: what they print is shown and kept, what the reader types reaches them."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import termios
import time
import tty
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from coreos_lab import interrupts
from coreos_lab.errors import LabError

CHUNK = 65536
CTRL_C = b"\x03"
LOOK = 0.1  # seconds between two looks at signals
ECHO = b"^C"
ECHO_DEADLINE = 1.0  # seconds; programs may have switched the echo off


class ClosedError(LabError):
    """The reader's terminal is closed. A process that ignores SIGHUP, as under nohup, learns that so."""

    def __init__(self) -> None:
        super().__init__("the terminal of this walk is closed", "the next walk goes on from this step")


class PseudoTerminal:
    """A pseudo terminal between the reader's terminal and a shell. `log` keeps what the shell's programs print.

    `keys` and `screen` are the descriptors of the reader's terminal, to read from and to write to.
    `stopped`: the reader has pressed Ctrl-C since `attached` began.
    """

    def __init__(self, keys: int, screen: int) -> None:
        self._keys, self._screen = keys, screen
        self._master, self._slave = pty.openpty()
        self.device = os.ttyname(self._slave)
        self.log: Path | None = None
        self.muted = False
        self.stopped = False
        self._within_line = False  # the last line shown has no end yet
        self._echoes = False  # the echo of Ctrl-C is still to come
        os.set_blocking(self._master, False)

    @contextmanager
    def attached(self) -> Iterator[None]:
        """Lets the reader's keys reach the shell's programs, Ctrl-C too. Ends the line that they have not ended.

        Raises ClosedError.
        """
        self._copy()  # the echo of a last key may have come late: it is none of what the next program prints
        self.stopped = self._within_line = False
        self.resize()
        try:
            before = termios.tcgetattr(self._keys)
            tty.setraw(self._keys, termios.TCSANOW)
        except termios.error:
            raise ClosedError from None
        try:
            yield
        finally:
            self._await_echo()
            self._copy()
            termios.tcflush(self._slave, termios.TCIFLUSH)  # keys that no program has read are not for the next one
            with suppress(termios.error, OSError):  # it may be closed by now
                termios.tcsetattr(self._keys, termios.TCSANOW, before)
                if self._within_line:
                    os.write(self._screen, b"\n")

    def watch(self, seconds: float) -> None:
        """Passes on what comes from either side within the given time; returns early once something came.

        Raises ClosedError.
        """
        self.resize()
        ready = select.select([self._master, self._keys], [], [], seconds)[0]
        if self._keys in ready:
            typed = self._typed()
            if CTRL_C in typed:
                self.stopped = self._echoes = True
            with suppress(BlockingIOError):  # no program has read so many keys: these are lost
                os.write(self._master, typed)
        if self._master in ready:
            self._copy()

    def pause(self, seconds: float) -> None:
        """Passes on what comes for the given time; returns early once the reader has pressed Ctrl-C."""
        end = time.monotonic() + seconds
        while not self.stopped and (left := end - time.monotonic()) > 0:
            interrupts.check()
            self.watch(min(left, LOOK))

    def resize(self) -> None:
        """Gives the device the size of the reader's terminal. The kernel tells the programs if it is another one."""
        try:
            size = os.get_terminal_size(self._screen)
        except OSError:
            raise ClosedError from None
        fcntl.ioctl(self._slave, termios.TIOCSWINSZ, struct.pack("HHHH", size.lines, size.columns, 0, 0))

    def close(self) -> None:
        """Removes the device."""
        os.close(self._master)
        os.close(self._slave)

    def _typed(self) -> bytes:
        """What the reader has typed, at least one key."""
        try:
            typed = os.read(self._keys, CHUNK)
        except OSError:
            typed = b""
        if not typed:
            raise ClosedError
        return typed

    def _await_echo(self) -> None:
        """Waits for the echo of Ctrl-C: it may come after the program's end, and is no output of the next one."""
        end = time.monotonic() + ECHO_DEADLINE
        while self._echoes and (left := end - time.monotonic()) > 0:
            if select.select([self._master], [], [], left)[0]:
                self._copy()
        self._echoes = False

    def _copy(self) -> None:
        with suppress(OSError):
            while data := os.read(self._master, CHUNK):
                self._echoes = self._echoes and ECHO not in data
                if not self.muted:
                    with suppress(OSError):  # it is closed: what comes is kept all the same
                        os.write(self._screen, data)
                    self._within_line = not data.endswith(b"\n")
                if self.log:
                    with self.log.open("ab") as log:
                        log.write(data)
