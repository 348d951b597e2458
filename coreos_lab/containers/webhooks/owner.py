"""The webhooks of one registry: added, removed and listed, with their service running while there are any."""

from __future__ import annotations

import hashlib
import http.client
import secrets
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from coreos_lab import disk
from coreos_lab.containers import pidfile, webhook_service
from coreos_lab.containers.server import Server
from coreos_lab.containers.webhooks import book, hooks
from coreos_lab.containers.webhooks.book import Delivery
from coreos_lab.containers.webhooks.hooks import Hook

PROGRAM = Path(webhook_service.__file__)
DEADLINE = 60.0  # seconds for the service to answer; it takes half of one, and many on a busy host


@dataclass(frozen=True)
class Notified:
    """Where a registry tells of pushes, and the word by which it is believed."""

    url: str
    secret: str


@dataclass(frozen=True)
class Webhooks:
    """The webhooks that are kept in `folder`; their service listens at `place` (host:port).

    `ways` and `authority` are how it reaches names that only a cloud knows, see webhook_service.
    """

    folder: Path
    place: str
    ways: dict[str, str] = field(default_factory=dict)
    authority: Path | None = None

    @property
    def pid_file(self) -> Path:
        """Records the service's process."""
        return self.folder / "service.pid"

    @property
    def _file(self) -> Path:
        return self.folder / "hooks.json"

    def listed(self) -> list[Hook]:
        """All webhooks, oldest first."""
        return hooks.read(self._file)

    def add(self, url: str, repository: str) -> Hook:
        """Keeps another one. UsageError for what cannot be one. To be followed by `run`, as `remove` is."""
        there = self.listed()
        hook = hooks.made(url, repository, there)
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        hooks.write(self._file, [*there, hook])
        return hook

    def remove(self, which: str) -> list[Hook]:
        """Forgets those with this id or URL, and returns them. UsageError for none."""
        there = self.listed()
        gone = hooks.chosen(which, there)
        hooks.write(self._file, [each for each in there if each not in gone])
        return gone

    def deliveries(self) -> Iterator[Delivery]:
        """What is on record of deliveries, oldest first. A webhook that was removed is told no more."""
        there = {each.id for each in self.listed()}
        for each in book.read(self.folder / "deliveries.jsonl").deliveries.values():
            lost = each.state == book.WAITING and each.hook not in there
            yield replace(each, state=book.FAILED, said="the webhook was removed") if lost else each

    def notified(self) -> Notified | None:
        """Where the registry is to tell of pushes; None while there is no webhook."""
        if not self.listed():
            return None
        path = self.folder / "secret"
        if not path.exists():
            disk.write_atomic(path, secrets.token_urlsafe(24), 0o600)
        return Notified(f"http://{self.place}{webhook_service.EVENTS}", path.read_text(encoding="utf-8").strip())

    def run(self) -> None:
        """Has the service serve these webhooks, and ends it where there are none.

        LabError when its port is taken or it does not come up.
        """
        if self.notified() is None:
            pidfile.end(self.pid_file)
            return
        stated = [self._file.read_text(encoding="utf-8"), self.place, *map(str, self.ways.items())]
        mark = hashlib.sha256("\n".join(stated).encode()).hexdigest()[:16]
        server = Server("the service of webhooks", self.pid_file, (self.place,), lambda: self._answers(mark))
        if not server.runs():
            ways = [f"{end}={place}" for end, place in self.ways.items()]
            call: list[str | Path] = [
                sys.executable,
                "-P",
                PROGRAM,
                self.folder,
                self.place,
                mark,
                str(self.authority or ""),
                *ways,
            ]
            server.start(call, DEADLINE)

    def stop(self) -> None:
        """Ends the service, if it runs. Its folder stays."""
        pidfile.end(self.pid_file)

    def _answers(self, mark: str) -> bool:
        host, _, port = self.place.rpartition(":")
        connection = http.client.HTTPConnection(host, int(port), timeout=5)
        try:
            connection.request("GET", webhook_service.HEALTH)
            answer = connection.getresponse()
            return answer.status == http.client.OK and answer.headers.get(webhook_service.MARK) == mark
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()
