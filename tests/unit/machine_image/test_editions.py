"""Versions of a machine image, with a small tree in the place of a real one."""

from __future__ import annotations

from pathlib import Path

import pytest

from coreos_lab.errors import LabError
from coreos_lab.machine_image import editions
from coreos_lab.machine_image.folders import image_folder

KEY = "0123456789abcdef"


@pytest.fixture
def tree(monkeypatch: pytest.MonkeyPatch) -> Path:
    """The root tree of this lab's machine image."""
    rootfs = image_folder(KEY) / "rootfs"
    for name, text in {
        "usr/lib/os-release": f"ID=debian\nIMAGE_VERSION={KEY}\n",
        "etc/motd": f"machine image {KEY}\n",
        "etc/issue": f"machine image {KEY}\n\n",
        "usr/bin/program": f"a program with {KEY}\n",
    }.items():
        (rootfs / name).parent.mkdir(parents=True, exist_ok=True)
        (rootfs / name).write_text(text)
    (rootfs / "etc/os-release").symlink_to("../usr/lib/os-release")
    monkeypatch.setattr(editions, "image_hash", lambda: KEY)
    monkeypatch.setattr(editions, "ensure_image", lambda: rootfs)
    return rootfs


@pytest.mark.parametrize(
    ("has", "gets"),
    [(KEY, f"{KEY}-2"), (f"{KEY}-2", f"{KEY}-3"), (f"{KEY}-9", f"{KEY}-10"), ("fedc", KEY), ("fedc-3", KEY)],
)
@pytest.mark.usefixtures("tree")
def test_an_update_brings_this_labs_image_or_the_next_version_of_it(has: str, gets: str) -> None:
    assert editions.following(has) == gets


def test_a_version_is_the_same_image_with_another_name_in_it(tree: Path) -> None:
    made = editions.ensure(f"{KEY}-2")
    assert made == image_folder(f"{KEY}-2") / "rootfs"
    assert (made / "etc/os-release").read_text() == f"ID=debian\nIMAGE_VERSION={KEY}-2\n"
    assert (made / "etc/motd").read_text() == f"machine image {KEY}-2\n"
    assert (made / "usr/bin/program").samefile(tree / "usr/bin/program")
    assert (tree / "usr/lib/os-release").read_text() == f"ID=debian\nIMAGE_VERSION={KEY}\n", "the other is untouched"
    assert editions.ensure(f"{KEY}-2") == made
    assert editions.ensure(KEY) == tree


@pytest.mark.usefixtures("tree")
def test_an_image_of_another_lab_that_is_gone_is_an_error() -> None:
    for image in ("fedc", "fedc-2"):
        with pytest.raises(LabError, match="fedc/rootfs: the machine image is gone"):
            editions.ensure(image)
    assert not image_folder("fedc-2").exists()


def test_images_from_before_there_were_updates(tree: Path) -> None:
    unit = tree / "usr/lib/systemd/system/update-engine.service"
    assert not editions.can_be_updated(KEY)
    unit.parent.mkdir(parents=True)
    unit.write_text("[Service]\nType=dbus\n")
    assert not editions.can_be_updated(KEY)
    unit.write_text("[Service]\nType=dbus\n[Install]\nWantedBy=multi-user.target\n")
    assert editions.can_be_updated(KEY)
