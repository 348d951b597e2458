"""Talking to a running haproxy by its socket: what its servers are like, and changes that need no reload."""

from __future__ import annotations

import csv
import socket
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from coreos_lab.errors import LabError

PATIENCE = 3.0  # seconds for an answer
DONE = ("", "New server registered.", "Server deleted.")
SERVERS = "show stat -1 4 -1"  # all proxies (-1), objects of type 4 (servers), any id (-1)


@dataclass(frozen=True)
class Seen:
    """A server as haproxy sees it.

    `status` is UP, DOWN, MAINT and others, `checked` how the last check ended, such as L7OK or L4TOUT, and "" before
    the first one; `code` is HTTP's status in its answer. `sessions` are those that are open.
    """

    status: str
    checked: str
    code: str
    sessions: int

    @property
    def up(self) -> bool:
        return self.status.startswith("UP")

    @property
    def leaving(self) -> bool:
        """Whether it gets no requests any more, whatever its health."""
        return self.status.startswith("MAINT")

    @property
    def passed(self) -> bool:
        """Whether the last check found it as it should be."""
        return self.checked.endswith("OK")


class Control:
    """The socket of one haproxy. Methods raise OSError where nobody answers."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def ask(self, line: str) -> str:
        """What the process answers to a command."""
        with socket.socket(socket.AF_UNIX) as talking:
            talking.settimeout(PATIENCE)
            talking.connect(str(self.path))
            talking.sendall(f"{line}\n".encode())
            parts = []
            while part := talking.recv(65536):
                parts.append(part)
        return b"".join(parts).decode("utf-8", "replace").strip()

    def do(self, *lines: str) -> None:
        """Carries commands out. LabError for one that is refused."""
        for line in lines:
            said = self.ask(line)
            if said not in DONE:
                raise LabError(f"haproxy: {line}: {said}")

    def frame(self) -> str:
        """The frame of the configuration that is in effect; "" where no process answers."""
        with suppress(OSError):
            for line in self.ask("show info").splitlines():
                name, _colon, value = line.partition(": ")
                if name == "description":
                    return value
        return ""

    def servers(self) -> dict[tuple[str, str], Seen]:
        """All servers, by pool and name; none where no process answers."""
        try:
            return parse(self.ask(SERVERS))
        except OSError:
            return {}


def parse(text: str) -> dict[tuple[str, str], Seen]:
    """The servers of haproxy's statistics."""
    rows = csv.DictReader(text.removeprefix("# ").splitlines())
    found = {}
    for row in rows:
        checked = row["check_status"].removeprefix("* ")  # which marks one that goes on right now
        seen = Seen(row["status"], "" if checked == "INI" else checked, row["check_code"], int(row["scur"] or 0))
        found[row["pxname"], row["svname"]] = seen
    return found
