"""The book of deliveries: what was pushed, which webhooks are to be told, and what came of each attempt.

A file of JSON lines, each on the disk before what it is about goes on. So a service that was killed continues, and a
command reads the same file.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TextIO

from coreos_lab import disk
from coreos_lab.containers.webhooks.push import Push

WAITS = (1, 2, 4, 8, 15, 30, 60, 120)  # seconds between the attempts of a delivery: four minutes in all
DELIVERED, WAITING, FAILED = "delivered", "waiting", "failed"
KEPT = 500  # pushes that a book begins with
SAID_MAX = 200  # characters that are kept of what was called back


@dataclass
class Delivery:
    """A push that a webhook is told. `status` and `said` are of the last attempt, `answered` what was called back."""

    push: Push
    hook: str
    url: str
    state: str = WAITING
    attempts: int = 0
    at: float = 0.0
    status: int = 0
    said: str = ""
    answered: str = ""

    @property
    def id(self) -> str:
        return f"{self.push.id}.{self.hook}"


@dataclass
class Pages:
    """What the lines of a book say."""

    deliveries: dict[str, Delivery] = field(default_factory=dict)
    pushes: dict[str, Push] = field(default_factory=dict)
    first: dict[str, float] = field(default_factory=dict)  # when each repository was first pushed to

    def turn(self, line: dict[str, Any]) -> None:
        """Takes a line in."""
        if "first" in line:
            self.first |= line["first"]
        elif "push" in line:
            push = Push(**line["push"])
            self.pushes[push.id] = push
            self.first.setdefault(push.repository, push.at)
            for hook, url in line["hooks"].items():
                delivery = Delivery(push, hook, url)
                self.deliveries[delivery.id] = delivery
        elif line["delivery"] in self.deliveries:
            for name, value in line.items():
                if name != "delivery":
                    setattr(self.deliveries[line["delivery"]], name, value)

    def lines(self) -> Iterator[dict[str, Any]]:
        """The lines that say the same, for the newest pushes."""
        yield {"first": self.first}
        for push in list(self.pushes.values())[-KEPT:]:
            own = [each for each in self.deliveries.values() if each.push.id == push.id]
            yield {"push": asdict(push), "hooks": {each.hook: each.url for each in own}}
            yield from (_about(each) for each in own)


def _about(delivery: Delivery) -> dict[str, Any]:
    said = {name: value for name, value in asdict(delivery).items() if name not in ("push", "hook", "url")}
    return {"delivery": delivery.id, **said}


def read(path: Path) -> Pages:
    """What a book says. Its last line may be half written."""
    pages = Pages()
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
        try:
            said = json.loads(line)
        except ValueError:
            continue
        pages.turn(said)
    return pages


class Book:
    """A book that is written."""

    def __init__(self, path: Path) -> None:
        self.pages = read(path)
        self._file: TextIO = _anew(path, self.pages)

    def take(self, push: Push, hooks: dict[str, str]) -> list[Delivery]:
        """Enters a push for webhooks (their URLs by id). None for one that is there: a registry may repeat it."""
        if push.id in self.pages.pushes:
            return []
        self._write({"push": asdict(push), "hooks": hooks})
        return [self.pages.deliveries[f"{push.id}.{hook}"] for hook in hooks]

    def note(self, delivery: Delivery, **changes: object) -> None:
        """Enters what came of an attempt, or of the whole delivery."""
        self._write({"delivery": delivery.id, **changes})

    def _write(self, line: dict[str, Any]) -> None:
        self._file.write(json.dumps(line) + "\n")
        self._file.flush()
        os.fsync(self._file.fileno())
        self.pages.turn(line)


def _anew(path: Path, pages: Pages) -> TextIO:
    """The file with what is kept, open at its end: the pushes before are left out."""
    draft = path.with_name(f".{path.name}")
    file = draft.open("w", encoding="utf-8")
    draft.chmod(0o600)
    for line in pages.lines():
        file.write(json.dumps(line) + "\n")
    file.flush()
    os.fsync(file.fileno())
    draft.replace(path)
    disk.sync_folder(path.parent)  # else a power cut brings the old file back, without what is written from now on
    return file
