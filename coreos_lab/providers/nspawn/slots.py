"""A node's two slots for machine images, and its boot loader, which chooses one of them at each boot.

The file /boot/slots on the node's disk says what is in each slot. The node's update engine writes it while the node
runs, the boot loader before it runs, as Container Linux's wrote the attributes of its partitions USR-A and USR-B: a
slot has a priority, tries that are left, and whether it has come up before. The trees are on the host, where all nodes
boot the same ones: a slot names one of them.

The file is the node's own: nothing in it is trusted, and no symbolic link is followed. Only light modules are imported:
boot.py runs at every boot.
"""

from __future__ import annotations

import os
from collections.abc import Callable

FOLDER, FILE = "boot", "slots"
NAMES = ("A", "B")
LARGEST = 4096  # bytes that are read of a file; that of the slots has three lines


class Slot:
    """One slot; `image` is "" where it is empty."""

    def __init__(self, image: str = "", priority: int = 0, tries: int = 0, *, successful: bool = False) -> None:
        self.image, self.priority, self.tries, self.successful = image, priority, tries, successful

    def __str__(self) -> str:
        return f"image={self.image} priority={self.priority} tries={self.tries} successful={int(self.successful)}"


class Slots:
    """Both slots, and which one was booted last."""

    def __init__(self, booted: str, slots: dict[str, Slot]) -> None:
        self.booted, self.slots = booted, slots

    @property
    def image(self) -> str:
        """The machine image that was booted last."""
        return self.slots[self.booted].image

    def __str__(self) -> str:
        return f"booted={self.booted}\n" + "".join(f"{name} {self.slots[name]}\n" for name in NAMES)


def is_image(text: str) -> bool:
    """Whether a text can be a machine image's name: a hash, or one with a number."""
    key, hyphen, number = text.partition("-")
    return 0 < len(key) <= 64 and set(key) <= set("0123456789abcdef") and (number.isdecimal() or not hyphen)  # noqa: PLR2004


def fresh(image: str) -> Slots:
    """The slots of a node that was made with a machine image."""
    return Slots("A", {"A": Slot(image, 1, successful=True), "B": Slot()})


def parse(text: str) -> Slots | None:
    """What a file of slots says; None for one that does not say which slot was booted."""
    booted, slots = "", {name: Slot() for name in NAMES}
    for line in text.splitlines():
        name, _, rest = line.partition(" ")
        if name.startswith("booted="):
            booted = name.removeprefix("booted=")
        elif name in slots:
            slots[name] = _slot(dict(word.split("=", 1) for word in rest.split() if "=" in word))
    return Slots(booted, slots) if booted in slots and slots[booted].image else None


def _slot(values: dict[str, str]) -> Slot:
    def number(name: str) -> int:
        text = values.get(name, "")
        return int(text) if text in map(str, range(10)) else 0

    image, successful = values.get("image", ""), values.get("successful") == "1"
    return Slot(image if is_image(image) else "", number("priority"), number("tries"), successful=successful)


def choose(slots: Slots, there: Callable[[str], bool]) -> Slots:
    """What the boot loader does: takes the slot with the highest priority that has come up before or has a try left.

    `there` says whether an image is to be had. Where no slot qualifies, the one that was booted last is taken again.
    """
    able = [name for name in NAMES if slots.slots[name].image and there(slots.slots[name].image)]
    fit = [name for name in able if slots.slots[name].successful or slots.slots[name].tries]
    by_priority = sorted(fit, key=lambda name: slots.slots[name].priority, reverse=True)
    name = next(iter(by_priority or [name for name in able if name == slots.booted] or able), slots.booted)
    chosen = slots.slots[name]
    if not chosen.successful and chosen.tries:
        chosen = Slot(chosen.image, chosen.priority, chosen.tries - 1)
    return Slots(name, {**slots.slots, name: chosen})


def read(disk: str) -> Slots | None:
    """The slots of a node whose disk (its upper folder) is there; None where it has none, or none that can be read."""
    return parse(text(disk, FOLDER, FILE))


def text(disk: str, folder: str, file: str) -> str:
    """The beginning of a file on a node's disk, "" where it cannot be read. No symbolic link is followed."""
    try:
        within = _folder(disk, folder)
    except OSError:
        return ""
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=within)
        with os.fdopen(descriptor, "rb") as found:
            return found.read(LARGEST).decode("utf-8", "replace")
    except OSError:
        return ""
    finally:
        os.close(within)


def write(disk: str, slots: Slots) -> None:
    """Replaces the file of a node that is off. OSError where its disk does not let us."""
    os.makedirs(f"{disk}/{FOLDER}", exist_ok=True)  # noqa: PTH103 - pathlib is slow to import
    folder = _folder(disk, FOLDER)
    try:
        draft = f".{FILE}.boot"
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        with os.fdopen(os.open(draft, flags, 0o644, dir_fd=folder), "w", encoding="utf-8") as out:
            out.write(str(slots))
            out.flush()
            os.fsync(out.fileno())
        os.rename(draft, FILE, src_dir_fd=folder, dst_dir_fd=folder)
        os.fsync(folder)
    finally:
        os.close(folder)


def _folder(disk: str, name: str) -> int:
    upper = os.open(disk, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        return os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=upper)
    finally:
        os.close(upper)


def upcoming(disk: str, made_with: str, there: Callable[[str], bool]) -> Slots:
    """What the boot loader of a node will choose, where `made_with` is the image that it was made with."""
    return choose(read(disk) or fresh(made_with), there)


def boot(disk: str, given: str) -> str:
    """Chooses what a node boots, notes it on the node's disk, and returns the root tree.

    `given` is the tree of the image that the node was made with, .../image/NAME/rootfs: other images are beside it.
    """
    images, name = given.rsplit("/", 2)[0], given.split("/")[-2]
    chosen = upcoming(disk, name, lambda image: os.path.isdir(f"{images}/{image}/rootfs"))  # noqa: PTH112
    try:
        if str(chosen) != str(read(disk)):
            write(disk, chosen)
    except OSError as error:  # a disk on which somebody has removed the folder: it boots all the same
        print(f"/{FOLDER}/{FILE}: {error.strerror}", flush=True)
    return f"{images}/{chosen.image}/rootfs"
