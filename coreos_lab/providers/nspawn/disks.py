"""Extra disks: loop devices over sparse files, so that a node sees /dev/sdb and only written blocks cost space."""

from __future__ import annotations

import json
import os
from pathlib import Path

from coreos_lab import run
from coreos_lab.model import Disk


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
    if found is None:
        found = Path(run.run(["losetup", "--find", "--show", path]).stdout.strip())
    if not found.exists():  # a container without udev has no node for a device made later
        number = int(found.name.removeprefix("loop"))
        os.mknod(found, 0o600 | 0o060000, os.makedev(7, number))
    return found


def detach(under: Path) -> None:
    """Gives back every loop device whose file lies under a folder."""
    for path, device in devices().items():
        if under in path.parents:
            run.run(["losetup", "--detach", device], check=False)


def left(under: Path) -> list[str]:
    """Loop devices whose file lies, or lay, under a folder."""
    return [f"loop device {device}" for path, device in devices().items() if under in path.parents]
