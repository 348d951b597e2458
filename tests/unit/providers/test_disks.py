"""Extra disks where nobody makes the nodes of loop devices."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from coreos_lab import run
from coreos_lab.errors import LabError
from coreos_lab.model import Disk
from coreos_lab.providers.nspawn import disks

SDB = Disk("/dev/sdb", 2**20)


class Losetup:
    """losetup(8), for which loop9 is the next that is free; it takes that when it is there, unless it `refuses`."""

    def __init__(self, device: Path) -> None:
        self.device = device
        self.refuses = False

    def __call__(self, argv: list[str | Path], **_options: object) -> run.Completed:
        call = tuple(str(word) for word in argv)
        if "--list" in call:
            return run.Completed(call, 0, "", "")
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


def test_where_no_device_takes_it_that_is_said(losetup: Losetup, tmp_path: Path) -> None:
    losetup.refuses = True
    with pytest.raises(LabError, match=r"sdb\.img: no loop device takes it") as refused:
        disks.attach(tmp_path, SDB)
    assert refused.value.details == "failed to set up loop device"
