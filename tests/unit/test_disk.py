"""Files, locks and folders that are whole or not there."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from coreos_lab import disk, events, mounts, run, wait
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


def test_of_a_folder_that_is_not_there_any_more_nothing_is_listed(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "a").touch()
    assert disk.entries(tmp_path) == [tmp_path / "a", tmp_path / "b"]
    assert disk.entries(tmp_path / "gone") == []
    assert disk.entries(tmp_path / "a") == []


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


def test_a_checkout_with_another_umask_is_the_same(tmp_path: Path) -> None:
    for name, (file, program) in {"one": (0o644, 0o755), "two": (0o600, 0o700)}.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").touch(mode=file)
        (tmp_path / name / "program").touch()
        (tmp_path / name / "program").chmod(program)
    assert disk.content_hash([tmp_path / "one"]) == disk.content_hash([tmp_path / "two"])


def test_a_copy_has_the_modes_that_git_keeps(tmp_path: Path) -> None:
    source = tmp_path / "source"
    (source / "deep").mkdir(parents=True, mode=0o700)
    (source / "deep" / "file").touch(mode=0o640)
    (source / "deep" / "program").touch()
    (source / "deep" / "program").chmod(0o700)
    (source / "link").symlink_to("nowhere")
    (source / "node_modules").mkdir()
    disk.copy_as_in_git(source, tmp_path / "copy", leave_out="node_modules")
    found = {str(p.relative_to(tmp_path / "copy")): p.lstat().st_mode & 0o777 for p in (tmp_path / "copy").rglob("*")}
    del found["link"]
    assert found == {"deep": 0o755, "deep/file": 0o644, "deep/program": 0o755}
    assert (tmp_path / "copy" / "link").readlink() == Path("nowhere")


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


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "plan"
    disk.write_atomic(path, "old")
    with pytest.raises(UnicodeEncodeError):
        disk.write_atomic(path, "\udcff")
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["plan"]


def test_who_waits_for_a_lock_says_for_whom_and_gets_it(tmp_path: Path) -> None:
    notes: list[events.Event] = []
    order: list[str] = []

    def second() -> None:
        with disk.lock(tmp_path / "l", "lab destroy", wait=True):
            order.append("second")

    with events.listening(notes.append):
        with disk.lock(tmp_path / "l", "lab up", wait=True):
            thread = threading.Thread(target=second)
            thread.start()
            wait.until(lambda: notes, deadline=10, missing="no command waits")
            order.append("first")
        thread.join()
    assert order == ["first", "second"]
    assert notes[0].message == f"waiting for lab up (process {os.getpid()})"


def test_a_lock_is_free_again_after_a_failure(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no"), disk.lock(tmp_path / "l", "first", wait=False):
        raise ValueError("no")
    with disk.lock(tmp_path / "l", "a name as long as that of the second", wait=False):
        pass
    with disk.lock(tmp_path / "l", "third", wait=False):
        assert (tmp_path / "l").read_text() == f"third (process {os.getpid()})\n"


def test_the_hash_tells_texts_apart_and_takes_links_as_they_are(tmp_path: Path) -> None:
    assert disk.content_hash(["ab", "c"]) != disk.content_hash(["a", "bc"])
    assert disk.content_hash(["a", "b"]) != disk.content_hash(["b", "a"])
    (tmp_path / "link").symlink_to("nowhere")
    first = disk.content_hash([tmp_path])
    (tmp_path / "link").unlink()
    (tmp_path / "link").symlink_to("elsewhere")
    assert disk.content_hash([tmp_path]) != first


def test_the_hash_does_not_follow_where_a_folder_lies_nor_what_python_left_in_it(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name / "sub").mkdir(parents=True)
        (tmp_path / name / "sub" / "file").write_text("x")
    (tmp_path / "two" / "__pycache__").mkdir()
    (tmp_path / "two" / "__pycache__" / "m.pyc").write_text("x")
    assert disk.content_hash([tmp_path / "one"]) == disk.content_hash([tmp_path / "two"])


def test_a_tree_is_removed_and_what_its_links_point_to_stays(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "file").touch()
    (tmp_path / "tree" / "deep").mkdir(parents=True)
    (tmp_path / "tree" / "link").symlink_to(tmp_path / "kept")
    disk.remove_tree(tmp_path / "tree")
    disk.remove_tree(tmp_path / "never there")
    assert [path.name for path in tmp_path.rglob("*")] == ["kept", "file"]


@pytest.fixture
def mounted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Mounts that the host has, it says; `umount` takes them off."""
    points = [tmp_path / "tree", tmp_path / "tree" / "a", tmp_path / "tree" / "a" / "b", tmp_path / "trees"]
    (tmp_path / "tree" / "a" / "b").mkdir(parents=True)
    home = mounts.place(tmp_path)
    assert home
    root = mounts.Mount(1, 0, mounts.Place(home.device, home.path), tmp_path, "ext4")

    def umount(argv: Sequence[str | Path], *, check: bool) -> run.Completed:
        assert not check
        points.remove(Path(argv[-1]))
        return run.Completed((), 0, "", "")

    def read() -> list[mounts.Mount]:
        return [
            root,
            *(mounts.Mount(2 + i, 1, mounts.Place("0:9", Path("/")), p, "tmpfs") for i, p in enumerate(points)),
        ]

    monkeypatch.setattr(mounts, "place", lambda _path: home)
    monkeypatch.setattr(mounts, "read", read)
    monkeypatch.setattr(run, "run", umount)
    return points


