"""What is in the buckets: an SQLite file, so that each change is whole and on the disk before it is answered."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from coreos_lab.cloud.sigv4 import RefusedError
from coreos_lab.cloud.tables import Tables

TABLES = """
CREATE TABLE IF NOT EXISTS buckets (name TEXT PRIMARY KEY, created REAL, policy TEXT, lifecycle TEXT, tags TEXT);
CREATE TABLE IF NOT EXISTS objects (bucket TEXT, key TEXT, body TEXT, size INTEGER, etag TEXT, modified REAL,
    headers TEXT, PRIMARY KEY (bucket, key));
CREATE TABLE IF NOT EXISTS uploads (id TEXT PRIMARY KEY, bucket TEXT, key TEXT, begun REAL, headers TEXT);
CREATE TABLE IF NOT EXISTS parts (upload TEXT, number INTEGER, body TEXT, size INTEGER, etag TEXT, modified REAL,
    PRIMARY KEY (upload, number));
"""


@dataclass(frozen=True)
class Bucket:
    """A bucket. `lifecycle` are its rules as plain values, `policy` a document; "" without one."""

    name: str
    created: float
    policy: str = ""
    lifecycle: list[dict[str, Any]] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Stored:
    """An object. `body` is its file, `headers` are what it was put with and is given back with."""

    bucket: str
    key: str
    body: str
    size: int
    etag: str
    modified: float
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Upload:
    """An object that is being put in parts."""

    id: str
    bucket: str
    key: str
    begun: float
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Part:
    """One part of an upload."""

    number: int
    body: str
    size: int
    etag: str
    modified: float


class Index(Tables):
    """The tables. Every call is one transaction."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, TABLES)

    def buckets(self) -> list[Bucket]:
        return [_bucket(row) for row in self._rows("SELECT * FROM buckets ORDER BY name")]

    def bucket(self, name: str) -> Bucket:
        """RefusedError where there is none of that name."""
        found = self.find_bucket(name)
        if found is None:
            raise RefusedError("NoSuchBucket", f"The specified bucket does not exist: {name}")
        return found

    def find_bucket(self, name: str) -> Bucket | None:
        rows = self._rows("SELECT * FROM buckets WHERE name = ?", name)
        return _bucket(rows[0]) if rows else None

    def add_bucket(self, bucket: Bucket) -> bool:
        """Returns whether there was none of that name."""
        with self.change() as tables:
            row = (bucket.name, bucket.created, "", "[]", "{}")
            return bool(tables.execute("INSERT OR IGNORE INTO buckets VALUES (?, ?, ?, ?, ?)", row).rowcount)

    def tell(self, bucket: str, **values: Any) -> None:
        """Changes parts of a bucket: its policy as a text, the others as plain values."""
        with self.change() as tables:
            for name, value in values.items():
                text = value if isinstance(value, str) else json.dumps(value)
                tables.execute(f"UPDATE buckets SET {name} = ? WHERE name = ?", (text, bucket))  # noqa: S608 - our names

    def remove_bucket(self, name: str) -> list[str]:
        """Removes a bucket that is empty; returns the bodies of what was being uploaded to it."""
        with self.change() as tables:
            if tables.execute("SELECT 1 FROM objects WHERE bucket = ? LIMIT 1", (name,)).fetchone():
                raise RefusedError("BucketNotEmpty", f"The bucket you tried to delete is not empty: {name}")
            its = "WHERE upload IN (SELECT id FROM uploads WHERE bucket = ?)"
            old = tables.execute(f"SELECT body FROM parts {its}", (name,)).fetchall()  # noqa: S608 - our text
            tables.execute(f"DELETE FROM parts {its}", (name,))  # noqa: S608
            tables.execute("DELETE FROM uploads WHERE bucket = ?", (name,))
            tables.execute("DELETE FROM buckets WHERE name = ?", (name,))
        return [str(each[0]) for each in old]

    def objects(self, bucket: str) -> Iterator[Stored]:
        """All objects of a bucket."""
        return (_stored(row) for row in self._rows("SELECT * FROM objects WHERE bucket = ? ORDER BY key", bucket))

    def objects_from(self, bucket: str, first: str, end: str, most: int) -> list[Stored]:
        """The first objects in the order of their keys, as S3 has it: by the bytes of UTF-8.

        Their keys are not before `first`, and before `end` where that is not "".
        """
        before = "AND key < ?" if end else ""
        rows = self._rows(
            f"SELECT * FROM objects WHERE bucket = ? AND key >= ? {before} ORDER BY key LIMIT ?",  # noqa: S608
            *(bucket, first, *([end] if end else []), most),
        )
        return [_stored(row) for row in rows]

    def find(self, bucket: str, key: str) -> Stored | None:
        rows = self._rows("SELECT * FROM objects WHERE bucket = ? AND key = ?", bucket, key)
        return _stored(rows[0]) if rows else None

    def put(self, new: Stored) -> list[str]:
        """Puts an object in the place of the one with its key; returns the bodies that no object has now."""
        with self.change() as tables:
            return self._put(tables, new)

    def _put(self, tables: sqlite3.Connection, new: Stored) -> list[str]:
        if not tables.execute("SELECT 1 FROM buckets WHERE name = ?", (new.bucket,)).fetchone():
            raise RefusedError("NoSuchBucket", f"The specified bucket does not exist: {new.bucket}")
        old = tables.execute("SELECT body FROM objects WHERE bucket = ? AND key = ?", (new.bucket, new.key)).fetchall()
        row = (new.bucket, new.key, new.body, new.size, new.etag, new.modified, json.dumps(dict(new.headers)))
        tables.execute("INSERT OR REPLACE INTO objects VALUES (?, ?, ?, ?, ?, ?, ?)", row)
        return [str(each[0]) for each in old]

    def remove(self, bucket: str, key: str) -> list[str]:
        """Removes an object; returns the bodies that no object has now."""
        with self.change() as tables:
            place = (bucket, key)
            old = tables.execute("SELECT body FROM objects WHERE bucket = ? AND key = ?", place).fetchall()
            tables.execute("DELETE FROM objects WHERE bucket = ? AND key = ?", place)
        return [str(each[0]) for each in old]

    def begin_upload(self, new: Upload) -> None:
        with self.change() as tables:
            row = (new.id, new.bucket, new.key, new.begun, json.dumps(dict(new.headers)))
            tables.execute("INSERT INTO uploads VALUES (?, ?, ?, ?, ?)", row)

    def uploads(self, bucket: str) -> list[Upload]:
        rows = self._rows("SELECT * FROM uploads WHERE bucket = ? ORDER BY key, begun", bucket)
        return [_upload(row) for row in rows]

    def upload(self, bucket: str, key: str, name: str) -> Upload:
        """RefusedError where there is none, or where it is another object's."""
        rows = self._rows("SELECT * FROM uploads WHERE id = ? AND bucket = ? AND key = ?", name, bucket, key)
        if not rows:
            raise RefusedError("NoSuchUpload", "The specified multipart upload does not exist.")
        return _upload(rows[0])

    def put_part(self, upload: str, new: Part) -> list[str]:
        """Puts a part in the place of the one with its number; returns the bodies that are not needed now."""
        with self.change() as tables:
            if not tables.execute("SELECT 1 FROM uploads WHERE id = ?", (upload,)).fetchone():
                raise RefusedError("NoSuchUpload", "The specified multipart upload does not exist.")
            place = (upload, new.number)
            old = tables.execute("SELECT body FROM parts WHERE upload = ? AND number = ?", place).fetchall()
            row = (upload, new.number, new.body, new.size, new.etag, new.modified)
            tables.execute("INSERT OR REPLACE INTO parts VALUES (?, ?, ?, ?, ?, ?)", row)
        return [str(each[0]) for each in old]

    def parts(self, upload: str) -> list[Part]:
        rows = self._rows("SELECT * FROM parts WHERE upload = ? ORDER BY number", upload)
        return [Part(*row[1:]) for row in rows]

    def end_upload(self, upload: str, made: Stored | None = None) -> list[str]:
        """Ends an upload, with the object that it has become; returns the bodies that are not needed now."""
        with self.change() as tables:
            if not tables.execute("DELETE FROM uploads WHERE id = ?", (upload,)).rowcount:
                raise RefusedError("NoSuchUpload", "The specified multipart upload does not exist.")
            old = [str(row[0]) for row in tables.execute("SELECT body FROM parts WHERE upload = ?", (upload,))]
            tables.execute("DELETE FROM parts WHERE upload = ?", (upload,))
            return [*old, *(self._put(tables, made) if made else ())]

    def bodies(self) -> set[str]:
        """The names of all bodies."""
        return {str(row[0]) for row in self._rows("SELECT body FROM objects UNION SELECT body FROM parts")}


def _bucket(row: tuple[Any, ...]) -> Bucket:
    return Bucket(row[0], row[1], row[2], json.loads(row[3]), json.loads(row[4]))


def _upload(row: tuple[Any, ...]) -> Upload:
    name, bucket, key, begun, headers = row
    return Upload(name, bucket, key, begun, json.loads(headers))


def _stored(row: tuple[Any, ...]) -> Stored:
    bucket, key, body, size, etag, modified, headers = row
    return Stored(bucket, key, body, size, etag, modified, json.loads(headers))
