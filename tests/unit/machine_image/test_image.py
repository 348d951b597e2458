"""The machine image: what mmdebstrap is told, what its hash covers, and that it is there whole or not at all."""

from __future__ import annotations

import shlex
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from coreos_lab import interrupts, run, wait
from coreos_lab.errors import LabError
from coreos_lab.machine_image import debian, image
from coreos_lab.machine_image.folders import image_folder


def hooks(call: Sequence[str]) -> list[list[str]]:
    return [shlex.split(a.removeprefix("--customize-hook=")) for a in call if a.startswith("--customize-hook=")]


def tree(target: Path, userland: Path) -> list[str]:
    return debian.tree_arguments(target, image.tree_options(userland, "v1"))


def test_what_mmdebstrap_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LAB_DEBIAN_MIRROR", raising=False)
    call = tree(Path("/draft/rootfs"), Path("/u/userland.tar.gz"))
    assert call[0] == "mmdebstrap"
    assert call[-2:] == [debian.SUITE, "/draft/rootfs"]
    included = next(a for a in call if a.startswith("--include=")).removeprefix("--include=").split(",")
    assert {"systemd-sysv", "docker.io", "openssh-server"} <= set(included)
    assert [argument for argument in call if " " in argument and "hook" not in argument] == []
    waits, (script, root, files, userland, version) = hooks(call)
    assert waits[:4] == ["until", "[", "-e", "/u/userland.tar.gz"], "it is built meanwhile"
    assert Path(script).is_file()
    assert Path(files).is_dir()
    assert (root, userland, version) == ("$1", "/u/userland.tar.gz", "v1")


def test_licences_are_kept() -> None:
    call = tree(Path("/r"), Path("/u"))
    out = call.index("--dpkgopt=path-exclude=/usr/share/doc/*")
    kept = call.index("--dpkgopt=path-include=/usr/share/doc/*/copyright")
    assert out < kept, "dpkg goes by the last that matches"


def test_another_mirror(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_DEBIAN_MIRROR", "http://mirror.example/debian")
    assert tree(Path("/r"), Path("/u"))[-2:] == ["/r", "http://mirror.example/debian"]


def test_folders_may_have_spaces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image, "_HERE", Path("/my lab"))
    monkeypatch.setattr(image, "FILES", Path("/my lab/files"))
    waits, (script, _root, files, userland, _version) = hooks(tree(Path("/r"), Path("/my state/u.tar.gz")))
    assert (script, files, userland) == ("/my lab/customize.sh", "/my lab/files", "/my state/u.tar.gz")
    assert waits[3] == userland


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of what goes into the image, beside a userland that does not change."""
    copy = tmp_path / "sources"
    shutil.copytree(image.FILES, copy / "files", symlinks=True)
    shutil.copy(image._HERE / "customize.sh", copy)
    monkeypatch.setattr(image, "_HERE", copy)
    monkeypatch.setattr(image, "FILES", copy / "files")
    monkeypatch.setattr(image, "userland_hash", lambda: "u1")
    return copy


def test_the_hash_follows_everything_that_goes_in(sources: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hashes = [image.image_hash()]
    assert image.image_hash() == hashes[0]
    with (sources / "customize.sh").open("a") as out:
        out.write("# more\n")
    hashes.append(image.image_hash())
    (sources / "files" / "new").touch()
    hashes.append(image.image_hash())
    (sources / "files" / "new").chmod(0o755)
    hashes.append(image.image_hash())
    monkeypatch.setattr(image, "PACKAGES", [*image.PACKAGES, "htop"])
    hashes.append(image.image_hash())
    monkeypatch.setattr(image, "LEFT_OUT", (*image.LEFT_OUT, "/usr/share/bug/*"))
    hashes.append(image.image_hash())
    monkeypatch.setattr(image, "userland_hash", lambda: "u2")
    hashes.append(image.image_hash())
    assert len(set(hashes)) == len(hashes) == 7


@pytest.mark.usefixtures("sources")
def test_an_image_is_built_once_and_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []

    def stream(argv: Sequence[str], **_options: Any) -> run.Completed:
        calls.append(next(a for a in argv if a == "mmdebstrap"))
        rootfs = Path(argv[-1])
        rootfs.mkdir()
        (rootfs / "usr").mkdir()
        if len(calls) == 1:
            raise run.CommandError(run.Completed(tuple(argv), 1, "E: no network", ""))
        return run.Completed((), 0, "", "")

    monkeypatch.delenv("LAB_DEBIAN_MIRROR", raising=False)
    monkeypatch.setattr(run, "stream", stream)
    monkeypatch.setattr(image, "ensure_userland", lambda: tmp_path / "userland")
    with pytest.raises(run.CommandError):
        image.ensure_image()
    assert not image_folder(image.image_hash()).exists()
    rootfs = image.ensure_image()
    assert image.ensure_image() == rootfs == image_folder(image.image_hash()) / "rootfs"
    assert (rootfs / "usr").is_dir()
    assert calls == ["mmdebstrap"] * 2


@pytest.mark.parametrize("bad", ["tree", "userland"])
def test_where_one_part_fails_the_other_is_ended(bad: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """mmdebstrap would wait for an archive that never comes; and nobody wants to wait for the compiler."""
    monkeypatch.setenv("LAB_STATE_DIR", str(tmp_path))
    began = time.monotonic()

    def part(name: str) -> None:
        if name == bad:
            raise LabError(f"{name} failed")
        wait.until(interrupts.is_come, deadline=20, missing="it was left alone")

    monkeypatch.setattr(debian, "make_tree", lambda *_words, **_options: part("tree"))
    monkeypatch.setattr(image, "ensure_userland", lambda: part("userland"))
    with pytest.raises(LabError, match=f"^{bad} failed"):
        image._build(tmp_path)
    assert time.monotonic() - began < 10
    assert not interrupts.is_come()
