"""A server that outlives the command which starts it: its places are free before, and it answers afterwards."""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from coreos_lab import disk, hints, run, wait
from coreos_lab.containers import pidfile
from coreos_lab.errors import LabError


@dataclass(frozen=True)
class Server:
    """A server of a cluster's or a cloud's. `what` it is stands in messages, `pid_file` records its process.

    `places` are where it listens, each as host:port. `answers` says whether it serves there what it is to serve now.
    """

    what: str
    pid_file: Path
    places: tuple[str, ...]
    answers: Callable[[], bool]

    @property
    def log(self) -> Path:
        """Where it writes what it has to say."""
        return self.pid_file.with_suffix(".log")

    def runs(self) -> bool:
        """Whether it runs and answers."""
        return pidfile.running(self.pid_file) is not None and self.answers()

    def start(self, program: Sequence[str | Path], deadline: float) -> None:
        """Starts `program` in place of the process that is on record; returns when it answers.

        The old process is awaited before: one that was just killed, and is not gone yet, would be taken for the new
        one, which then seems to end at once. LabError when a place is taken or it does not answer within `deadline`
        seconds; then nothing runs.
        """
        pidfile.end(self.pid_file)
        for place in self.places:
            _must_be_free(self.what, place)
        pidfile.start(self.pid_file, program, log_file=self.log)
        missing = f"{self.what} at {', '.join(self.places)} does not answer; see {self.log}"
        try:
            wait.until(self._is_up, deadline=deadline, missing=missing, interval=0.02)
        except BaseException:
            pidfile.end(self.pid_file)
            raise

    def _is_up(self) -> bool:
        if pidfile.running(self.pid_file) is None:
            raise LabError(
                f"{self.pid_file.parent.name}: {self.what} ended at once",
                f"see {self.log}",
                disk.last_lines(self.log, run.TAIL),
            )
        return self.answers()


def _must_be_free(what: str, place: str) -> None:
    """LabError where a server cannot listen: it would only write that to its log."""
    host, _, port = place.rpartition(":")
    try:
        with socket.create_server((host, int(port)), backlog=1):
            pass
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise LabError(
                f"{place}: another program listens there, so {what} cannot",
                f"find out which: ss -ltnp 'sport = :{port}'; end it, then try again",
            ) from None
        if error.errno == errno.EADDRNOTAVAIL:
            raise LabError(
                f"{host}: not an address of this machine, so {what} cannot listen there",
                f"run '{hints.lab('up')}': it makes the cluster's network",
            ) from None
        raise LabError(f"{place}: {what} cannot listen there: {error.strerror}") from None
