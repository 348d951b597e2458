"""The boot loader of a node, with files of the test's own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from coreos_lab.machine_image.folders import image_folder
from coreos_lab.model import Cluster
from coreos_lab.providers.nspawn import names, power, slots
from coreos_lab.providers.nspawn.slots import Slot, Slots

OLD, NEW = "1111", "1111-2"
STAGED = f"booted=A\nA image={OLD} priority=1 tries=0 successful=1\nB image={NEW} priority=2 tries=1 successful=0\n"


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    """A node's upper folder, with both images beside its cluster."""
    for image in (OLD, NEW):
        (tmp_path / "image" / image / "rootfs").mkdir(parents=True)
    (tmp_path / "upper").mkdir()
    return tmp_path / "upper"


def booted(disk: Path) -> str:
    tree = Path(slots.boot(str(disk), f"{disk.parent}/image/{OLD}/rootfs"))
    assert (tree.name, tree.parents[1]) == ("rootfs", disk.parent / "image")
    return tree.parent.name


def stage(disk: Path, text: str = STAGED) -> None:
    (disk / "boot").mkdir(exist_ok=True)
    (disk / "boot/slots").write_text(text)


def test_a_new_node_boots_what_it_was_made_with_and_says_so(disk: Path) -> None:
    assert booted(disk) == OLD
    written = (disk / "boot/slots").read_text()
    assert written == (
        f"booted=A\nA image={OLD} priority=1 tries=0 successful=1\nB image= priority=0 tries=0 successful=0\n"
    )
    assert str(slots.parse(written)) == written
    before = (disk / "boot/slots").stat().st_ino
    assert booted(disk) == OLD
    assert (disk / "boot/slots").stat().st_ino == before, "nothing has changed, so nothing is written"


def test_a_staged_image_has_one_try_and_the_other_slot_comes_after_it(disk: Path) -> None:
    stage(disk)
    assert booted(disk) == NEW
    assert "booted=B" in (disk / "boot/slots").read_text()
    assert booted(disk) == OLD, "the update engine has not marked it good"
    assert "booted=A" in (disk / "boot/slots").read_text()


def test_an_image_that_came_up_stays(disk: Path) -> None:
    stage(disk, STAGED.replace("tries=1 successful=0", "tries=0 successful=1"))
    assert [booted(disk), booted(disk)] == [NEW, NEW]
    stage(disk, STAGED.replace("priority=1", "priority=3"))
    assert booted(disk) == OLD, "priority counts first"


def test_an_image_that_is_gone_from_the_host_is_left_out(disk: Path) -> None:
    stage(disk)
    (disk.parent / "image" / NEW / "rootfs").rmdir()
    assert booted(disk) == OLD
    assert slots.choose(slots.fresh(OLD), lambda _image: False).image == OLD, "the caller says that it is gone"
    tried = Slots("B", {"A": Slot(OLD), "B": Slot(NEW)})
    assert slots.choose(tried, lambda _image: True).booted == "B", "nothing is fit: what was booted last"
    assert slots.choose(tried, lambda image: image == OLD).image == OLD


@pytest.mark.parametrize(
    "text", ["", "booted=C\n", "booted=B\nA image=1111\n", "booted=A\nA image=../../etc priority=9\n", "\0\xff"]
)
def test_a_file_that_says_nothing_counts_as_none(disk: Path, text: str) -> None:
    stage(disk, text)
    assert slots.read(str(disk)) is None
    assert booted(disk) == OLD


@pytest.mark.parametrize("name", ["", "..", "x", "11/22", "1111-", "1111-x", "-2", "a" * 65])
def test_names_that_are_no_images(name: str) -> None:
    assert not slots.is_image(name)


def test_what_a_nodes_root_puts_there_leads_nowhere(disk: Path, tmp_path: Path) -> None:
    """Its root may put anything on its own disk; the boot loader is the host's root."""
    secret = tmp_path / "secret"
    secret.write_text(STAGED)
    (disk / "boot").mkdir()
    (disk / "boot/slots").symlink_to(secret)
    (disk / "boot/.slots.boot").symlink_to(secret)
    assert booted(disk) == OLD
    assert secret.read_text() == STAGED
    subprocess.run(["rm", "-r", disk / "boot"], check=True)
    (tmp_path / "elsewhere").mkdir()
    (disk / "boot").symlink_to(tmp_path / "elsewhere")
    assert booted(disk) == OLD
    assert list((tmp_path / "elsewhere").iterdir()) == []
    (disk / "boot").unlink()
    (disk / "boot").write_text("a file")
    assert booted(disk) == OLD


def test_its_imports_are_light() -> None:
    """It runs at each boot of each node."""
    heavy = "import coreos_lab.providers.nspawn.boot, sys; print({'re', 'json', 'pathlib'} & set(sys.modules))"
    root = Path(slots.__file__).parents[3]
    done = subprocess.run([sys.executable, "-SEs", "-c", heavy], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_what_a_node_has_booted_and_boots_next(planned: Callable[..., Cluster]) -> None:
    from dataclasses import replace

    cluster = replace(planned(), image=OLD)
    node = cluster.nodes[0]
    for image in (OLD, NEW):
        (image_folder(image) / "rootfs").mkdir(parents=True)
    assert (power.booted(cluster, node), power.upcoming(cluster, node)) == ("", OLD)
    disk = names.node_folder(cluster, node) / "upper"
    disk.mkdir(parents=True)
    stage(disk)
    assert (power.booted(cluster, node), power.upcoming(cluster, node)) == (OLD, NEW)
