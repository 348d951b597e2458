"""Extra disks: loop devices over sparse files, so that a node sees /dev/sdb and only written blocks cost space."""

from __future__ import annotations

import fcntl
import json
import os
import stat
import struct
from pathlib import Path

from coreos_lab import run
from coreos_lab.errors import LabError
from coreos_lab.model import Disk

LOOP_MAJOR = 7  # the kernel's admin-guide/devices.txt
# From linux/loop.h: the calls, the bytes of struct loop_info64, and where in it the offset of the first byte is.
GET_STATUS, SET_STATUS, STATUS_BYTES, OFFSET_AT = 0x4C05, 0x4C04, 232, 24


def backing(node_folder: Path, disk: Disk) -> Path:
    """The file that holds a disk's blocks."""
    return node_folder / f"{Path(disk.device).name}.img"


def devices() -> dict[Path, Path]:
    """Loop devices in use, by the file behind them."""
    listed = run.run(["losetup", "--list", "--json", "--output", "NAME,BACK-FILE"]).stdout
    entries = json.loads(listed or "{}").get("loopdevices", [])
    return {Path(e["back-file"].removesuffix(" (deleted)")): Path(e["name"]) for e in entries if e["back-file"]}


def attach(node_folder: Path, disk: Disk) -> Path:
    """The loop device of a disk; file and device are made if they are not there.

    The file is recorded by its very name: whoever looks for the device later asks the kernel by that name.
    """
    path = backing(node_folder, disk)
    if not path.exists():
        with path.open("wb") as out:
            out.truncate(disk.size)
    found = devices().get(path)
    while found is None:
        done = run.run(["losetup", "--find", "--show", path], check=False)
        if done.returncode == 0:
            found = Path(done.stdout.strip())
        elif not _made(Path(run.run(["losetup", "--find"]).stdout.strip())):
            raise LabError(
                f"{path}: no loop device takes it", "see which there are: losetup --list", done.stderr.strip()
            )
    _made(found)
    return found


def _made(device: Path) -> bool:
    """Makes a loop device's node where it is missing, as in a container without udev; says whether it was."""
    if device.exists():
        return False
    os.mknod(device, 0o600 | stat.S_IFBLK, os.makedev(LOOP_MAJOR, int(device.name.removeprefix("loop"))))
    return True


def attached(node_folder: Path, disk: Disk) -> Path | None:
    """The loop device of a disk; None where it has none, as after a restart of the host."""
    return devices().get(backing(node_folder, disk))


def require_attached(node_folder: Path, disk: Disk) -> Path:
    """The loop device of a disk of a node that runs. LabError where it is gone: removed by somebody else."""
    found = attached(node_folder, disk)
    if found is None:
        raise LabError(f"{backing(node_folder, disk)}: is no disk of any machine now", "lab destroy, then lab up")
    return found


def begin_at(device: Path, offset: int) -> None:
    """Lets a loop device show its file from there on, whoever has it open.

    From the file's end on there is nothing to show: reading and writing are I/O errors, and the file stays as it is.
    """
    handle = os.open(device, os.O_RDWR)
    try:
        status = bytearray(STATUS_BYTES)
        fcntl.ioctl(handle, GET_STATUS, status)
        struct.pack_into("=Q", status, OFFSET_AT, offset)
        fcntl.ioctl(handle, SET_STATUS, status)
    except OSError as error:
        raise LabError(f"{device}: cannot be changed: {error.strerror}") from None
    finally:
        os.close(handle)


def size(device: Path) -> int:
    """Bytes of a block device."""
    return int(Path(f"/sys/block/{device.name}/size").read_text(encoding="utf-8")) * 512


def detach(under: Path) -> None:
    """Gives back every loop device whose file lies under a folder."""
    for path, device in devices().items():
        if under in path.parents:
            run.run(["losetup", "--detach", device], check=False)


def left(under: Path) -> list[str]:
    """Loop devices whose file lies, or lay, under a folder."""
    return [f"loop device {device}" for path, device in devices().items() if under in path.parents]
