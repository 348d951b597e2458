"""Layers that a node's Docker need not pull: those that were built on this host lie on this host already.

Pulling costs a node seconds of hashing and unpacking for each 100 MB, and all nodes share the host's cores. So where
the provider can reach a node's Docker data, each layer of our builder's storage is entered there, and its files are
the builder's own, seen read-only by the node. Docker's `pull` then says "Already exists" of it, and still fetches and
verifies the manifest and the configuration: names keep meaning what the mirror says.

Formats: Docker's `image/overlay2/layerdb` and `overlay2` folders (since Docker 1.10); `overlay-layers/layers.json` of
containers/storage. Where a layer is not found in either, it is pulled, and that is all.
"""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from coreos_lab import disk
from coreos_lab.containers import buildah

SEEN_AT = Path("/opt/coreos-lab/layers")  # where a node has `folder()`
LINK_LENGTH = 26  # Docker's own: short names keep the list of an overlay's folders below a page
REPOSITORY = "docker.io/library/debian"  # what a digest was pulled from; it only matters to who pushes to it


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
        """Its short name there."""
        return base64.b32encode(hashlib.sha256(self.cache_id.encode()).digest()).decode()[:LINK_LENGTH]

    @property
    def below(self) -> list[str]:
        """The short names of all that it lies on, the nearest first."""
        return [f"l/{self.parent.link}", *self.parent.below] if self.parent else []


def folder() -> Path:
    """The layers' files on this host, a folder `ID/diff` each."""
    return buildah.store() / "root" / "overlay"


def built() -> Iterator[Layer]:
    """The layers in the builder's storage, each after its parent; none where it cannot carry overlays (vfs)."""
    index = buildah.store() / "root" / "overlay-layers" / "layers.json"
    if not index.exists():
        return
    known: dict[str, Layer] = {}
    waiting = disk.read_json(index)
    while waiting:
        ready = [raw for raw in waiting if not raw.get("parent") or raw["parent"] in known]
        if not ready:
            return  # what is left lies on something that is not there
        waiting = [raw for raw in waiting if raw not in ready]
        for raw in ready:
            layer = _layer(raw, known)
            if layer:
                known[raw["id"]] = layer
                yield layer


def _layer(raw: dict[str, str], known: dict[str, Layer]) -> Layer | None:
    diff = raw.get("diff-digest")
    # A compressed one has another digest in manifests than here. One being built is not whole yet.
    if not diff or raw.get("compressed-diff-digest", diff) != diff or "flags" in raw:
        return None
    parent = known.get(raw.get("parent", ""))
    chain = f"sha256:{hashlib.sha256(f'{parent.chain} {diff}'.encode()).hexdigest()}" if parent else diff
    return Layer(chain, diff, int(raw.get("diff-size", 0)), raw["id"], parent)


def missing(docker: Path) -> list[Layer]:
    """The layers that a node's Docker does not know, `docker` being its data folder."""
    return [layer for layer in built() if not (_database(docker) / _path(layer.chain)).exists()]


def plant(docker: Path) -> None:
    """Enters the layers into a node's Docker, which must not run."""
    for layer in missing(docker):
        _plant_files(docker, layer)
        _plant_record(docker, layer)


def _plant_files(docker: Path, layer: Layer) -> None:
    """What Docker's storage driver knows of a layer."""
    home = docker / "overlay2"
    place = home / layer.cache_id
    if place.exists():
        disk.remove_tree(place)  # half planted
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


def _plant_record(docker: Path, layer: Layer) -> None:
    """What Docker's layer database knows of it; whole or not at all."""
    known = docker / "image" / "overlay2" / "distribution"
    _write(known / "diffid-by-digest" / _path(layer.diff), layer.diff)
    origin = [{"Digest": layer.diff, "SourceRepository": REPOSITORY, "HMAC": ""}]
    _write(known / "v2metadata-by-diffid" / _path(layer.diff), json.dumps(origin))
    place = _database(docker) / _path(layer.chain)
    draft = _database(docker) / "tmp" / layer.cache_id
    shutil.rmtree(draft, ignore_errors=True)
    _write(draft / "cache-id", layer.cache_id)
    _write(draft / "diff", layer.diff)
    _write(draft / "size", str(layer.size))
    if layer.parent:
        _write(draft / "parent", layer.parent.chain)
    recipe = folder().with_name("overlay-layers") / f"{layer.folder}.tar-split.gz"
    if recipe.exists():  # how to pack the files into the very same archive: for `docker save` and `docker push`
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
