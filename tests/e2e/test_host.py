"""Hosts as they are: a closed umask, and a state folder that is reached through a symbolic link and moved."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.calls import NAME, STATE, comes_to, lab

HOST = f"{NAME}-host"


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Another state folder behind a link, with the caches of the usual one, and a umask that closes all to others."""
    real = tmp_path / "a réal place"
    real.mkdir()
    for cache in ("userland", "image"):
        (real / cache).symlink_to(STATE / cache)
    (tmp_path / "link").symlink_to(real)
    monkeypatch.setenv("LAB_STATE_DIR", str(tmp_path / "link"))
    before = os.umask(0o077)
    yield tmp_path
    lab("destroy", "--name", HOST)
    os.umask(before)


def loops() -> list[str]:
    """The loop devices whose files are this test's."""
    listed = subprocess.run(
        ["losetup", "--list", "--noheadings", "--output", "BACK-FILE"], capture_output=True, text=True, check=True
    )
    return [line for line in listed.stdout.splitlines() if "a réal place" in line or "moved" in line]


def test_a_closed_umask_and_a_state_folder_behind_a_link(state: Path) -> None:
    # Container images are built here, under that umask, too.
    lab("up", "--name", HOST, "--nodes", "1", "--disks", "1", "--disk-size", "64M")
    seen = lab("ssh", "--name", HOST, "core-01", "stat --format=%a / /var /home/core").out.split()
    assert seen == ["755", "755", "755"]
    for fault in ("lose-disk", "kill"):
        lab("break", "core-01", "--name", HOST, "--fault", fault)
        lab("heal", "--name", HOST)
    comes_to(lambda: len(loops()), 1)  # that of the lost machine ends with its last user
    lab("ssh", "--name", HOST, "core-01", "sudo dd if=/dev/sdb of=/dev/null bs=1M count=1")
    (state / "a réal place").rename(state / "moved")
    (state / "link").unlink()
    (state / "link").symlink_to("moved")
    lab("break", "core-01", "--name", HOST, "--fault", "lose-disk")
    lab("heal", "--name", HOST)
    lab("destroy", "--name", HOST)
    comes_to(loops, [])
