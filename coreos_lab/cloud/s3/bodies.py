"""The bodies of objects and parts: files of the cloud's folder, each with a name that no other has had."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from coreos_lab import disk

BLOCK = 2**20  # bytes that are read at once


class Bodies:
    """The folder with the files. A file is never changed once it is named in the index."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def write(self, blocks: Iterable[bytes]) -> str:
        """Writes a new body; it is on the disk when this returns. Nothing stays where the blocks end in an error."""
        name = uuid4().hex
        try:
            with (self.folder / name).open("xb") as out:
                for block in blocks:
                    out.write(block)
                out.flush()
                os.fsync(out.fileno())
        except BaseException:
            self.remove([name])
            raise
        disk.sync_folder(self.folder)
        return name

    def copy(self, body: str) -> str:
        """A body under another name. It is the same file, since bodies are never changed."""
        name = uuid4().hex
        os.link(self.folder / body, self.folder / name)
        disk.sync_folder(self.folder)
        return name

    def read(self, body: str, start: int, length: int) -> Iterator[bytes]:
        """A part of a body, in blocks. The file is open when this returns: it may be removed while it is sent."""
        file = (self.folder / body).open("rb")
        file.seek(start)

        def blocks() -> Iterator[bytes]:
            left = length
            with file:
                while left > 0 and (block := file.read(min(BLOCK, left))):
                    left -= len(block)
                    yield block

        return blocks()

    def remove(self, names: Iterable[str]) -> None:
        """Removes bodies that no object has any more."""
        for name in names:
            with suppress(FileNotFoundError):
                (self.folder / name).unlink()

    def keep_only(self, names: Iterable[str]) -> None:
        """Removes what an interrupted request has left."""
        kept = set(names)
        self.remove(path.name for path in self.folder.iterdir() if path.name not in kept)
