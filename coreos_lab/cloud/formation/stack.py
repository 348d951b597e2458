"""A stack as it is kept: its template, its values, what was made of it, and what has happened."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from coreos_lab.records.formats import Format, Record

FORMAT = Format("stack")
IN_PROGRESS = ("CREATE_IN_PROGRESS", "ROLLBACK_IN_PROGRESS", "DELETE_IN_PROGRESS")
GONE = "DELETE_COMPLETE"


@dataclass
class Made:
    """A resource of a stack: what it is, and the properties that it was made with."""

    type: str
    status: str = ""
    reason: str = ""
    physical: str = ""
    properties: dict[str, Any] = field(default_factory=dict)
    attributes: dict[str, str] = field(default_factory=dict)
    changed: str = ""


@dataclass
class Event:
    """A line of describe-stack-events."""

    id: str
    moment: str
    logical: str
    physical: str
    type: str
    status: str
    reason: str = ""


@dataclass
class Stack:
    """One stack. `resources` are in the order in which they were begun."""

    name: str
    id: str
    template: str
    parameters: dict[str, str]
    created: str
    tags: dict[str, str] = field(default_factory=dict)
    status: str = ""
    reason: str = ""
    on_failure: str = "ROLLBACK"
    token: str = ""
    ended: str = ""
    outputs: list[dict[str, str]] = field(default_factory=list)
    resources: dict[str, Made] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)

    def say(self, status: str, reason: str = "") -> None:
        """Sets the stack's own state."""
        self.status, self.reason = status, reason
        self.events.append(Event(str(uuid4()), now(), self.name, self.id, "AWS::CloudFormation::Stack", status, reason))

    def say_of(self, logical: str, status: str, reason: str = "") -> None:
        """Sets the state of one of its resources."""
        made = self.resources[logical]
        made.status, made.reason, made.changed = status, reason, now()
        event = f"{logical}-{uuid4()}"
        self.events.append(Event(event, made.changed, logical, made.physical, made.type, status, reason))


def now() -> str:
    """The time as AWS writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


class Stacks:
    """All stacks of a cloud, a file each."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        paths = sorted(folder.glob("*.json")) if folder.is_dir() else []
        self.all = [FORMAT.read(path, _parse) for path in paths]

    def save(self, stack: Stack) -> None:
        """Writes a stack; it is on the disk when this returns."""
        path = self.folder / f"{stack.id.rpartition('/')[2]}.json"
        FORMAT.write(path, asdict(stack), 0o600)

    def find(self, name: str) -> Stack | None:
        """The stack of an id, or the one of a name that is not gone."""
        found = (each for each in self.all if each.id == name or (each.name == name and each.status != GONE))
        return next(found, None)


def _parse(raw: Record) -> Stack:
    resources = {name: Made(**made) for name, made in raw["resources"].items()}
    return Stack(**{**raw, "resources": resources, "events": [Event(**event) for event in raw["events"]]})
