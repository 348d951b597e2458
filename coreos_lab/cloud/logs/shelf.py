"""What is logged: an SQLite file, so that events are on the disk before their request is answered.

Times are in milliseconds since 1970, as everywhere in this API.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from coreos_lab.cloud.sigv4 import RefusedError
from coreos_lab.cloud.tables import Tables

TABLES = """
CREATE TABLE IF NOT EXISTS groups (name TEXT PRIMARY KEY, created INTEGER, retention INTEGER, size INTEGER, tags TEXT);
CREATE TABLE IF NOT EXISTS streams (grp TEXT, name TEXT, created INTEGER, ingested INTEGER, PRIMARY KEY (grp, name));
CREATE TABLE IF NOT EXISTS events (id INTEGER PRIMARY KEY AUTOINCREMENT, grp TEXT, stream TEXT, time INTEGER,
    ingested INTEGER, message TEXT);
CREATE INDEX IF NOT EXISTS of_stream ON events (grp, stream, time, id);
CREATE INDEX IF NOT EXISTS of_group ON events (grp, time, id);
"""
# Both ends of a stream are found by its index, however many events it has.
OF_STREAMS = """
SELECT name, created, ingested,
    COALESCE((SELECT time FROM events WHERE grp = s.grp AND stream = s.name ORDER BY time LIMIT 1), 0),
    COALESCE((SELECT time FROM events WHERE grp = s.grp AND stream = s.name ORDER BY time DESC LIMIT 1), 0)
