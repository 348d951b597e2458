"""A function's code: an archive that is checked, unpacked once, and shown to the function's process read-only."""

from __future__ import annotations

import hashlib
import io
import stat
import zipfile
from base64 import b64decode, b64encode
from collections.abc import Collection
from pathlib import Path
from uuid import uuid4

from coreos_lab import disk
from coreos_lab.cloud.sigv4 import RefusedError

INVALID = "InvalidParameterValueException"
ARCHIVE_MAX, UNPACKED_MAX = 50 * 2**20, 250 * 2**20  # bytes
UNPACKED = "code-"  # how the names of folders with unpacked code begin
ASIDE = ".gone"  # how the name of a folder ends that is to be removed
BAD = "Could not unzip uploaded file. Please check your file, then try to upload again."


def decoded(text: str) -> bytes:
    """The archive in a request. RefusedError for what is no Base64."""
    try:
        return b64decode(text, validate=True)
    except ValueError:  # also for characters beyond ASCII, unlike binascii.Error
        raise RefusedError(INVALID, "ZipFile: not Base64") from None


def of_text(name: str, text: str) -> bytes:
    """An archive of one file, always the same one for the same text."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(zipfile.ZipInfo(name, (2000, 1, 1, 0, 0, 0)), text)
    return out.getvalue()


def digest(archive: bytes) -> str:
    """What Lambda calls CodeSha256."""
    return b64encode(hashlib.sha256(archive).digest()).decode()


def check(archive: bytes) -> None:
    """RefusedError for an archive that is none, or that is too large."""
    if len(archive) > ARCHIVE_MAX:
        raise RefusedError("RequestEntityTooLargeException", f"an archive has {ARCHIVE_MAX} bytes at most")
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as opened:
            files = [each for each in opened.infolist() if not each.is_dir()]
            damaged = opened.testzip() if sum(each.file_size for each in files) <= UNPACKED_MAX else None
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError):
        raise RefusedError(INVALID, BAD) from None
    if damaged is not None:
        raise RefusedError(INVALID, BAD)
    if not files:
        raise RefusedError(INVALID, "Uploaded file must be a non-empty zip")
    if sum(each.file_size for each in files) > UNPACKED_MAX:
        raise RefusedError(INVALID, f"Unzipped size must be smaller than {UNPACKED_MAX} bytes")


def folder_of(functions: Path, number: int, sha: str) -> Path:
    """Where a function's code is unpacked."""
    return functions / str(number) / f"{UNPACKED}{hashlib.sha256(sha.encode()).hexdigest()[:16]}"


def unpack(archive: bytes, place: Path) -> None:
    """Unpacks an archive, whole or not at all. Links in it become files: they could lead out of it."""

    def build(draft: Path) -> None:
        with zipfile.ZipFile(io.BytesIO(archive)) as opened:
            for each in opened.infolist():
                out = Path(opened.extract(each, draft))
                mode = each.external_attr >> 16
                out.chmod(0o755 if each.is_dir() or mode & stat.S_IXUSR else 0o644)

    disk.cached_folder(place, "unpacking a function's code", build)


def set_aside(functions: Path, needed: Collection[Path]) -> list[Path]:
    """Renames the folders of all code but that which is needed; returns what is to be removed.

    No code may be unpacked meanwhile, which takes no longer than renaming. What a killed process has left is among it.
    """
    numbers = {each.parent for each in needed}
    folders = [each for each in functions.glob("*/") if each.name.partition(".")[0].isdecimal()]
    gone = [each for each in folders if each not in numbers]
    for folder in numbers & set(folders):
        for each in folder.glob(f"{UNPACKED}*"):
            if each.is_dir() and each not in needed:
                gone.append(each)
            elif each.suffix == ".lock" and each.with_suffix("") not in needed:
                each.unlink()
    return [_aside(each) for each in gone]


def _aside(folder: Path) -> Path:
    """The folder under a name that no other code gets."""
    if folder.suffix == ASIDE:
        return folder
    place = folder.with_name(f"{folder.name}.{uuid4().hex[:8]}{ASIDE}")
    folder.rename(place)
    return place
