"""A backup's manifest: what is no whole backup is never taken for one."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from coreos_lab.backup import manifest
from coreos_lab.backup.manifest import DataPart, EtcdPart, LabPart, Manifest
from coreos_lab.errors import LabError, UsageError
from coreos_lab.records.formats import OtherVersionError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A whole backup of two keys and one item."""
    keys = {"/a": "1", "/b/c": "2"}
    (tmp_path / manifest.ETCD).write_bytes(b"archive")
    (tmp_path / manifest.KEYS).write_text(json.dumps(keys))
    (tmp_path / "ch7-store").write_text('[1,"{}"]\n')
    files = tuple(manifest.described(tmp_path / name) for name in (manifest.ETCD, manifest.KEYS))
    etcd = EtcdPart("core-01", len(keys), manifest.checksum(keys), False, files)
    data = DataPart("ch7", "store", 1, manifest.described(tmp_path / "ch7-store"))
    lab = LabPart("ch7", "/labs/ch7", {"window": "20s"})
    manifest.write(Manifest("core", "nspawn", 3, 1.5, etcd, (lab,), (data,)), tmp_path)
    return tmp_path


def rewrite(folder: Path, **changes: object) -> None:
    path = folder / manifest.FILE
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_what_was_written_is_read(folder: Path) -> None:
    read = manifest.read(folder)
    assert (read.etcd.keys, read.data[0].items, read.labs[0].settings) == (2, 1, {"window": "20s"})
    assert manifest.checksum(manifest.keys_of(folder)) == read.etcd.checksum
    assert (folder / manifest.FILE).stat().st_mode & 0o077 == 0, "etcd may have secrets"


def test_the_files_are_on_the_disk_before_their_manifest(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[str] = []
    monkeypatch.setattr(os, "fsync", lambda handle: synced.append(Path(f"/proc/self/fd/{handle}").readlink().name))
    manifest.write(manifest.read(folder), folder)
    assert synced[:3] == [manifest.ETCD, manifest.KEYS, "ch7-store"]


def test_a_folder_without_a_manifest_was_cut_off(folder: Path) -> None:
    (folder / manifest.FILE).unlink()
    with pytest.raises(UsageError, match=r"no backup: it has no manifest.json") as refused:
        manifest.read(folder)
    assert "cut off" in refused.value.hint


def test_no_folder_at_all(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="none: no such folder"):
        manifest.read(tmp_path / "none")


@pytest.mark.parametrize("name", [manifest.ETCD, manifest.KEYS, "ch7-store"])
def test_a_file_that_is_another_one_is_named(folder: Path, name: str) -> None:
    content = (folder / name).read_bytes()
    for spoilt in (content[:-1], b"?" + content[1:]):
        (folder / name).write_bytes(spoilt)
        with pytest.raises(LabError, match=f"{name}: not as it was written"):
            manifest.read(folder)
    (folder / name).unlink()
    with pytest.raises(LabError, match=f"{name}: missing"):
        manifest.read(folder)


def test_a_manifest_of_a_newer_version_is_refused(folder: Path) -> None:
    rewrite(folder, version=2)
    with pytest.raises(OtherVersionError, match="has version 2, and this lab reads versions up to 1"):
        manifest.read(folder)


@pytest.mark.parametrize("changes", [{"etcd": {}}, {"labs": 3}, {"more": 1}])
def test_a_manifest_that_is_none_is_refused(folder: Path, changes: dict[str, object]) -> None:
    rewrite(folder, **changes)
    with pytest.raises(OtherVersionError, match="does not understand the manifest"):
        manifest.read(folder)


def test_a_file_elsewhere_is_no_part_of_a_backup(folder: Path) -> None:
    data = json.loads((folder / manifest.FILE).read_text())["data"]
    data[0]["file"]["name"] = "../ch7-store"
    rewrite(folder, data=data)
    with pytest.raises(OtherVersionError, match="not the name of a file beside it"):
        manifest.read(folder)


def test_a_checksum_knows_keys_and_values_and_no_order() -> None:
    assert manifest.checksum({"/a": "1", "/b": "2"}) == manifest.checksum({"/b": "2", "/a": "1"})
    assert manifest.checksum({"/a": "1"}) != manifest.checksum({"/a": "2"}) != manifest.checksum({"/c": "2"})
