"""Volumes of a cloud: files in a folder of the cloud, which the folder of the machine that has one links to.

So a disk looks to a machine's provider as every other one, lies on after its machine is gone, and says by the number of
its links whether a machine has it. A running machine gets and loses the device by volume_device.py.
"""

from __future__ import annotations

import os
import re
import stat
import sys
from collections.abc import Collection, Sequence
from contextlib import suppress
from pathlib import Path

import coreos_lab
from coreos_lab import run
from coreos_lab.model import Disk, Volume
from coreos_lab.providers.nspawn import disks

FOLDER = "volumes"
NAME = re.compile(r"(vol-[0-9a-f]+)[.]img")
# Called with -P, -E and -s: nothing of the user's is imported.
PLACE = "import sys; sys.path.insert(0, sys.argv.pop(1))"
CALL = f"{PLACE}\nfrom coreos_lab.providers.nspawn.volume_device import main; main()"


def converge(cloud: Path, node: Path, own: Sequence[Volume], base: int, pid: int | None) -> list[str]:
    """Makes a machine have these volumes and no others; returns the devices that it has then.

    `cloud` and `node` are the folders of the cloud and of the machine, `base` is the host's user id of its root, `pid`
    the host's id of its first process, None while it is off.
    """
    wanted = {Path(each.device).name: each for each in own}
    has = []
    for path in sorted(node.glob("*.img")):
        volume, device = wanted.get(path.stem), f"/dev/{path.stem}"
        is_its_own = volume is not None and _file(cloud, volume).samefile(path)
        if not is_its_own and not _take(node, Disk(device, 0), pid):
            has.append(device)
    for volume in own:
        if volume.device not in has and give(cloud, node, volume):
            if pid is not None:
                _plug(disks.attach(node, volume), volume.device, base, pid)
            has.append(volume.device)
    return has


def give(cloud: Path, node: Path, volume: Volume) -> bool:
    """Links a volume into a machine's folder, and makes it if it is not there; False while another machine has it."""
    file, own = _file(cloud, volume), disks.backing(node, volume)
    if own.exists():
        return True
    if not file.exists():
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = file.with_suffix(".draft")
        with draft.open("wb") as out:
            out.truncate(volume.size)
        draft.replace(file)
    if file.stat().st_nlink > 1:
        return False
    node.mkdir(parents=True, exist_ok=True)
    os.link(file, own)
    return True


def keep(cloud: Path, kept: Collection[str]) -> None:
    """Removes the volumes that are not among these ids. A machine that still has one keeps its blocks until it ends."""
    for path in (cloud / FOLDER).glob("*.img"):
        if (match := NAME.fullmatch(path.name)) and match[1] not in kept:
            path.unlink()


def _file(cloud: Path, volume: Volume) -> Path:
    return cloud / FOLDER / f"{volume.id}.img"


def _plug(loop: Path, device: str, base: int, pid: int) -> None:
    """Shows a running machine a device, unless it sees it already."""
    with suppress(OSError):
        found = os.lstat(f"/proc/{pid}/root{device}")
        if stat.S_ISBLK(found.st_mode) and found.st_rdev == loop.stat().st_rdev:
            return
    _call("plug", str(pid), str(base), str(loop), device)


def _take(node: Path, disk: Disk, pid: int | None) -> bool:
    """Takes a volume from a machine; returns whether it is gone. One that is mounted or open stays.

    The kernel detaches a loop device that is in use only once it is not any more, and shows it until then.
    """
    loop = disks.attached(node, disk)
    if loop is not None:
        if pid is not None and not _call("unplug", str(pid), str(loop), disk.device):
            return False
        run.run(["losetup", "--detach", loop], check=False)
        if disks.attached(node, disk) is not None:
            return False
    disks.forget(node, disk)
    return True


def _call(*words: str) -> bool:
    packages = Path(coreos_lab.__file__).parents[1]
    return run.run([sys.executable, "-PEs", "-c", CALL, packages, *words], check=False, timeout=20).returncode == 0
