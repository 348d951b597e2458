"""Files that are never half-written, locks that name their holder, folders that are whole or absent.

One long module because these depend on each other: a folder is whole by a lock, a draft and an atomic rename.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from coreos_lab import events, mounts, namespaces, run
from coreos_lab.errors import LabError, UsageError

CONTROLS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[\x00-\x08\x0b-\x1f]")  # ECMA-48's sequences, and single characters


def write_atomic(path: Path, text: str, mode: int = 0o644) -> None:
    """Writes a file atomically; it is on the disk when this returns."""
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
    """Syncs a folder: without that a rename in it may be lost in a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_json(path: Path) -> Any:
    """A JSON file's value. LabError that names the file when it is not valid."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise LabError(f"{path}: not valid JSON: {error}") from None


def entries(folder: Path) -> list[Path]:
    """What lies in a folder, by name; nothing where it is not there.

    Path.glob fails where a folder goes while it is looked into, as those of other clusters and clouds may.
    """
    try:
        return sorted(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []


def text(path: Path) -> str:
    """A text file that a user wrote. UsageError with file and line where it is not UTF-8."""
    data = path.read_bytes()
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UsageError(f"{shown(path)}:{line}: not UTF-8", "save the file as UTF-8") from None


def shown(path: Path) -> str:
    """A path for messages: relative to the working directory if it is below that."""
    try:
        here = Path.cwd()
    except FileNotFoundError:  # the working directory was removed
        return str(path)
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


def last_lines(path: Path, lines: int) -> str:
    """The end of a log or a console's output, without empty lines and terminals' control sequences.

    "" when it cannot be read: the caller is about to report another error.
    """
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    plain = (CONTROLS.sub("", line).rstrip() for line in text.splitlines())
    return "\n".join([line for line in plain if line][-lines:])


def _holder(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip() or "another command"
    except OSError:
        return "another command"


@contextmanager
def lock(path: Path, what: str, *, wait: bool) -> Iterator[None]:
    """Holds `path` as a lock for the block; the kernel releases it however this process ends.

    `what` names the holder to a second command, which waits (and reports for what) or gets a LabError.
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
        with suppress(OSError):  # a full disk: the holder's name is missing then
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{what} (process {os.getpid()})\n".encode(errors="replace"), 0)
        yield
        os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)


def mode_in_git(path: Path) -> int:
    """A file's or folder's mode as git records it, whatever umask it was checked out with."""
    return 0o755 if path.stat().st_mode & stat.S_IXUSR else 0o644


def copy_as_in_git(source: Path, target: Path, leave_out: str = "") -> None:
    """Copies a folder to a path that does not exist yet, each file and folder with the mode that git records.

    `leave_out` is a pattern of names that are not copied.
    """
    shutil.copytree(source, target, ignore=shutil.ignore_patterns(leave_out), symlinks=True)
    for path in (target, *target.rglob("*")):
        if not path.is_symlink():
            path.chmod(mode_in_git(path))


def content_hash(parts: Iterable[Path | str]) -> str:
    """A short hash over texts, and over files with their names and modes in git; of folders, over all their files."""
    digest = hashlib.sha256()

    def add(name: str, payload: bytes) -> None:
        digest.update(f"{name}\0{len(payload)}\0".encode())
        digest.update(payload)

    def add_file(name: str, path: Path) -> None:
        if path.is_symlink():
            add(f"{name} link", str(path.readlink()).encode())
        else:
            add(f"{name} {mode_in_git(path):o}", path.read_bytes())

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
    names = [str(path) for path in paths]
    if not names:
        return 0
    # Files that are in use may be removed meanwhile: du reports those and goes on.
    call = ["du", "--summarize", "--total", "--one-file-system", "--block-size=1", "--", *names]
    return int(run.run(call, check=False).stdout.strip().splitlines()[-1].split()[0])


def remove_tree(folder: Path) -> None:
    """Removes a folder with all in it, after unmounting what a killed builder or node left mounted there.

    Never deletes through a mount: raises LabError when one cannot be unmounted.
    """
    for _ in range(8):  # mounts may be stacked
        mounted = mounts.on(folder)
        if not mounted:
            break
        for mount in reversed(mounted):
            run.run(["umount", "--lazy", mount.point], check=False)
    else:
        points = ", ".join(str(mount.point) for mount in mounted)
        raise LabError(f"{folder}: still mounted: {points}", "unmount it, then try again")
    shutil.rmtree(folder, ignore_errors=False) if folder.is_dir() else folder.unlink(missing_ok=True)


def remove_at_once(folder: Path) -> None:
    """Removes a folder atomically, by a rename first: an interruption leaves no half of it under its name.

    The renamed rest is hidden beside it, and removed by the next call.
    """
    gone = folder.with_name(f".{folder.name}.gone")
    if folder.exists():
        if gone.exists():
            remove_tree(gone)
        folder.rename(gone)
    if gone.exists():
        remove_tree(gone)


def carries_overlays(folder: Path) -> tuple[bool, str]:
    """Whether an overlay of layers in this folder can be mounted, and why not. Tries it, and leaves nothing behind."""
    place = Path(tempfile.mkdtemp(prefix=".overlay-", dir=folder))
    try:
        for name in ("lower", "upper", "work", "root"):
            (place / name).mkdir()
        options = f"lowerdir={place / 'lower'},upperdir={place / 'upper'},workdir={place / 'work'}"
        call: list[str | Path] = ["mount", "-t", "overlay", "overlay", "-o", options, place / "root"]
        done = run.run(namespaces.contained(call), check=False)
    finally:
        remove_tree(place)
    return done.returncode == 0, (done.stderr.strip().splitlines() or [""])[0]


def cached_folder(
    folder: Path, what: str, build: Callable[[Path], None], is_whole: Callable[[], bool] = lambda: True
) -> Path:
    """A folder that is either whole or absent: `build` fills a draft beside it, which is then renamed.

    A second builder of the same folder waits for the first. The draft of a killed builder is removed, and so is a
    folder that `is_whole` refuses, since something that it needs is missing elsewhere.
    """
    if folder.is_dir() and is_whole():
        return folder
    with lock(folder.with_name(f"{folder.name}.lock"), what, wait=True):
        if folder.is_dir():
            if is_whole():
                return folder
            remove_tree(folder)
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
