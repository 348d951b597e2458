"""Files, locks and folders that are whole or not there."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from coreos_lab import disk
from coreos_lab.errors import LabError


def test_a_file_is_written_whole_with_its_mode(tmp_path: Path) -> None:
    disk.write_atomic(tmp_path / "deep" / "key", "secret", 0o600)
    path = tmp_path / "deep" / "key"
    assert path.read_text() == "secret"
    assert path.stat().st_mode & 0o777 == 0o600
    assert [p.name for p in path.parent.iterdir()] == ["key"]


def test_bad_json_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text("{")
    with pytest.raises(LabError, match=r"x\.json: not valid JSON"):
        disk.read_json(tmp_path / "x.json")


def test_the_second_is_told_who_holds_the_lock(tmp_path: Path) -> None:
    with (
        disk.lock(tmp_path / "l", "lab up", wait=False),
        pytest.raises(LabError, match="busy: lab up"),
        disk.lock(tmp_path / "l", "lab destroy", wait=False),
    ):
        pass
    with disk.lock(tmp_path / "l", "lab destroy", wait=False):
        pass


def test_the_hash_follows_names_contents_and_modes(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1")
    hashes = {disk.content_hash([tmp_path])}
    (tmp_path / "a").write_text("2")
    hashes.add(disk.content_hash([tmp_path]))
    (tmp_path / "a").chmod(0o755)
    hashes.add(disk.content_hash([tmp_path]))
    (tmp_path / "a").rename(tmp_path / "b")
    hashes.add(disk.content_hash([tmp_path]))
    assert len(hashes) == 4
    assert disk.content_hash([tmp_path]) in hashes


def test_a_failed_build_leaves_nothing_half_made(tmp_path: Path) -> None:
    def build(draft: Path) -> None:
        (draft / "half").touch()
        raise LabError("no")

    with pytest.raises(LabError):
        disk.cached_folder(tmp_path / "image", "building", build)
    assert not (tmp_path / "image").exists()
    assert not (tmp_path / "image.draft").exists()


def test_a_draft_of_a_dead_builder_is_thrown_away(tmp_path: Path) -> None:
    (tmp_path / "image.draft").mkdir()
    (tmp_path / "image.draft" / "old").touch()
    folder = disk.cached_folder(tmp_path / "image", "building", lambda draft: (draft / "new").touch())
    assert [p.name for p in folder.iterdir()] == ["new"]


def test_two_builders_build_once(tmp_path: Path) -> None:
    builds = []

    def build(draft: Path) -> None:
        builds.append(draft)
        (draft / "x").touch()

    threads = [
        threading.Thread(target=disk.cached_folder, args=(tmp_path / "image", "building", build)) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(builds) == 1
