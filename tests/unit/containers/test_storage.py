"""The layout that the registry program reads, and that writing it again costs nothing."""

from __future__ import annotations

import errno
import hashlib
import json
import shutil
from pathlib import Path

import pytest

from coreos_lab.containers import registry, storage
from coreos_lab.containers.storage import ContainerImage
from coreos_lab.errors import UsageError


def digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


@pytest.fixture
def image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ContainerImage:
    """A container image as buildah writes one into a folder, taken into the storage."""
    monkeypatch.setenv("LAB_STATE_DIR", str(tmp_path / "state"))
    out = tmp_path / "out"
    out.mkdir()
    parts = []
    for content in (b"configuration", b"a layer"):
        (out / digest(content).partition(":")[2]).write_bytes(content)
        parts.append({"digest": digest(content), "size": len(content)})
    (out / "manifest.json").write_text(json.dumps({"config": parts[0], "layers": parts[1:]}))
    return storage.take("web", out)


def test_taken_blobs_lie_where_the_registry_looks(image: ContainerImage) -> None:
    assert image.blobs == (digest(b"configuration"), digest(b"a layer"))
    assert image.size == len(b"configuration") + len(b"a layer")
    assert storage.blob(image.blobs[1]).read_bytes() == b"a layer"
    assert digest(storage.blob(image.digest).read_bytes()) == image.digest


def test_complete_only_with_every_blob(image: ContainerImage) -> None:
    assert storage.complete(image)
    storage.blob(image.blobs[1]).unlink()
    assert not storage.complete(image)


def test_publishing_writes_links_once(image: ContainerImage, tmp_path: Path) -> None:
    where = tmp_path / "storage"
    assert registry.publish([image], where) == ["web"]
    root = where / "docker/registry/v2"
    tag = root / "repositories/library/web/_manifests/tags/latest/current/link"
    assert tag.read_text() == image.digest
    hexadecimal = image.digest.partition(":")[2]
    assert (root / f"blobs/sha256/{hexadecimal[:2]}/{hexadecimal}/data").exists()
    before = tag.stat().st_mtime_ns
    assert registry.publish([image], where) == []
    assert tag.stat().st_mtime_ns == before


def test_a_link_that_was_lost_is_written_again(image: ContainerImage, tmp_path: Path) -> None:
    where = tmp_path / "storage"
    registry.publish([image], where)
    link = next((where / "docker/registry/v2/repositories/library/web/_layers").rglob("link"))
    link.write_text("")
    assert registry.publish([image], where) == ["web"]
    assert link.read_text() in image.blobs


def test_two_storages_share_files_but_not_names(image: ContainerImage, tmp_path: Path) -> None:
    registry.publish([image], tmp_path / "one")
    other = tmp_path / "other"
    registry.publish([ContainerImage("else", image.digest, image.blobs, image.size)], other)
    assert not (other / "docker/registry/v2/repositories/library/web").exists()
    shared = [path / "docker/registry/v2/blobs" / storage._place(image.blobs[1]) for path in (tmp_path / "one", other)]
    assert [path.stat().st_ino for path in shared] == [storage.blob(image.blobs[1]).stat().st_ino] * 2


def test_what_is_pushed_stays_in_its_storage(image: ContainerImage, tmp_path: Path) -> None:
    registry.publish([image], tmp_path / "one")
    (tmp_path / "one/docker/registry/v2/blobs/sha256/pushed").mkdir()
    assert not (storage.blobs_folder() / "sha256/pushed").exists()


def test_a_storage_of_an_older_lab_gets_blobs_of_its_own(image: ContainerImage, tmp_path: Path) -> None:
    """It had a symbolic link to the blobs of all clusters."""
    where = tmp_path / "storage"
    registry.publish([image], where)
    blobs = where / "docker/registry/v2/blobs"
    shutil.rmtree(blobs)
    blobs.symlink_to(storage.blobs_folder())
    unused = storage.blobs_folder() / "sha256/00/00/data"
    unused.parent.mkdir(parents=True)
    unused.touch()
    for _ in range(2):
        storage.prepare(where)
        assert not blobs.is_symlink()
        found = sorted(path.relative_to(blobs) for path in blobs.rglob("data"))
        assert found == sorted(storage._place(digest) for digest in (image.digest, *image.blobs))


def test_another_file_system_gets_copies(
    image: ContainerImage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(_self: Path, _target: Path) -> None:
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr(Path, "hardlink_to", refuses)
    registry.publish([image], tmp_path / "one")
    copy = tmp_path / "one/docker/registry/v2/blobs" / storage._place(image.blobs[1])
    assert copy.read_bytes() == b"a layer"
    assert [path.name for path in copy.parent.iterdir()] == ["data"]


def test_a_name_that_no_mirror_is_asked_for_is_refused(image: ContainerImage, tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        registry.publish([ContainerImage("host.example/x", image.digest, image.blobs, 0)], tmp_path / "storage")
