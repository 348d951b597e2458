"""When a container image is built, from what, and the error when it cannot be. No builder runs here."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from coreos_lab import run
from coreos_lab.containers import base, build
from coreos_lab.containers.storage import blob
from coreos_lab.errors import LabError, UsageError
from coreos_lab.machine_image import debian
from coreos_lab.run import CommandError, Completed


class Builder:
    """Stands in for buildah and mmdebstrap: writes what they would write, and records the calls."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.dockerfiles: list[str] = []
        self.fails = ""

    def stream(self, argv: Sequence[str | Path], **_: object) -> Completed:
        words = [str(word) for word in argv]
        done = Completed(tuple(words), 0, "sha256:pulled", "")
        verb = next((v for v in ("mmdebstrap", "rm", "pull", "build", "push") if v in words), "")
        self.calls.append(verb)
        if verb == self.fails:
            raise CommandError(Completed(tuple(words), 1, "it broke", ""), "the log")
        if verb == "build":
            at = next(word.partition("=")[2] for word in words if word.startswith("--file="))
            self.dockerfiles.append(Path(at).read_text())
        if verb == "push":
            self._push(Path(words[-1].partition(":")[2]), words[-2])
        return done

    @staticmethod
    def _push(out: Path, tag: str) -> None:
        out.mkdir()
        name = hashlib.sha256(tag.encode()).hexdigest()
        (out / name).write_text(tag)
        part = {"digest": f"sha256:{name}", "size": 7}
        (out / "manifest.json").write_text(json.dumps({"config": part, "layers": []}))


@pytest.fixture
def builder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Builder:
    """A builder that only pretends, and a state folder of the test's own."""
    monkeypatch.setenv("LAB_STATE_DIR", str(tmp_path / "state"))
    pretended = Builder()
    monkeypatch.setattr(run, "stream", pretended.stream)
    monkeypatch.setattr(run, "run", lambda argv, **_: Completed(tuple(map(str, argv)), 0, "", ""))
    return pretended


@pytest.fixture
def folder(tmp_path: Path) -> Callable[[str, str], Path]:
    """Makes a folder with a Dockerfile."""

    def make(name: str, text: str) -> Path:
        path = tmp_path / name
        path.mkdir(exist_ok=True)
        (path / "Dockerfile").write_text(text)
        return path

    return make


Folder = Callable[[str, str], Path]


def test_what_did_not_change_is_not_built_again(builder: Builder, folder: Folder) -> None:
    containers = {"web": folder("web", "FROM debian\n")}
    first = build.ensure_containers(containers)
    assert builder.calls.count("build") == 2  # the base, too
    before = list(builder.calls)
    assert build.ensure_containers(containers) == first
    assert builder.calls == before


def test_what_is_built_from_another_follows_it(builder: Builder, folder: Folder) -> None:
    containers = {"web": folder("web", "FROM tools\n"), "tools": folder("tools", "FROM debian\n")}
    images = build.ensure_containers(containers)
    assert [image.name for image in images] == ["tools", "web"]
    assert builder.dockerfiles[-1].startswith(f"FROM {build.OURS}:")
    (containers["tools"] / "more").write_text("x")
    builder.calls.clear()
    changed = build.ensure_containers(containers)
    assert builder.calls.count("build") == 2
    assert [image.digest for image in changed] != [image.digest for image in images]


def test_whether_it_is_built_is_known_without_building(builder: Builder, folder: Folder) -> None:
    assert build.built("tools", folder("tools", "FROM debian\n")) is None
    assert builder.calls == []
    (image,) = build.ensure_containers({"tools": folder("tools", "FROM debian\n")})
    assert build.built("tools", folder("tools", "FROM debian\n")) == image
    assert build.built("tools", folder("tools", "FROM debian\nRUN true\n")) is None


def test_a_lost_blob_is_made_again(builder: Builder, folder: Folder) -> None:
    containers = {"web": folder("web", "FROM debian\n")}
    image = build.ensure_containers(containers)[0]
    blob(image.digest).unlink()
    assert build.ensure_containers(containers) == [image]
    assert blob(image.digest).exists()


def test_what_another_command_has_just_built_stays(
    builder: Builder, folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was missing when this command looked for it."""
    containers = {"web": folder("web", "FROM debian\n")}
    (image,) = build.ensure_containers(containers)
    builder.calls.clear()
    looks, known = iter([None]), build._known
    monkeypatch.setattr(build, "_known", lambda recipe: next(looks, known(recipe)))
    assert build.ensure_containers(containers) == [image]
    assert builder.calls == []


def test_what_was_built_for_another_lab_is_found(builder: Builder, folder: Folder) -> None:
    build.ensure_containers({"tools": folder("tools", "FROM debian\n")})
    build.ensure_containers({"web": folder("web", "FROM tools:latest\n")})
    assert "pull" not in builder.calls


def test_what_is_not_local_is_asked_of_a_hub(builder: Builder, folder: Folder) -> None:
    build.ensure_containers({"web": folder("web", "FROM redis:7\n")})
    assert "pull" in builder.calls
    assert builder.dockerfiles == ["FROM sha256:pulled\n"]


def test_no_hub_names_line_and_remedy(builder: Builder, folder: Folder) -> None:
    builder.fails = "pull"
    with pytest.raises(LabError, match=r"Dockerfile:2: FROM redis:7: no container image of this lab") as caught:
        build.ensure_containers({"web": folder("web", "# ours\nFROM redis:7\n")})
    assert "start from 'debian'" in caught.value.hint
    assert caught.value.details == "it broke"


def test_a_failed_build_shows_its_end_and_is_tried_again(builder: Builder, folder: Folder) -> None:
    containers = {"web": folder("web", "FROM scratch\n")}
    builder.fails = "build"
    with pytest.raises(LabError, match="container image web cannot be built") as caught:
        build.ensure_containers(containers)
    assert caught.value.details == "it broke"
    builder.fails = ""
    assert build.ensure_containers(containers)[0].name == "web"


def test_a_folder_without_dockerfile(builder: Builder, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no Dockerfile"):
        build.ensure_containers({"web": tmp_path})
    assert builder.calls == []


def test_every_name_of_the_base_means_the_base(builder: Builder, folder: Folder) -> None:
    text = "".join(f"FROM {name}\n" for name in base.NAMES)
    build.ensure_containers({"web": folder("web", text)})
    assert "pull" not in builder.calls
    assert len(set(builder.dockerfiles[-1].splitlines())) == 1


def test_the_mirror_setting_reaches_mmdebstrap_and_the_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LAB_DEBIAN_MIRROR", raising=False)
    plain = base.base_hash()
    monkeypatch.setenv("LAB_DEBIAN_MIRROR", "http://mirror.example/debian")
    assert debian.tree_arguments(Path("t.tar"), base.tree_options())[-1] == "http://mirror.example/debian"
    assert base.base_hash() != plain