FROM streams s WHERE grp = ? ORDER BY name
"""
OVERHEAD = 26  # bytes that AWS counts for each event, besides its message
SIZE = f"COALESCE(SUM(LENGTH(CAST(message AS BLOB)) + {OVERHEAD}), 0)"


@dataclass(frozen=True)
class Group:
    """A log group. `retention`: days for which events are kept, 0 for ever; `size` in bytes."""

    name: str
    created: int
    retention: int = 0
    size: int = 0
    tags: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Stream:
    """A stream, with the times of its first and its last event, and of the last that came in; 0 without any."""

    name: str
    created: int
    ingested: int
    first: int
    last: int


@dataclass(frozen=True)
class Event:
    """An event as it is kept. `id` grows with each event that comes in."""

    id: int
    stream: str
    time: int
    ingested: int
    message: str


class Shelf(Tables):
    """The tables. Every call is one transaction."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, TABLES)

    def make_group(self, new: Group) -> None:
        with self.change() as tables:
            if tables.execute("SELECT 1 FROM groups WHERE name = ?", (new.name,)).fetchone():
                raise RefusedError("ResourceAlreadyExistsException", "The specified log group already exists")
            tables.execute("INSERT INTO groups VALUES (?, ?, 0, 0, ?)", (new.name, new.created, json.dumps(new.tags)))

    def groups(self) -> list[Group]:
        """All groups, by name."""
        return [_group(row) for row in self._rows("SELECT * FROM groups ORDER BY name")]

    def group(self, name: str) -> Group:
        """RefusedError where there is none of that name."""
        rows = self._rows("SELECT * FROM groups WHERE name = ?", name)
        if not rows:
            raise RefusedError("ResourceNotFoundException", "The specified log group does not exist.")
        return _group(rows[0])

    def change_group(self, name: str, *, retention: int | None = None, tags: dict[str, str] | None = None) -> None:
        """Changes what is given."""
        with self.change() as tables:
            old = self.group(name)
            values = (old.retention if retention is None else retention, json.dumps(old.tags if tags is None else tags))
            tables.execute("UPDATE groups SET retention = ?, tags = ? WHERE name = ?", (*values, name))

    def delete_group(self, name: str) -> None:
        with self.change() as tables:
            self.group(name)
            tables.execute("DELETE FROM groups WHERE name = ?", (name,))
            tables.execute("DELETE FROM streams WHERE grp = ?", (name,))
            tables.execute("DELETE FROM events WHERE grp = ?", (name,))

    def make_stream(self, group: str, name: str, now: int) -> None:
        with self.change() as tables:
            self.group(group)
            if tables.execute("SELECT 1 FROM streams WHERE grp = ? AND name = ?", (group, name)).fetchone():
                raise RefusedError("ResourceAlreadyExistsException", "The specified log stream already exists")
            tables.execute("INSERT INTO streams VALUES (?, ?, ?, 0)", (group, name, now))

    def streams(self, group: str) -> list[Stream]:
        """A group's streams, by name."""
        rows = self._rows(OF_STREAMS, group)
        return [Stream(*row) for row in rows]

    def require_stream(self, group: str, name: str) -> None:
        """RefusedError where a group has no such stream."""
        self.group(group)
        if not self._rows("SELECT 1 FROM streams WHERE grp = ? AND name = ?", group, name):
            raise RefusedError("ResourceNotFoundException", "The specified log stream does not exist.")

    def delete_stream(self, group: str, name: str) -> None:
        with self.change() as tables:
            self.require_stream(group, name)
            self._drop(tables, "grp = ? AND stream = ?", group, name)
            tables.execute("DELETE FROM streams WHERE grp = ? AND name = ?", (group, name))

    def put(self, group: str, stream: str, events: Iterable[tuple[int, str]], now: int) -> None:
        """Adds events, each a time and a message. RefusedError where there is no such stream any more."""
        rows = [(group, stream, time, now, message) for time, message in events]
        size = sum(len(row[4].encode()) + OVERHEAD for row in rows)
        with self.change() as tables:
            self.require_stream(group, stream)
            tables.executemany("INSERT INTO events (grp, stream, time, ingested, message) VALUES (?, ?, ?, ?, ?)", rows)
            tables.execute("UPDATE streams SET ingested = ? WHERE grp = ? AND name = ?", (now, group, stream))
            tables.execute("UPDATE groups SET size = size + ? WHERE name = ?", (size, group))

    def events(
        self,
        group: str,
        streams: Sequence[str] | None,
        times: tuple[int, int],
        *,
        after: tuple[int, int] | None = None,
        before: tuple[int, int] | None = None,
        limit: int,
    ) -> list[Event]:
        """At most `limit` events of a group with begin <= time < end, in the order of time and arrival.

        `streams`: of these alone. `after` and `before` are the time and the id of an event that is not part of it; with
        `before`, those nearest to it are returned.
        """
        where, values = ["grp = ?", "time >= ?", "time < ?"], [group, *times]
        if streams is not None:
            where.append(f"stream IN ({', '.join('?' * len(streams))})")
            values += streams
        if after is not None:
            where.append("(time, id) > (?, ?)")
            values += after
        if before is not None:
            where.append("(time, id) < (?, ?)")
            values += before
        way = "DESC" if before is not None else "ASC"
        rows = self._rows(
            f"SELECT id, stream, time, ingested, message FROM events WHERE {' AND '.join(where)}"  # noqa: S608
            f" ORDER BY time {way}, id {way} LIMIT ?",
            *values,
            limit,
        )
        found = [Event(*row) for row in rows]
        return found[::-1] if before is not None else found

    def expire(self, group: str, oldest: int) -> None:
        """Drops a group's events from before a time."""
        with self.change() as tables:
            self._drop(tables, "grp = ? AND time < ?", group, oldest)

    def _drop(self, tables: sqlite3.Connection, where: str, group: str, value: str | int) -> None:
        size = tables.execute(f"SELECT {SIZE} FROM events WHERE {where}", (group, value)).fetchone()[0]  # noqa: S608
        if size:
            tables.execute(f"DELETE FROM events WHERE {where}", (group, value))  # noqa: S608
            tables.execute("UPDATE groups SET size = size - ? WHERE name = ?", (size, group))


def _group(row: tuple[Any, ...]) -> Group:
    name, created, retention, size, tags = row
    return Group(name, created, retention, size, json.loads(tags))
