"""The units that a node has are those of the machine image."""

from __future__ import annotations

from pathlib import Path

from coreos_lab.definition import node_units
from coreos_lab.machine_image.folders import image_folder
from coreos_lab.machine_image.image import image_hash


def test_units_are_those_of_the_machine_image(state: Path) -> None:
    assert node_units.known() is None
    folder = image_folder(image_hash()) / "rootfs" / "usr" / "lib" / "systemd" / "system"
    folder.mkdir(parents=True)
    for name in ("docker.service", "getty@.service"):
        (folder / name).touch()
    units = node_units.known()
    assert units == frozenset({"docker.service", "getty@.service"})
    assert all(node_units.has(units, name) for name in ("docker.service", "getty@tty1.service", "srv.mount", "a.slice"))
    assert not any(node_units.has(units, name) for name in ("etcd.service", "docker.socket", "getty.service"))
