"""A service's tables, in one SQLite file: what is changed is on the disk before a request is answered."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


class Tables:
    """The tables that `script` makes where they are not there. Every call is one transaction."""

    def __init__(self, path: Path, script: str) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = threading.RLock()
        self._tables = sqlite3.connect(path, check_same_thread=False)
        self._tables.executescript(script)

    @contextmanager
    def change(self) -> Iterator[sqlite3.Connection]:
        """One transaction: all of the block's changes are on the disk after it, or none."""
        with self._lock, self._tables as tables:
            yield tables

    def _rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        with self._lock:
            return self._tables.execute(query, values).fetchall()
