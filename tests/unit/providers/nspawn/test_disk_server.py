"""What an instance is answered when it asks for a disk to be mounted. The mount itself is tested on a real instance."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from coreos_lab import run
from coreos_lab.model import Disk
from coreos_lab.providers.nspawn import disk_server, disks, instances
from coreos_lab.providers.nspawn.disk_server import DiskServer

OWN = (Disk("/dev/xvdb", 2**20),)


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The calls of the program that mounts, which fails for folders of that name."""
    made: list[list[str]] = []

    def called(argv: list[str | Path], **_more: object) -> subprocess.CompletedProcess[str]:
        words = [str(each) for each in argv]
        made.append(words)
        failed = "/fails" in words
        return subprocess.CompletedProcess(
            words, int(failed), "", "/fails: No such file or directory\n" if failed else ""
        )

    monkeypatch.setattr(run, "run", called)
    monkeypatch.setattr(disks, "attached", lambda _folder, _disk: Path("/dev/loop7"))
    return made


@pytest.fixture
def server(tmp_path: Path) -> Iterator[DiskServer]:
    folder = tmp_path / ("long" * 20) / "i-1"  # longer than a socket's path may be
    serving = DiskServer(folder, OWN, os.getuid(), lambda: 4711)
    yield serving
    serving.stop()


def ask(server: DiskServer, text: str) -> str:
    handle = os.open(server.folder / disk_server.FOLDER, os.O_RDONLY)
    with socket.socket(socket.AF_UNIX) as asking:
        asking.connect(f"/proc/self/fd/{handle}/socket")
        os.close(handle)
        asking.sendall(text.encode())
        asking.shutdown(socket.SHUT_WR)
        return asking.makefile().read()


def test_an_own_disk_is_mounted_where_the_instance_wants_it(server: DiskServer, calls: list[list[str]]) -> None:
    assert ask(server, "/dev/xvdb\n/var/lib/docker\nrw,noatime\n") == "mounted\n"
    assert calls[0][-6:] == ["4711", str(os.getuid()), "/dev/loop7", "/dev/xvdb", "/var/lib/docker", "rw"]
    ask(server, "/dev/xvdb\n/var/lib/docker\nnoatime,ro\n")
    assert calls[1][-1] == "ro"


def test_other_devices_folders_and_failures_are_answered_with_a_line(
    server: DiskServer, calls: list[list[str]]
) -> None:
    assert ask(server, "/dev/loop7\n/mnt\n\n") == "/dev/loop7: not a disk of this instance, which has: /dev/xvdb\n"
    assert "not a disk" in ask(server, "/dev/xvdb\nmnt\n\n")
    assert "not a disk" in ask(server, "")
    assert "not a disk" in ask(server, "/dev/xvdb\n/m\0nt\n\n")
    assert not calls
    assert ask(server, "/dev/xvdb\n/fails\n\n") == "/dev/xvdb: /fails: No such file or directory\n"


def test_only_the_instance_s_root_is_served(tmp_path: Path, calls: list[list[str]]) -> None:
    serving = DiskServer(tmp_path / "i-2", OWN, os.getuid() + 1, lambda: 4711)
    assert ask(serving, "/dev/xvdb\n/mnt\n\n") == "only root may mount a disk\n"
    assert not calls
    assert (tmp_path / "i-2/disks/socket").stat().st_mode & 0o777 == 0o600
    serving.stop()


def test_a_machine_that_is_off_mounts_nothing(tmp_path: Path, calls: list[list[str]]) -> None:
    serving = DiskServer(tmp_path / "i-3", OWN, os.getuid(), lambda: None)
    assert ask(serving, "/dev/xvdb\n/mnt\n\n") == "/dev/xvdb: the disk is not attached\n"
    assert not calls
    serving.stop()


def test_a_server_takes_the_place_of_one_of_an_earlier_process(tmp_path: Path, calls: list[list[str]]) -> None:
    first = DiskServer(tmp_path / "i-4", OWN, os.getuid(), lambda: None)
    again = DiskServer(tmp_path / "i-4", OWN, os.getuid(), lambda: 4711)
    assert ask(again, "/dev/xvdb\n/mnt\n\n") == "mounted\n"
    assert calls
    for each in (first, again):
        each.stop()


def test_what_asks_is_given_to_the_instance_executable(tmp_path: Path) -> None:
    instances.furnish(tmp_path)
    assert (tmp_path / "mount.ext4").stat().st_mode & 0o777 == 0o755
    assert "/run/lab/docker" in (tmp_path / "upper/etc/systemd/system/docker.service.d/50-ec2.conf").read_text()
