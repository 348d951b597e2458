"""Mounts as the kernel tells of them: the same folder by whichever path."""

from __future__ import annotations

import os
from pathlib import Path

from coreos_lab import mounts
from coreos_lab.mounts import Mount, Place

# A disk at /, the same one's folder /srv bound to /mnt/lab, an overlay on a node's folder that was mounted by the
# second path, a tmpfs in that, and what is bound from a node's folder into another root.
TEXT = """\
21 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
30 21 254:0 /srv /mnt/lab rw,relatime - ext4 /dev/vda rw
31 30 0:40 / /mnt/lab/my\\040state/root rw - overlay overlay rw,lowerdir=/image
32 31 0:41 / /mnt/lab/my\\040state/root/run rw - tmpfs tmpfs rw
33 21 254:0 /srv/my\\040state/docker//deleted /var/lib/docker rw - ext4 /dev/vda rw
34 21 0:42 / /srv2 rw master:1 propagate_from:2 - tmpfs tmpfs rw
"""
STATE = Place("254:0", Path("/srv/my state"))


def points(found: list[Mount]) -> list[str]:
    return [str(mount.point) for mount in found]


def test_names_are_read_as_they_are() -> None:
    found = mounts.parse(TEXT)
    assert [mount.kind for mount in found] == ["ext4", "ext4", "overlay", "tmpfs", "ext4", "tmpfs"]
    assert found[2].point == Path("/mnt/lab/my state/root")
    assert found[4].shows == Place("254:0", Path("/srv/my state/docker"))


def test_what_sits_in_a_folder_is_found_by_whichever_path_it_was_mounted() -> None:
    assert points(mounts.covering(STATE, mounts.parse(TEXT))) == ["/mnt/lab/my state/root"]
    assert points(mounts.covering(Place("254:0", Path("/srv")), mounts.parse(TEXT))) == ["/mnt/lab/my state/root"]
    assert points(mounts.covering(Place("254:1", Path("/srv")), mounts.parse(TEXT))) == []
    assert points(mounts.covering(Place("0:40", Path("/")), mounts.parse(TEXT))) == ["/mnt/lab/my state/root/run"]


def test_what_shows_something_of_a_folder_is_found_wherever_it_is() -> None:
    assert points(mounts.showing(STATE, mounts.parse(TEXT))) == ["/var/lib/docker"]


def test_a_name_that_only_begins_the_same_is_another_folder() -> None:
    assert not Place("254:0", Path("/srv/my")).holds(STATE)
    assert STATE.holds(STATE)
    assert not STATE.holds(None)


def test_a_folder_has_one_place_behind_links(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    assert mounts.place(tmp_path / "link") == mounts.place(tmp_path / "real")
    assert mounts.place(tmp_path / "nosuch") is None


def test_this_machine_can_be_read() -> None:
    own = mounts.read(str(os.getpid()))
    assert Path("/") in [mount.point for mount in own]
    root = mounts.place(Path("/"))
    assert root in [mount.shows for mount in own]
    assert Path("/proc") in [mount.point for mount in mounts.on(Path("/proc"))]
