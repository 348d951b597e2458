"""Where container images lie for a registry to serve: the folder layout of the registry program (distribution, v2).

Written directly rather than by pushing: that takes no port and no process, is whole or not at all, and finding out
that nothing is to be done takes a few small reads. Layers are kept once; each cluster has its own names for them, so
that two clusters can each have a `helloworld` of their own.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path

from coreos_lab import disk, settings
from coreos_lab.containers import names


@dataclass(frozen=True)
class ContainerImage:
    """A container image that was built: the digests of its manifest, and of its blobs (configuration and layers).

    `size` is what a node pulls that has none of it, in bytes.
    """

    name: str
    digest: str
    blobs: tuple[str, ...]
    size: int


def blobs_folder() -> Path:
    """The blobs of all clusters, by content."""
    return settings.state_dir() / "containers" / "blobs"


def blob(digest: str) -> Path:
    """The file of a blob."""
    algorithm, _, value = digest.partition(":")
    return blobs_folder() / algorithm / value[:2] / value / "data"


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
    """Whether everything that a node would pull is there."""
    return all(blob(digest).exists() for digest in (image.digest, *image.blobs))


def offer(image: ContainerImage, storage: Path) -> bool:
    """Makes a storage give a container image under its name; says whether it did not before."""
    root = storage / "docker" / "registry" / "v2"
    repository, tag = names.split(image.name)
    _share_blobs(root)
    folder = root / "repositories" / repository
    links = [(folder / "_layers" / _path(digest) / "link", digest) for digest in image.blobs]
    links.append((folder / "_manifests" / "revisions" / _path(image.digest) / "link", image.digest))
    # Last, because from then on it can be pulled.
    links.append((folder / "_manifests" / "tags" / tag / "current" / "link", image.digest))
    changed = [(path, digest) for path, digest in links if _text(path) != digest]
    for path, digest in changed:
        disk.write_atomic(path, digest)
    return bool(changed)


def _share_blobs(root: Path) -> None:
    link = root / "blobs"
    target = os.path.relpath(blobs_folder(), root)  # relative: the state folder may be moved
    if not link.is_symlink() or os.readlink(link) != target:  # noqa: PTH115 - compared as it is written
        root.mkdir(parents=True, exist_ok=True)
        draft = root / f".blobs.{os.getpid()}"
        draft.unlink(missing_ok=True)
        draft.symlink_to(target)
        draft.replace(link)


def _path(digest: str) -> str:
    return digest.replace(":", "/")


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return ""


def _move(source: Path, digest: str) -> None:
    """Puts a file into its place among the blobs, on the disk before it is seen there."""
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
