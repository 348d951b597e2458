"""Files that must never be half-written, and locks that say who holds them."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from coreos_lab import events, run
from coreos_lab.errors import LabError

CONTROLS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[\x00-\x08\x0b-\x1f]")  # ECMA-48's sequences, and single characters


def write_atomic(path: Path, text: str, mode: int = 0o644) -> None:
    """Writes a file whole or not at all, and on the disk before this returns."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as out:
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Makes the names in a folder last: without it a rename may be lost in a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_json(path: Path) -> Any:
    """A JSON file's value. Raises LabError that names the file when it is no JSON."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise LabError(f"{path}: not valid JSON: {error}") from None


def last_lines(path: Path, lines: int) -> str:
    """The end of a log or of a console's record, without empty lines and terminals' control sequences.

    Nothing when it cannot be read: whoever asks has a trouble of their own to tell.
    """
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    plain = (CONTROLS.sub("", line).rstrip() for line in text.splitlines())
    return "\n".join([line for line in plain if line][-lines:])


def _holder(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip() or "somebody"
    except OSError:
        return "somebody"


@contextmanager
def lock(path: Path, what: str, *, wait: bool) -> Iterator[None]:
    """Holds `path` as a lock for the block; the kernel lets go of it however we end.

    `what` names the holder for whoever comes second, who waits (and says for whom) or gets a LabError.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if not wait:
                raise LabError(
                    f"{path.stem.lstrip('.')}: busy: {_holder(path)}", "wait for it to end, then try again"
                ) from None
            events.note("lock", f"waiting for {_holder(path)}")
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{what} (process {os.getpid()})\n".encode(), 0)
        yield
        os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)


def content_hash(parts: Iterable[Path | str]) -> str:
    """A short hash over texts and over files with their names and modes; folders are taken whole."""
    digest = hashlib.sha256()

    def add(name: str, payload: bytes) -> None:
        digest.update(f"{name}\0{len(payload)}\0".encode())
        digest.update(payload)

    def add_file(name: str, path: Path) -> None:
        if path.is_symlink():
            add(f"{name} link", str(path.readlink()).encode())
        else:
            add(f"{name} {path.stat().st_mode & 0o777:o}", path.read_bytes())

    for part in parts:
        if isinstance(part, str):
            add("text", part.encode())
        elif part.is_dir():
            for path in sorted(part.rglob("*")):
                if "__pycache__" not in path.parts and (path.is_symlink() or path.is_file()):
                    add_file(str(path.relative_to(part)), path)
        else:
            add_file(part.name, part)
    return digest.hexdigest()[:16]


def size(paths: Iterable[Path]) -> int:
    """Bytes that files and folders take on the disk; holes take none."""
    found = [str(path) for path in paths]
    if not found:
        return 0
    # What is in use changes while it is counted: du says which file is gone, and goes on.
    call = ["du", "--summarize", "--total", "--one-file-system", "--block-size=1", "--", *found]
    return int(run.run(call, check=False).stdout.strip().splitlines()[-1].split()[0])


def remove_tree(folder: Path) -> None:
    """Removes a folder with all in it, after unmounting what a dead builder or node left mounted there.

    Never deletes through a mount: raises LabError when one cannot be taken off.
    """
    for _ in range(8):  # mounts may be stacked
        mounted = [path for path in mount_points() if path == folder or folder in path.parents]
        if not mounted:
            break
        for path in sorted(mounted, key=lambda p: len(p.parts), reverse=True):
            run.run(["umount", "--lazy", path], check=False)
    else:
        raise LabError(f"{folder}: still mounted: {', '.join(map(str, mounted))}", "unmount it, then try again")
    shutil.rmtree(folder, ignore_errors=False) if folder.is_dir() else folder.unlink(missing_ok=True)


def mount_points() -> list[Path]:
    """Every mount point of this mount namespace, in the order of mounting."""
    lines = Path("/proc/self/mounts").read_text(encoding="utf-8", errors="replace").splitlines()
    return [Path(line.split()[1].replace("\\040", " ")) for line in lines]


def cached_folder(folder: Path, what: str, build: Callable[[Path], None]) -> Path:
    """A folder that is either whole or not there: `build` fills a draft beside it, which is then renamed.

    A second builder of the same folder waits for the first. A draft left by one that died is removed.
    """
    if folder.is_dir():
        return folder
    with lock(folder.with_name(f"{folder.name}.lock"), what, wait=True):
        if folder.is_dir():
            return folder
        draft = folder.with_name(f"{folder.name}.draft")
        if draft.exists():
            remove_tree(draft)
        draft.mkdir(parents=True)
        try:
            build(draft)
        except BaseException:
            remove_tree(draft)
            raise
        draft.rename(folder)
        sync_folder(folder.parent)
    return folder
