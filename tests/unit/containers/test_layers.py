"""What is written into a node's Docker of the layers that were built on this host."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from coreos_lab.containers import buildah, layers

BASE, TOP = "sha256:" + "a" * 64, "sha256:" + "b" * 64


def digest(text: str) -> str:
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def layer(name: str, diff: str, parent: str = "", **more: object) -> dict[str, Any]:
    return {
        "id": name,
        "diff-digest": diff,
        "compressed-diff-digest": diff,
        "diff-size": 100,
        **({"parent": parent} if parent else {}),
        **more,
    }


def store(*described: dict[str, Any]) -> None:
    index = buildah.store() / "root" / "overlay-layers" / "layers.json"
    index.parent.mkdir(parents=True, exist_ok=True)
    index.write_text(json.dumps(described))


@pytest.fixture
def docker(tmp_path: Path) -> Path:
    return tmp_path / "docker"


def test_without_a_builders_storage_there_is_nothing_to_do(docker: Path) -> None:
    layers.preload(docker)
    assert not docker.exists()


def test_a_layer_comes_after_the_one_that_it_lies_on() -> None:
    store(layer("top", TOP, "base"), layer("base", BASE))
    base, top = layers.built()
    assert (base.folder, base.chain, base.parent) == ("base", BASE, None)
    assert (top.folder, top.parent) == ("top", base)
    assert top.chain == digest(f"{BASE} {TOP}"), "the ChainID of the OCI image specification"


@pytest.mark.parametrize(
    "unfit",
    [
        layer("top", TOP, "nobody"),
        layer("top", TOP, "base", flags={"incomplete": True}),
        layer("top", TOP, "base", **{"compressed-diff-digest": BASE}),
        {"id": "top", "parent": "base"},
    ],
)
def test_what_a_node_could_not_use_is_left_to_be_pulled(unfit: dict[str, Any]) -> None:
    store(layer("base", BASE), unfit)
    assert [each.folder for each in layers.built()] == ["base"]


def test_what_docker_finds(docker: Path) -> None:
    store(layer("base", BASE), layer("top", TOP, "base"))
    recipe = buildah.store() / "root" / "overlay-layers" / "top.tar-split.gz"
    recipe.write_bytes(b"how to pack it")
    base, top = layers.built()
    layers.preload(docker)

    record = docker / "image" / "overlay2" / "layerdb" / top.chain.replace(":", "/")
    written = {name: (record / name).read_text() for name in ("cache-id", "diff", "size", "parent")}
    assert written == {"cache-id": top.cache_id, "diff": TOP, "size": "100", "parent": base.chain}
    assert (record / "tar-split.json.gz").read_bytes() == b"how to pack it"
    files = docker / "overlay2" / top.cache_id
    assert (files / "diff").readlink() == Path("/opt/coreos-lab/layers/top/diff")
    assert (files / "lower").read_text() == f"l/{base.link}"
    assert len((files / "link").read_text()) == 26
    assert (docker / "overlay2" / "l" / top.link).readlink() == Path(f"../{top.cache_id}/diff")
    assert not (docker / "overlay2" / base.cache_id / "lower").exists()
    known = docker / "image" / "overlay2" / "distribution"
    assert (known / "diffid-by-digest" / TOP.replace(":", "/")).read_text() == TOP
    assert json.loads((known / "v2metadata-by-diffid" / TOP.replace(":", "/")).read_text())[0]["Digest"] == TOP


def test_three_deep_all_below_are_named_the_nearest_first(docker: Path) -> None:
    store(layer("base", BASE), layer("top", TOP, "base"), layer("roof", BASE, "top"))
    base, top, roof = layers.built()
    layers.preload(docker)
    assert (docker / "overlay2" / roof.cache_id / "lower").read_text() == f"l/{top.link}:l/{base.link}"


def test_what_is_there_is_left_alone_and_what_was_half_done_is_done_again(docker: Path) -> None:
    store(layer("base", BASE), layer("top", TOP, "base"))
    layers.preload(docker)
    base, top = layers.built()
    record = docker / "image" / "overlay2" / "layerdb" / top.chain.replace(":", "/")
    kept = docker / "overlay2" / base.cache_id / "committed"
    kept.write_text("untouched")
    for path in record.iterdir():
        path.unlink()
    record.rmdir()  # as a kill between the files and the record leaves it
    assert layers.missing(docker) == [top]
    layers.preload(docker)
    assert layers.missing(docker) == []
    assert kept.read_text() == "untouched"
