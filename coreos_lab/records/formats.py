"""The versions of what lies on disk: a record of an older version is taken over, one of a newer version is refused."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from coreos_lab import disk
from coreos_lab.errors import LabError

T = TypeVar("T")
Record = dict[str, Any]
OTHER_VERSION = "made by another version of lab"


class OtherVersionError(LabError):
    """A record that this version of lab does not understand."""


@dataclass(frozen=True)
class Format:
    """A kind of record, a JSON object: `version` is the one that is written; a record without any has version 1.

    `key` is the version's name in a record. `upgrades` has a function for each older version that is taken over: it
    makes a record of version N one of N + 1.
    """

    what: str
    version: int = 1
    key: str = "version"
    upgrades: Mapping[int, Callable[[Record], Record]] = field(default_factory=dict)

    def stamped(self, record: Record) -> Record:
        """The record with its version, as it is written."""
        return {self.key: self.version, **record}

    def write(self, path: Path, record: Record, mode: int = 0o644) -> None:
        """Writes a record, whole or not at all."""
        disk.write_atomic(path, json.dumps(self.stamped(record), indent=2) + "\n", mode)

    def read(self, path: Path, make: Callable[[Record], T]) -> T:
        """What `make` makes of a record. OtherVersionError for one that this lab does not understand."""
        return self.parse(disk.read_json(path), str(path), make)

    def parse(self, record: object, where: str, make: Callable[[Record], T]) -> T:
        """The same of a record that was read already; `where` it was is for the error."""
        try:
            return make(self._current(record, where))
        except (AttributeError, KeyError, OverflowError, TypeError, ValueError) as error:
            raise OtherVersionError(
                f"{where}: this lab does not understand the {self.what}: {error}",
                f"{OTHER_VERSION}: use that one, also to heal or destroy the cluster",
            ) from None

    def _current(self, record: object, where: str) -> Record:
        """A record as this version has it, without its version."""
        if not isinstance(record, dict):
            raise TypeError("not a JSON object")
        version = record.get(self.key, 1)
        found = {name: value for name, value in record.items() if name != self.key}
        if not isinstance(version, int) or version > self.version:
            raise OtherVersionError(
                f"{where}: the {self.what} has version {version}, and this lab reads versions up to {self.version}",
                "a newer lab wrote it: use that one, also to heal or destroy the cluster",
            )
        for number in range(version, self.version):
            if number not in self.upgrades:
                raise OtherVersionError(
                    f"{where}: the {self.what} has version {version}, which this lab does not take over",
                    "an older lab wrote it: use that one, also to heal or destroy the cluster",
                )
            found = self.upgrades[number](found)
        return found
