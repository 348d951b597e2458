"""Extra disks: which loop device belongs to which disk, and hosts where the nodes of loop devices are missing."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from coreos_lab import run, settings
from coreos_lab.errors import LabError
from coreos_lab.model import Disk
from coreos_lab.providers.nspawn import copies, disks

SDB = Disk("/dev/sdb", 2**20)


class Losetup:
    """losetup(8), for which loop9 is the next that is free; it takes that when it is there, unless it `refuses`."""

    def __init__(self, device: Path) -> None:
        self.device = device
        self.refuses = False

    def __call__(self, argv: list[str | Path], **_options: object) -> run.Completed:
        call = tuple(str(word) for word in argv)
        if "--show" in call and (self.refuses or not self.device.exists()):
            return run.Completed(call, 1, "", "failed to set up loop device")
        return run.Completed(call, 0, f"{self.device}\n", "")


@pytest.fixture
def losetup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Losetup:
    stands_in = Losetup(tmp_path / "loop9")
    monkeypatch.setattr(run, "run", stands_in)
    monkeypatch.setattr(os, "mknod", lambda path, *_: path.touch())
    return stands_in


def test_a_node_that_is_missing_is_made(losetup: Losetup, tmp_path: Path) -> None:
    assert disks.attach(tmp_path, SDB) == losetup.device
    assert losetup.device.exists()


def test_a_node_that_another_command_makes_meanwhile_is_taken(
    losetup: Losetup, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is missing for two commands at the same time: the other one makes it after losetup, or just before mknod."""

    def asked(argv: list[str | Path], **options: object) -> run.Completed:
        done = losetup(argv, **options)
        if "--show" in argv:
            losetup.device.touch()
        return done

    monkeypatch.setattr(run, "run", asked)
    assert disks.attach(tmp_path, SDB) == losetup.device

    losetup.device.unlink()

    def made(path: Path, *_: object) -> None:
        path.touch()
        raise FileExistsError(17, "File exists", str(path))

    monkeypatch.setattr(run, "run", losetup)
    monkeypatch.setattr(os, "mknod", made)
    assert disks.attach(tmp_path, SDB) == losetup.device


def test_where_no_device_takes_it_that_is_said(losetup: Losetup, tmp_path: Path) -> None:
    losetup.refuses = True
    with pytest.raises(LabError, match=r"sdb\.img: no loop device could be attached to it") as refused:
        disks.attach(tmp_path, SDB)
    assert refused.value.details == "failed to set up loop device"


@pytest.fixture
def nodes(tmp_path: Path) -> Path:
    """A cluster's nodes with a disk each."""
    for name in ("core-01", "core-02"):
        (tmp_path / "real" / name).mkdir(parents=True)
        (tmp_path / "real" / name / "sdb.img").write_text(name)
    return tmp_path / "real"


def in_use(number: int, named: Path | str, file: Path | None) -> disks.Loop:
    """A loop device over a file that the kernel names so."""
    found = file.stat() if file else None
    return disks.Loop(Path(f"/dev/loop{number}"), str(named), (found.st_dev, found.st_ino) if found else None)


def test_a_disk_is_found_by_its_file_whatever_path_either_side_has(
    nodes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "link").symlink_to("real")
    there = [
        in_use(1, "/mnt/bound/core-02/sdb.img", nodes / "core-02" / "sdb.img"),
        in_use(2, "/mnt/bound/core-01/sdb.img", nodes / "core-01" / "sdb.img"),
    ]
    monkeypatch.setattr(disks, "loops", lambda: there)
    assert disks.attached(nodes / "core-01", SDB) == Path("/dev/loop2")
    assert disks.attached(tmp_path / "link" / "core-01", SDB) == Path("/dev/loop2")
    assert disks.attach(tmp_path / "link" / "core-01", SDB) == Path("/dev/loop2"), "no second device over one file"
    nodes.rename(tmp_path / "moved")
    assert disks.attached(tmp_path / "moved" / "core-02", SDB) == Path("/dev/loop1")
    assert disks.attached(nodes / "core-02", SDB) is None


def test_a_path_that_once_was_the_disks_is_not_the_disk(nodes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its node was restored from a snapshot while a loop device still had the old file."""
    path = nodes / "core-01" / "sdb.img"
    monkeypatch.setattr(disks, "loops", lambda: [disks.Loop(Path("/dev/loop1"), f"{path} (deleted)", (1, 1))])
    assert disks.attached(nodes / "core-01", SDB) is None


def test_what_is_ours_is_found_by_file_and_of_deleted_files_by_name(nodes: Path) -> None:
    named, deleted = nodes / "core-01" / "sdb.img", nodes / "core-02" / "sdc.img (deleted)"
    there = [
        in_use(1, "/mnt/bound/core-01/sdb.img", named),
        in_use(2, deleted, None),
        in_use(3, "/elsewhere/core-01/sdb.img", None),
        in_use(4, f"{nodes}-other/core-01/sdb.img", None),
    ]
    assert [loop.device.name for loop in disks.ours(nodes, there)] == ["loop1", "loop2"]
    assert [loop.device.name for loop in disks.ours(nodes / "core-02", there)] == ["loop2"]
    assert disks.ours(nodes.with_name("nosuch"), there) == []


def test_a_disk_is_found_after_its_folder_was_moved_to_another_file_system(
    nodes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The node runs on with the file that was deleted there; the one that is here is a copy."""
    (tmp_path / "loop2").mkdir()
    (tmp_path / "loop2/diskseq").write_text("17\n")
    monkeypatch.setattr(disks, "BLOCK_DEVICES", tmp_path)
    monkeypatch.setattr(os, "mknod", lambda *_: None)
    file = nodes / "core-01" / "sdb.img"
    there = [replace(in_use(2, file, file), sequence=17), replace(in_use(3, "/elsewhere", None), sequence=18)]
    monkeypatch.setattr(disks, "loops", lambda: there)
    disks.attach(nodes / "core-01", SDB)
    moved = tmp_path / "moved"
    shutil.copytree(nodes, moved)
    shutil.rmtree(nodes)
    assert disks.attached(moved / "core-01", SDB) == Path("/dev/loop2")
    assert [loop.device.name for loop in disks.ours(moved, there)] == ["loop2"]
    assert [path.name for path in copies.parts(moved / "core-01")] == ["sdb.img"], "a copy has no device yet"
    there[0] = replace(there[0], sequence=19)
    assert disks.ours(moved, there) == [], "detached, and attached to another file"
    assert disks.attached(moved / "core-01", SDB) is None
    there[0] = replace(there[0], sequence=17)
    monkeypatch.setattr(settings, "host_boot", lambda: "another")
    assert disks.ours(moved, there) == []