def test_mounts_in_a_tree_are_taken_off_before_it_is_removed(tmp_path: Path, mounted: list[Path]) -> None:
    disk.remove_tree(tmp_path / "tree")
    assert mounted == [tmp_path / "trees"]
    assert not (tmp_path / "tree").exists()


@pytest.mark.usefixtures("mounted")
def test_nothing_is_deleted_through_a_mount_that_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "run", lambda *_argv, **_options: run.Completed((), 1, "", "busy"))
    with pytest.raises(LabError, match="tree: still mounted: "):
        disk.remove_tree(tmp_path / "tree")
    assert (tmp_path / "tree" / "a" / "b").is_dir()


def test_trying_an_overlay_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    failed = run.Completed((), 32, "", "mount: wrong fs type\n  dmesg(1) may have more\n")
    monkeypatch.setattr(run, "run", lambda *_argv, **_options: failed)
    assert disk.carries_overlays(tmp_path) == (False, "mount: wrong fs type")
    monkeypatch.setattr(run, "run", lambda *_argv, **_options: run.Completed((), 0, "", ""))
    assert disk.carries_overlays(tmp_path) == (True, "")
    assert list(tmp_path.iterdir()) == []


def test_a_whole_folder_is_not_built_again(tmp_path: Path) -> None:
    (tmp_path / "image").mkdir()

    def build(_draft: Path) -> None:
        pytest.fail("built again")

    assert disk.cached_folder(tmp_path / "image", "building", build) == tmp_path / "image"


def test_an_interrupted_build_leaves_nothing_and_can_be_done_again(tmp_path: Path) -> None:
    def interrupted(draft: Path) -> None:
        (draft / "half").touch()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        disk.cached_folder(tmp_path / "image", "building", interrupted)
    folder = disk.cached_folder(tmp_path / "image", "building", lambda draft: (draft / "whole").touch())
    assert [path.name for path in folder.iterdir()] == ["whole"]


def test_the_end_of_a_console_is_plain_and_of_one_that_is_not_there_empty(tmp_path: Path) -> None:
    console = tmp_path / "console.log"
    console.write_bytes(b"first\r\n\x1b[0;1msecond\x1b[0m\r\n\n\xffthird \x07\n\n")
    assert disk.last_lines(console, 2) == "second\n\ufffdthird"
    assert disk.last_lines(tmp_path / "nosuch.log", 2) == ""


def test_what_is_half_removed_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "core-01"
    (folder / "upper" / "etc").mkdir(parents=True)

    def killed(*_args: object, **_options: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", killed)
        with pytest.raises(KeyboardInterrupt):
            disk.remove_at_once(folder)
    assert not folder.exists()
    (folder / "upper").mkdir(parents=True)
    disk.remove_at_once(folder)
    disk.remove_at_once(folder)
    assert list(tmp_path.iterdir()) == []
