"""Extra disks: loop devices over sparse files, so that a node sees /dev/sdb and only written blocks cost space.

A loop device and its file are matched by the file's device number and inode: the same file has other paths behind links
and bind mounts, and after its folder was renamed. After a folder was moved to another file system its files are others,
so a record beside each file names the device that was made for it.
"""

from __future__ import annotations

import fcntl
import os
import stat
import struct
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from coreos_lab import run, settings
from coreos_lab.disk import write_atomic
from coreos_lab.errors import LabError
from coreos_lab.model import Disk

LOOP_MAJOR = 7  # the kernel's admin-guide/devices.txt
# From linux/loop.h: the ioctls, the size of struct loop_info64, and the position of its field lo_offset. Its first two
# fields are the device number and the inode of the file.
GET_STATUS, SET_STATUS, STATUS_BYTES, OFFSET_AT = 0x4C05, 0x4C04, 232, 24
BLOCK_DEVICES = Path("/sys/block")
RECORD = ".loop"  # the suffix of the record that names a disk's device


@dataclass(frozen=True)
class Loop:
    """A loop device in use. `backing` is the kernel's path of the file now, `file` its device number and inode.

    `file` is None where neither the device nor the file can be looked at from here. `sequence` is the number that the
    kernel counts up each time a device gets a file, None before Linux 5.15.
    """

    device: Path
    backing: str
    file: tuple[int, int] | None
    sequence: int | None = None


def backing(node_folder: Path, disk: Disk) -> Path:
    """The file that holds a disk's blocks."""
    return node_folder / f"{Path(disk.device).name}.img"


def loops() -> list[Loop]:
    """The loop devices in use."""
    found = []
    for path in BLOCK_DEVICES.glob("loop*/loop/backing_file"):
        with suppress(OSError):  # detached meanwhile
            name = os.fsdecode(path.read_bytes()).rstrip("\n")
            device = Path("/dev") / path.parents[1].name
            file = _file_behind(device) or _file(Path(name))
            found.append(Loop(device, name, file, _sequence(path.parents[1])))
    return found


def _sequence(block_device: Path) -> int | None:
    try:
        return int((block_device / "diskseq").read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None


def _record(node_folder: Path, disk: Disk) -> Path:
    return backing(node_folder, disk).with_suffix(RECORD)


def _write_down(record: Path, device: Path) -> None:
    sequence = _sequence(BLOCK_DEVICES / device.name)
    if sequence is not None:
        write_atomic(record, f"{settings.host_boot()} {sequence}\n")


def _recorded(record: Path) -> int | None:
    """The sequence number of a disk's device, if that was made since the host started."""
    try:
        boot, sequence = record.read_text(encoding="ascii").split()
        return int(sequence) if boot == settings.host_boot() else None
    except (OSError, ValueError):
        return None


def _file_behind(device: Path) -> tuple[int, int] | None:
    """A device's file by its own status; None where the device has no node here, or may not be opened."""
    try:
        handle = os.open(device, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        status = bytearray(STATUS_BYTES)
        fcntl.ioctl(handle, GET_STATUS, status)
        return struct.unpack_from("=QQ", status)
    except OSError:
        return None
    finally:
        os.close(handle)


def _file(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def attach(node_folder: Path, disk: Disk) -> Path:
    """The loop device of a disk; makes file and device if they are missing."""
    path = backing(node_folder, disk)
    if not path.exists():
        with path.open("wb") as out:
            out.truncate(disk.size)
    found = _of_file(path)
    before = attached(node_folder, disk)
    if before is not None and before != found:  # its file is the disk's copy from before the folder was moved
        run.run(["losetup", "--detach", before], check=False)
    refused: set[Path] = set()
    while found is None:
        done = run.run(["losetup", "--find", "--show", path], check=False)
        if done.returncode == 0:
            found = Path(done.stdout.strip())
            break
        free = Path(run.run(["losetup", "--find"]).stdout.strip())
        # One that is there by now may have been made meanwhile, by whoever starts another node: it gets one more try.
        if not _made(free) and free in refused:
            raise LabError(
                f"{path}: no loop device could be attached to it",
                "list the devices in use: losetup --list",
                done.stderr.strip(),
            )
        refused.add(free)
    _made(found)
    _write_down(_record(node_folder, disk), found)
    return found


def _made(device: Path) -> bool:
    """Makes a loop device's node where it is missing, as in a container without udev; returns whether it was."""
    if device.exists():
        return False
    with suppress(FileExistsError):  # another command was quicker
        os.mknod(device, 0o600 | stat.S_IFBLK, os.makedev(LOOP_MAJOR, int(device.name.removeprefix("loop"))))
    return True


def attached(node_folder: Path, disk: Disk) -> Path | None:
    """The loop device of a disk; None where it has none, as after a restart of the host."""
    sequence = _recorded(_record(node_folder, disk))
    by_record = (loop.device for loop in loops() if sequence is not None and loop.sequence == sequence)
    return next(by_record, None) or _of_file(backing(node_folder, disk))


def _of_file(path: Path) -> Path | None:
    file = _file(path)
    return next((loop.device for loop in loops() if file is not None and loop.file == file), None)


def require_attached(node_folder: Path, disk: Disk, remedy: str) -> Path:
    """The loop device of a running node's disk. LabError with that remedy where the device was detached by hand."""
    found = attached(node_folder, disk)
    if found is None:
        raise LabError(f"{backing(node_folder, disk)}: its loop device was detached", remedy)
    return found


def begin_at(device: Path, offset: int) -> None:
    """Makes a loop device begin at that offset of its file, also for programs that have it open.

    At the end of the file it has no byte left: reads and writes are I/O errors, and the file stays as it is.
    """
    handle = os.open(device, os.O_RDWR)
    try:
        status = bytearray(STATUS_BYTES)
        fcntl.ioctl(handle, GET_STATUS, status)
        struct.pack_into("=Q", status, OFFSET_AT, offset)
        fcntl.ioctl(handle, SET_STATUS, status)
    except OSError as error:
        raise LabError(f"{device}: its offset cannot be set: {error.strerror}") from None
    finally:
        os.close(handle)


def size(device: Path) -> int:
    """Bytes of a block device."""
    return int(Path(f"/sys/block/{device.name}/size").read_text(encoding="utf-8")) * 512


def ours(under: Path, among: list[Loop]) -> list[Loop]:
    """The loop devices of the disks in a folder of nodes or of one node.

    Their files lie there, or lay there until they were deleted, or they are on record there.
    """
    folders = [each for each in (under, *under.iterdir()) if each.is_dir()] if under.is_dir() else []
    files = {_file(path) for folder in folders for path in folder.glob("*.img")}
    sequences = {_recorded(path) for folder in folders for path in folder.glob(f"*{RECORD}")}
    return [
        loop
        for loop in among
        if (loop.file is not None and loop.file in files)
        or (loop.sequence is not None and loop.sequence in sequences)
        or Path(loop.backing).is_relative_to(under)
    ]


def forget(node_folder: Path, disk: Disk) -> None:
    """Removes a disk's file and its record from a node's folder."""
    backing(node_folder, disk).unlink(missing_ok=True)
    _record(node_folder, disk).unlink(missing_ok=True)


def detach(under: Path) -> None:
    """Detaches every loop device of a node's folder."""
    for loop in ours(under, loops()):
        _made(loop.device)
        run.run(["losetup", "--detach", loop.device], check=False)
