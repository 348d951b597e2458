"""The services' state on disk: moto's objects, pickled after each request that changes them.

Replaying a journal of requests would not work: moto chooses ids at random, so resources would get other ids. Pickles
restore the same objects. Only the version of moto that wrote them reads them, and only from a folder that nobody but
the cloud's owner can write to.
"""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

from coreos_lab import disk
from coreos_lab.errors import LabError


class Store:
    """The folder with a file for each service."""

    def __init__(self, folder: Path, version: str) -> None:
        self.folder, self.version = folder, version
        self._written: dict[str, bytes] = {}

    def load(self, service: str) -> Any | None:
        """A service's objects, None where none were written. LabError for those of another version of moto."""
        path = self.folder / f"{service}.{self.version}.pickle"
        others = [each.name for each in self.folder.glob(f"{service}.*.pickle") if each != path]
        if others:
            raise LabError(
                f"{self.folder / others[0]}: written by another version of moto than {self.version}",
                "install that version again, or destroy the cloud and make it anew",
            )
        if not path.exists():
            return None
        data = path.read_bytes()
        self._written[service] = data
        return pickle.loads(data)  # noqa: S301 - written by us, into a folder of ours

    def save(self, service: str, objects: Any) -> None:
        """Writes a service's objects if they have changed; they are on the disk when this returns."""
        data = pickle.dumps(objects)
        if self._written.get(service) == data:
            return
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self.folder / f"{service}.{self.version}.pickle"
        draft = path.with_suffix(".draft")
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:  # noqa: PTH123
            out.write(data)
            out.flush()
            os.fsync(out.fileno())
        draft.replace(path)
        disk.sync_folder(self.folder)
        self._written[service] = data
