"""Layers that a node's Docker need not pull, because they were built on this host.

Pulling costs a node seconds of hashing and unpacking for each 100 MB, and all nodes share the host's cores. So where
the provider can reach a node's Docker data, each layer of our builder's storage is entered there, with the builder's
own files, which the node sees read-only. Docker's `pull` then reports "Already exists" for it, and still fetches and
verifies the manifest and the configuration: names are resolved by the mirror.

Formats: Docker's `image/overlay2/layerdb` and `overlay2` folders (since Docker 1.10); `overlay-layers/layers.json` of
containers/storage. A layer that is not in both is pulled.
"""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from coreos_lab import disk, settings
from coreos_lab.containers import buildah, opacity

SEEN_AT = Path("/opt/coreos-lab/layers")  # `folder()` on a node
LINK_LENGTH = 26  # Docker's: short names keep the options of an overlay mount below one page of memory
REPOSITORY = "docker.io/library/debian"  # the source of a digest, which Docker only uses when it pushes


@dataclass(frozen=True)
class Layer:
    """One layer on top of others. `chain` is Docker's digest for all of them (OCI image specification, ChainID).

    `folder` is its folder's name in the builder's storage, `size` the bytes of its uncompressed archive.
    """

    chain: str
    diff: str
    size: int
    folder: str
    parent: Layer | None = None

    @property
    def cache_id(self) -> str:
        """The name of its folder in Docker's storage."""
        return hashlib.sha256(f"coreos-lab {self.chain}".encode()).hexdigest()

    @property
    def link(self) -> str:
        """Its short name in Docker's storage."""
        return base64.b32encode(hashlib.sha256(self.cache_id.encode()).digest()).decode()[:LINK_LENGTH]

    @property
    def below(self) -> list[str]:
        """The short names of all layers below it, the nearest first."""
        return [f"l/{self.parent.link}", *self.parent.below] if self.parent else []


def folder() -> Path:
    """The layers' files on this host, a folder `ID/diff` each."""
    return buildah.store() / "root" / "overlay"


def built() -> Iterator[Layer]:
    """The layers in the builder's storage, each after its parent; none where it cannot carry overlays (vfs)."""
    index = buildah.store() / "root" / "overlay-layers" / "layers.json"
    if not index.exists():
        return
    by_id: dict[str, Layer] = {}
    waiting = disk.read_json(index)
    while waiting:
        ready = [raw for raw in waiting if not raw.get("parent") or raw["parent"] in by_id]
        if not ready:
            return  # the parents of the rest are missing
        waiting = [raw for raw in waiting if raw not in ready]
        for raw in ready:
            layer = _layer(raw, by_id)
            if layer:
                by_id[raw["id"]] = layer
                yield layer


def _layer(raw: dict[str, str], by_id: dict[str, Layer]) -> Layer | None:
    diff = raw.get("diff-digest")
    # A compressed layer has another digest in manifests than here. A layer with flags is being built.
    if not diff or raw.get("compressed-diff-digest", diff) != diff or "flags" in raw:
        return None
    parent = by_id.get(raw.get("parent", ""))
    chain = f"sha256:{hashlib.sha256(f'{parent.chain} {diff}'.encode()).hexdigest()}" if parent else diff
    return Layer(chain, diff, int(raw.get("diff-size", 0)), raw["id"], parent)


def missing(docker: Path) -> list[Layer]:
    """The layers that a node's Docker does not have; `docker` is its data folder."""
    return [layer for layer in built() if not (_database(docker) / _path(layer.chain)).exists()]


def preload(docker: Path) -> None:
    """Enters the layers into a node's Docker, which must not run."""
    for layer in missing(docker):
        opacity.mark_once(folder() / layer.folder / "diff", settings.state_dir() / "containers/opaque" / layer.folder)
        _preload_files(docker, layer)
        _preload_record(docker, layer)


def _preload_files(docker: Path, layer: Layer) -> None:
    """Writes a layer's folder of Docker's storage driver."""
    home = docker / "overlay2"
    place = home / layer.cache_id
    if place.exists():
        disk.remove_tree(place)  # of an interrupted call
    place.mkdir(parents=True, mode=0o710)
    (home / "l").mkdir(exist_ok=True, mode=0o700)
    (place / "diff").symlink_to(SEEN_AT / layer.folder / "diff")
    (place / "link").write_text(layer.link, encoding="utf-8")
    if layer.parent:
        (place / "lower").write_text(":".join(layer.below), encoding="utf-8")
        (place / "work").mkdir(mode=0o700)
    (place / "committed").touch(mode=0o600)
    short = home / "l" / layer.link
    short.unlink(missing_ok=True)
    short.symlink_to(f"../{layer.cache_id}/diff")


def _preload_record(docker: Path, layer: Layer) -> None:
    """Writes a layer's records in Docker's layer database, atomically."""
    distribution = docker / "image" / "overlay2" / "distribution"
    _write(distribution / "diffid-by-digest" / _path(layer.diff), layer.diff)
    origin = [{"Digest": layer.diff, "SourceRepository": REPOSITORY, "HMAC": ""}]
    _write(distribution / "v2metadata-by-diffid" / _path(layer.diff), json.dumps(origin))
    place = _database(docker) / _path(layer.chain)
    draft = _database(docker) / "tmp" / layer.cache_id
    shutil.rmtree(draft, ignore_errors=True)
    _write(draft / "cache-id", layer.cache_id)
    _write(draft / "diff", layer.diff)
    _write(draft / "size", str(layer.size))
    if layer.parent:
        _write(draft / "parent", layer.parent.chain)
    recipe = folder().with_name("overlay-layers") / f"{layer.folder}.tar-split.gz"
    if recipe.exists():  # `docker save` and `docker push` pack the files into the same archive with it
        shutil.copyfile(recipe, draft / "tar-split.json.gz")
    place.parent.mkdir(parents=True, exist_ok=True)
    draft.replace(place)


def _database(docker: Path) -> Path:
    return docker / "image" / "overlay2" / "layerdb"


def _path(digest: str) -> str:
    return digest.replace(":", "/")


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
