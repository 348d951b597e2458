"""What the folder of a cluster and that of a cloud have alike: a lock, and what belongs to a registry."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from coreos_lab import disk


@dataclass(frozen=True)
class OwnedFolder(ABC):
    """The folder of one owner: a cluster or a cloud."""

    name: str

    @property
    @abstractmethod
    def place(self) -> Path:
        """The folder in which all owners of this kind have theirs."""

    @property
    def path(self) -> Path:
        """The folder itself."""
        return self.place / self.name

    @property
    @abstractmethod
    def origin(self) -> Path:
        """The file that no other owner has the same of."""

    @property
    def identity(self) -> str:
        """Identifies the owner, wherever its folder is moved to; "" before it has its `origin`."""
        try:
            return hashlib.sha256(self.origin.read_bytes()).hexdigest()[:12]
        except OSError:
            return ""

    @property
    def walks(self) -> Path:
        """One file a lab: how far a reader has come in its page."""
        return self.path / "walks"

    @property
    def registry(self) -> Path:
        """The storage of the registry: the container images that machines of the owner can pull."""
        return self.path / "registry"

    @property
    def registry_pid(self) -> Path:
        """The process that is the registry."""
        return self.path / "registry.pid"

    @property
    def webhooks(self) -> Path:
        """The webhooks of the registry, and what came of their deliveries."""
        return self.path / "webhooks"

    @property
    def lock_file(self) -> Path:
        """What a command that changes the owner holds as its lock. Beside the folder, which comes later and goes."""
        return self.place / f".{self.name}.lock"

    def lock(self, what: str) -> AbstractContextManager[None]:
        """Keeps other commands from changing the owner; LabError names the command that does so now."""
        return disk.lock(self.lock_file, what, wait=False)
