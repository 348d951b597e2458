"""A backup's manifest: what is in its folder, with counts and checksums. It is written last.

A folder without one is no backup: its making was cut off. `manifest.json` is a record with a version, as those of
`records/` are; the files beside it are `etcd.tar.gz` (an etcd data folder), `etcd-keys.json`, and a file of lines for
each of a lab's backups.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from coreos_lab.disk import shown
from coreos_lab.errors import LabError, UsageError
from coreos_lab.model import to_json
from coreos_lab.records.formats import Format, Record

FILE = "manifest.json"
ETCD, KEYS = "etcd.tar.gz", "etcd-keys.json"
FORMAT = Format("manifest of a backup")
BLOCK = 1 << 20  # bytes that are read at a time


@dataclass(frozen=True)
class File:
    """A file of a backup: its name in the folder, its size in bytes, and its SHA-256."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True)
class EtcdPart:
    """etcd's part: a copy of the data of `member`, and the keys that do not expire, by number and checksum.

    `stale`: etcd had no majority, so that the member may have lacked what others knew.
    """

    member: str
    keys: int
    checksum: str
    stale: bool
    files: tuple[File, ...]


@dataclass(frozen=True)
class LabPart:
    """A lab that was deployed, with what was set then."""

    name: str
    folder: str
    settings: dict[str, str]


@dataclass(frozen=True)
class DataPart:
    """A lab's data of one name: a file with a line for each of its `items`."""

    lab: str
    name: str
    items: int
    file: File


@dataclass(frozen=True)
class Manifest:
    """A whole backup; `wall` is when it was begun, in seconds since the epoch."""

    cluster: str
    provider: str
    nodes: int
    wall: float
    etcd: EtcdPart
    labs: tuple[LabPart, ...]
    data: tuple[DataPart, ...]


def checksum(keys: Mapping[str, str]) -> str:
    """Identifies a set of keys with their values, in whatever order they are listed."""
    return hashlib.sha256(json.dumps(dict(sorted(keys.items()))).encode()).hexdigest()


def described(path: Path) -> File:
    """A file as a manifest has it."""
    digest = hashlib.sha256()
    with path.open("rb") as content:
        while block := content.read(BLOCK):
            digest.update(block)
    return File(path.name, path.stat().st_size, digest.hexdigest())


def files_of(manifest: Manifest) -> tuple[File, ...]:
    """The files beside the manifest."""
    return *manifest.etcd.files, *(part.file for part in manifest.data)


def identity(folder: Path) -> str:
    """Tells a backup from any other, also from one that has taken its place."""
    return described(folder / FILE).sha256


def write(manifest: Manifest, folder: Path) -> None:
    """Makes a backup of what is in a folder: its files are on the disk before the manifest that lists them."""
    for file in files_of(manifest):
        with (folder / file.name).open("rb") as content:
            os.fsync(content.fileno())
    FORMAT.write(folder / FILE, to_json(manifest), 0o600)


def read(folder: Path) -> Manifest:
    """The manifest of a backup whose files are as they were written.

    UsageError where there is none; LabError names the file that is missing or another one. OtherVersionError for one
    that this lab does not understand.
    """
    where = shown(folder)
    if not folder.is_dir():
        raise UsageError(f"{where}: no such folder", "name the folder of a backup")
    if not (folder / FILE).is_file():
        raise UsageError(
            f"{where}: no backup: it has no {FILE}, which is written last",
            "its making was cut off, or it is another folder: take another backup",
        )
    manifest = FORMAT.read(folder / FILE, _parse)
    for file in files_of(manifest):
        path = folder / file.name
        if not path.is_file():
            raise LabError(f"{shown(path)}: missing, though the backup's manifest lists it", "take another backup")
        if described(path) != file:
            raise LabError(
                f"{shown(path)}: not as it was written: {path.stat().st_size} bytes of {file.size}, or other ones",
                "take another backup",
            )
    return manifest


def keys_of(folder: Path) -> dict[str, str]:
    """The keys of a backup that do not expire, with their values."""
    keys: dict[str, str] = json.loads((folder / KEYS).read_text(encoding="utf-8"))
    return keys


def _parse(record: Record) -> Manifest:
    etcd = record["etcd"]
    return Manifest(
        **{
            **record,
            "etcd": EtcdPart(**{**etcd, "files": tuple(_file(each) for each in etcd["files"])}),
            "labs": tuple(LabPart(**each) for each in record["labs"]),
            "data": tuple(DataPart(**{**each, "file": _file(each["file"])}) for each in record["data"]),
        }
    )


def _file(record: Record) -> File:
    file = File(**record)
    if Path(file.name).name != file.name:
        raise ValueError(f"{file.name}: not the name of a file beside it")
    return file
