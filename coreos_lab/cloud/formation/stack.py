"""A stack as it is kept: its template, its values, what was made of it, and what has happened."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from coreos_lab.cloud.formation.change_set import ChangeSet
from coreos_lab.cloud.moments import now
from coreos_lab.records.formats import Format, Record

FORMAT = Format("stack")
GONE = "DELETE_COMPLETE"
REVIEW = "REVIEW_IN_PROGRESS"  # a change set waits for its execution, and nothing is done meanwhile


@dataclass
class Made:
    """A resource of a stack: what it is, and the properties that it was made with.

    `seed` tells the generated name from that of the resource that this one replaces. `absent`: nothing was made, as its
    properties could not be had, or as the API answered that such a thing exists, which is somebody else's.
    `policy` is its UpdatePolicy.
    """

    type: str
    status: str = ""
    reason: str = ""
    physical: str = ""
    properties: dict[str, Any] = field(default_factory=dict)
    attributes: dict[str, str] = field(default_factory=dict)
    changed: str = ""
    seed: str = ""
    absent: bool = False
    drift: Drift | None = None
    policy: dict[str, Any] = field(default_factory=dict)


@dataclass
class Leaving:
    """A resource that is to be deleted, unless it is to be kept. `needs`: the logical names of what it depends on.

    `tried`: an earlier cleanup could not delete it, so none waits any more for what depends on it to go.
    """

    logical: str
    made: Made
    needs: list[str]
    keep: bool = False
    tried: bool = False


@dataclass
class Version:
    """What a stack was before its update: what a failed update goes back to."""

    template: str
    parameters: dict[str, str]
    tags: dict[str, str]
    resources: dict[str, Made]
    imports: list[str]


@dataclass
class Drift:
    """How a resource differs from what the stack made of it, as it was when that was last detected."""

    moment: str
    status: str
    expected: dict[str, Any] = field(default_factory=dict)
    actual: dict[str, Any] = field(default_factory=dict)
    differences: list[dict[str, str]] = field(default_factory=list)


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
    """One stack. `resources` are in the order in which they were begun.

    While an update is neither complete nor rolled back, `before` is what the stack was. `leaving` is what a cleanup
    deletes; what it could not delete stays there. `imports` are the names of the exports that the stack uses.
    A deletion leaves the resources in `retained` alone, a rollback of an update those in `skipped`. `detected` is when
    its drift was. An update keeps to `policy_of_update`, which may be another one than the stack's `policy`.
    `signals` has those that each resource has got, by the id of who sent them. `doomed`: its deletion was asked for
    while it was being made or rolled back.
    """

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
    updated: str = ""
    capabilities: list[str] = field(default_factory=list)
    imports: list[str] = field(default_factory=list)
    before: Version | None = None
    leaving: list[Leaving] = field(default_factory=list)
    protected: bool = False
    change_sets: list[ChangeSet] = field(default_factory=list)
    retained: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    detected: str = ""
    policy: str = ""
    policy_of_update: str = ""
    signals: dict[str, dict[str, str]] = field(default_factory=dict)
    doomed: bool = False

    def say(self, status: str, reason: str = "") -> None:
        """Sets the stack's own state."""
        self.status, self.reason = status, reason
        self.events.append(Event(str(uuid4()), now(), self.name, self.id, "AWS::CloudFormation::Stack", status, reason))

    def say_of(self, logical: str, status: str, reason: str = "") -> None:
        """Sets the state of one of its resources."""
        self.note(logical, self.resources[logical], status, reason)

    def note(self, logical: str, made: Made, status: str, reason: str = "") -> None:
        """Sets the state of a resource, which need not be the one that has the logical name now."""
        made.status, made.reason, made.changed = status, reason, now()
        event = f"{logical}-{uuid4()}"
        self.events.append(Event(event, made.changed, logical, made.physical, made.type, status, reason))

    @property
    def is_busy(self) -> bool:
        """Whether something is being done with it."""
        return self.status.endswith("_IN_PROGRESS") and self.status != REVIEW

    def known(self) -> set[str]:
        """The physical ids of everything that was ever made of it and may still be there."""
        made = [*self.resources.values(), *(each.made for each in self.leaving)]
        made += self.before.resources.values() if self.before else ()
        return {each.physical for each in made if each.physical}


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

    def there(self) -> Iterable[Stack]:
        """All stacks that are not gone."""
        return [each for each in self.all if each.status != GONE]


def _parse(raw: Record) -> Stack:
    before = raw.get("before")
    return Stack(
        **{
            **raw,
            "resources": _made(raw["resources"]),
            "events": [Event(**event) for event in raw["events"]],
            "before": Version(**{**before, "resources": _made(before["resources"])}) if before else None,
            "change_sets": [ChangeSet(**each) for each in raw.get("change_sets", [])],
            "leaving": [Leaving(**{**each, "made": _one(each["made"])}) for each in raw.get("leaving", [])],
        }
    )


def _made(raw: Record) -> dict[str, Made]:
    return {name: _one(made) for name, made in raw.items()}


def _one(raw: Record) -> Made:
    drift = raw.get("drift")
    return Made(**{**raw, "drift": Drift(**drift) if drift else None})
