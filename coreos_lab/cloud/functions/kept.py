"""Functions as they are kept, in one file of the cloud. Their code lies beside it, a folder for each."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from coreos_lab.records.formats import Format, Record

FORMAT = Format("functions")
PENDING, ACTIVE = "Pending", "Active"
VERSION = "$LATEST"  # the only one that a function has here


@dataclass
class Function:
    """A function. `number` names what it has on the host; `timeout` in seconds, `memory` in MiB, `size` in bytes.

    `sha` is the SHA-256 of its code's archive in Base64; `revision` changes with everything that changes it. `policy`
    has its statements by their ids. One that is `deleting` is not shown.
    """

    name: str
    number: int
    arn: str
    runtime: str
    handler: str
    role: str
    sha: str
    size: int
    modified: str
    timeout: int = 3
    memory: int = 128
    description: str = ""
    vpc: str = ""
    subnets: list[str] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)
    variables: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    policy: dict[str, dict[str, Any]] = field(default_factory=dict)
    revision: str = field(default_factory=lambda: str(uuid4()))
    state: str = ACTIVE
    deleting: bool = False

    @property
    def log_group(self) -> str:
        """Where its output goes."""
        return f"/aws/lambda/{self.name}"

    @property
    def role_name(self) -> str:
        """The name in its role's ARN."""
        return self.role.rpartition("/")[2]

    def changed(self) -> None:
        """Notes that something of it has changed: what runs it is of an earlier revision now."""
        self.modified, self.revision = now(), str(uuid4())


def now() -> str:
    """The time as Lambda writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "+0000"


@dataclass
class Kept:
    """All functions of a cloud."""

    path: Path
    functions: list[Function] = field(default_factory=list)

    @classmethod
    def load(cls, path: Path) -> Kept:
        """What the file says; nothing where there is none."""
        return FORMAT.read(path, lambda raw: _parse(path, raw)) if path.exists() else cls(path)

    def save(self) -> None:
        """Writes everything; it is on the disk when this returns."""
        FORMAT.write(self.path, {"functions": [asdict(each) for each in self.functions]}, 0o600)

    def find(self, name: str) -> Function | None:
        """The function that the API shows under a name."""
        return next((each for each in self.functions if each.name == name and not each.deleting), None)

    def free_number(self) -> int:
        """The first number that no function has, not even one that is about to go."""
        taken = {each.number for each in self.functions}
        return next(i for i in range(1, len(taken) + 2) if i not in taken)


def _parse(path: Path, raw: Record) -> Kept:
    return Kept(path, [Function(**each) for each in raw["functions"]])
