"""Mounts are seen in every mount namespace: that of a process, of a thread, and of none."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from coreos_lab.providers.nspawn import mount_namespaces
from coreos_lab.providers.nspawn.mount_namespaces import Seen

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
PRIVATE = ["unshare", "--mount", "--propagation", "private"]


def where(seen: Seen, folder: Path) -> list[str]:
    """The words for the places where a file system is seen on the folder."""
    return [words for words, there in seen.mounts.items() if any(mount.point == folder for mount in there)]


@pytest.fixture
def inside(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process in a namespace of its own, with a file system on the test's folder."""
    script = 'mount -t tmpfs tmpfs "$0" && echo ready && exec sleep 60'
    process = subprocess.Popen([*PRIVATE, "sh", "-c", script, tmp_path], stdout=subprocess.PIPE)
    try:
        assert process.stdout
        assert process.stdout.readline() == b"ready\n"
        yield process
    finally:
        process.kill()
        process.wait()


def older(monkeypatch: pytest.MonkeyPatch) -> None:
    """A kernel that has no list of mount namespaces."""

    def refuse() -> list[int]:
        raise OSError(25, "Inappropriate ioctl for device")

    monkeypatch.setattr(mount_namespaces, "_listed", refuse)


def newer(_monkeypatch: pytest.MonkeyPatch) -> None:
    try:
        for handle in mount_namespaces._listed():
            os.close(handle)
    except OSError as error:
        pytest.skip(f"this kernel lists no mount namespaces: {error}")


@pytest.mark.parametrize("kernel", [older, newer])
def test_a_namespace_that_only_a_descriptor_holds(
    inside: subprocess.Popen[bytes],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    kernel: Callable[[pytest.MonkeyPatch], None],
) -> None:
    kernel(monkeypatch)
    assert where(mount_namespaces.look(), tmp_path) == [f"as process {inside.pid} sees it"]
    with Path(f"/proc/{inside.pid}/ns/mnt").open("rb") as held:
        inside.kill()
        inside.wait()
        number = os.fstat(held.fileno()).st_ino
        assert where(mount_namespaces.look(), tmp_path) == [f"in mount namespace {number}, where no process is"]
    assert where(mount_namespaces.look(), tmp_path) == []


@pytest.mark.parametrize("kernel", [older, newer])
def test_a_namespace_that_only_a_mount_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kernel: Callable[[pytest.MonkeyPatch], None]
) -> None:
    kernel(monkeypatch)
    held, folder = tmp_path / "held", tmp_path / "folder"
    held.mkdir()
    folder.mkdir()
    script = """
        mount --bind "$0" "$0" && mount --make-private "$0" && touch "$0/mnt" &&
        unshare --mount="$0/mnt" --propagation private mount -t tmpfs tmpfs "$1" && echo ready && exec sleep 60
    """
    # A namespace can be mounted in one with a lower number only, and each processor numbers its own.
    alone = ["taskset", "--cpu-list", str(min(os.sched_getaffinity(0)))]
    with subprocess.Popen([*alone, *PRIVATE, "sh", "-c", script, held, folder], stdout=subprocess.PIPE) as holder:
        try:
            assert holder.stdout
            assert holder.stdout.readline() == b"ready\n"
            number = Path(f"/proc/{holder.pid}/root{held}/mnt").stat().st_ino
            assert where(mount_namespaces.look(), folder) == [f"in mount namespace {number}, where no process is"]
        finally:
            holder.kill()


def test_a_descriptor_that_was_another_files_meanwhile_hides_no_namespace(
    inside: subprocess.Popen[bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As of a command for another cluster, which opens namespaces and closes them again while it looks."""
    older(monkeypatch)
    with Path(f"/proc/{inside.pid}/ns/mnt").open("rb") as held, Path("/dev/null").open("rb") as reused:
        inside.kill()
        inside.wait()
        number = os.fstat(held.fileno()).st_ino
        entry, read = f"/proc/{os.getpid()}/fd/{reused.fileno()}", os.readlink
        monkeypatch.setattr(os, "readlink", lambda path: f"mnt:[{number}]" if str(path) == entry else read(path))
        seen = mount_namespaces.look()
        assert where(seen, tmp_path) == [f"in mount namespace {number}, where no process is"]
        assert not [line for line in seen.unseen if str(number) in line]


def test_what_cannot_be_looked_at_is_named(monkeypatch: pytest.MonkeyPatch, inside: subprocess.Popen[bytes]) -> None:
    def refuse(_handle: int) -> list[object]:
        raise PermissionError(1, "Operation not permitted")

    older(monkeypatch)
    monkeypatch.setattr(mount_namespaces, "_mounts_inside", refuse)
    with Path(f"/proc/{inside.pid}/ns/mnt").open("rb") as held:
        inside.kill()
        inside.wait()
        number = os.fstat(held.fileno()).st_ino
        assert f"mount namespace {number}: Operation not permitted" in mount_namespaces.look().unseen
