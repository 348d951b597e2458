"""Versions of a machine image: what an update of a cluster brings, and its tree.

A machine image that was built is named by its hash. The same image under another version, for practice, has the hash
and a number: HASH-2, HASH-3 ... Its tree consists of hard links, but for the files that tell a reader the version.
"""

from __future__ import annotations

from pathlib import Path

from coreos_lab import disk, events, run
from coreos_lab.errors import LabError
from coreos_lab.machine_image.folders import image_folder
from coreos_lab.machine_image.image import ensure_image, image_hash

TELLING = ("usr/lib/os-release", "etc/motd", "etc/issue")  # what customize.sh writes the version into


def following(image: str) -> str:
    """What an update brings: this lab's machine image where a cluster has another, else the same one's next version."""
    key, _, number = image.partition("-")
    built = image_hash()
    return built if key != built else f"{key}-{int(number or 1) + 1}"


def ensure(image: str) -> Path:
    """The root tree of an image, made if it is not there. LabError for one that this lab cannot make."""
    key, _, number = image.partition("-")
    if not number:
        return _base(key)
    folder = image_folder(image)

    def build(draft: Path) -> None:
        with events.step("machine image", message=f"{image}: {key} again, under another version"):
            run.run(["cp", "--archive", "--link", _base(key), draft / "rootfs"])
            for name in TELLING:
                path = draft / "rootfs" / name
                text = path.read_text(encoding="utf-8")
                path.unlink()  # the other version's file is the same one
                path.write_text(text.replace(key, image), encoding="utf-8")

    disk.cached_folder(folder, "making a version of the machine image", build)
    return folder / "rootfs"


def _base(key: str) -> Path:
    rootfs = image_folder(key) / "rootfs"
    if key == image_hash():
        return ensure_image()
    if not rootfs.is_dir():
        raise LabError(f"{rootfs}: the machine image is gone", "this lab cannot build another lab's machine image")
    return rootfs


def can_be_updated(image: str) -> bool:
    """Whether nodes with this machine image install updates: images of older labs do not know the second slot."""
    unit = image_folder(image) / "rootfs/usr/lib/systemd/system/update-engine.service"
    return "WantedBy=" in unit.read_text(encoding="utf-8") if unit.exists() else False
