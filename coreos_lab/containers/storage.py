"""The storage of container images that a registry serves: the folder layout of the registry program (distribution, v2).

It is written directly instead of by pushing: that takes no port and no process, is atomic, and a few small reads show
that nothing has changed. Each cluster has a storage, so that two clusters can each have a `helloworld` of their own.
What was built on this host lies on the disk once: the storages have hard links to it. What a cluster's nodes push is in
its storage alone.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from coreos_lab import disk, settings
from coreos_lab.containers import names


@dataclass(frozen=True)
class ContainerImage:
    """A container image that was built: the digests of its manifest, and of its blobs (configuration and layers).

    `size` is the bytes that a node pulls which has none of them.
    """

    name: str
    digest: str
    blobs: tuple[str, ...]
    size: int


def blobs_folder() -> Path:
    """The blobs of what was built on this host, by digest."""
    return settings.state_dir() / "containers" / "blobs"


def blob(digest: str) -> Path:
    """The file of a blob that was built on this host."""
    return blobs_folder() / _place(digest)


def _place(digest: str) -> Path:
    algorithm, _, value = digest.partition(":")
    return Path(algorithm, value[:2], value, "data")


def take(name: str, folder: Path) -> ContainerImage:
    """Moves a container image into the storage from the folder that buildah wrote it to (its transport `dir:`)."""
    manifest = folder / "manifest.json"
    raw = manifest.read_bytes()
    parts = json.loads(raw)
    described = [parts["config"], *parts["layers"]]
    for part in described:
        _move(folder / part["digest"].partition(":")[2], part["digest"])
    digest = f"sha256:{hashlib.sha256(raw).hexdigest()}"
    _move(manifest, digest)
    return ContainerImage(
        name, digest, tuple(part["digest"] for part in described), sum(part["size"] for part in described)
    )


def complete(image: ContainerImage) -> bool:
    """Whether all blobs that a node would pull are there."""
    return all(blob(digest).exists() for digest in (image.digest, *image.blobs))


def offer(image: ContainerImage, storage: Path) -> bool:
    """Adds a container image to a storage under its name; returns whether that changed anything."""
    root = prepare(storage)
    repository, tag = names.split(image.name)
    for digest in (image.digest, *image.blobs):
        _link(digest, root / "blobs")
    folder = root / "repositories" / repository
    links = [(folder / "_layers" / _path(digest) / "link", digest) for digest in image.blobs]
    links.append((folder / "_manifests" / "revisions" / _path(image.digest) / "link", image.digest))
    # Last, because from then on it can be pulled.
    links.append((folder / "_manifests" / "tags" / tag / "current" / "link", image.digest))
    changed = [(path, digest) for path, digest in links if _text(path) != digest]
    for path, digest in changed:
        disk.write_atomic(path, digest)
    return bool(changed)


def prepare(storage: Path) -> Path:
    """Makes the folder of a storage ready for pushes; returns the root of its layout.

    Older versions of lab had a symbolic link to the blobs of all clusters, to which no node may add.
    """
    root = storage / "docker" / "registry" / "v2"
    blobs = root / "blobs"
    if blobs.is_symlink():
        draft = root / f".blobs.{os.getpid()}"
        disk.remove_tree(draft)
        for digest in {_text(link) for link in (root / "repositories").rglob("link")}:
            if blob(digest).exists():
                _link(digest, draft)
        draft.mkdir(exist_ok=True)
        blobs.unlink()
        draft.rename(blobs)
    blobs.mkdir(parents=True, exist_ok=True)
    return root


def _link(digest: str, blobs: Path) -> None:
    """Adds a blob of this host to a storage's blobs: as a hard link, or copied where the file system has none."""
    target = blobs / _place(digest)
    if target.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f".data.{os.getpid()}")
    draft.unlink(missing_ok=True)
    try:
        draft.hardlink_to(blob(digest))
    except OSError:
        shutil.copyfile(blob(digest), draft)
    draft.replace(target)


def _path(digest: str) -> str:
    return digest.replace(":", "/")


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return ""


def _move(source: Path, digest: str) -> None:
    """Moves a file to its path among the blobs, after it was synced to the disk."""
    target = blob(digest)
    if target.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(source, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    source.replace(target)
    disk.sync_folder(target.parent)
