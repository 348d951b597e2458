"""The conditions of the nspawn provider, found and not found."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from coreos_lab import disk
from coreos_lab.providers.nspawn import cgroup, doctor


@pytest.mark.parametrize(("release", "version"), [("6.18.44-x", (6, 18)), ("5.4", (5, 4)), ("odd", (0, 0))])
def test_kernel_versions(release: str, version: tuple[int, int]) -> None:
    assert doctor.parse_release(release) == version


def test_more_odd_kernel_versions() -> None:
    assert doctor.parse_release("6.1.0-18-amd64") == (6, 1)
    assert doctor.parse_release("") == (0, 0)
    assert doctor.parse_release("6") == (0, 0)
    assert doctor.parse_release("10.0.0") > doctor.LEAST_KERNEL > doctor.parse_release("5.9.1")


@pytest.mark.parametrize(
    ("name", "says"),
    [("a,b", r"its path has ,"), ('a"b\\c', r'its path has \\ "'), ("a\nb", "has a character that cannot be printed")],
)
def test_a_state_folder_whose_name_cannot_be_told_to_mount_is_refused(
    name: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAB_STATE_DIR", str(tmp_path / name))
    found = doctor._state_folder()
    assert not found.ok
    assert re.search(says, found.message)
    assert "LAB_STATE_DIR" in found.remedy


def test_a_file_system_that_carries_no_overlays_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_STATE_DIR", str(tmp_path / "ünd so weiter" / "x"))
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr(disk, "carries_overlays", lambda folder: (folder != tmp_path, "invalid argument"))
    found = doctor._state_folder()
    assert (found.ok, found.message) == (
        False,
        f"{tmp_path}: its file system cannot carry overlays: invalid argument",
    )


def test_limits_of_containers_that_have_no_effect_are_named(
    hierarchies: cgroup.Hierarchies, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert hierarchies.v2
    hierarchies.v2.mkdir()
    (hierarchies.v2 / "cgroup.controllers").write_text("cpuset cpu io memory pids\n")
    assert (doctor._cgroup().ok, doctor._cgroup().message) == (True, "version 2")
    (hierarchies.v2 / "cgroup.controllers").write_text("cpu pids\n")  # as on some small boards
    assert "docker run --memory have no effect" in doctor._cgroup().message
    (hierarchies.v2 / "cgroup.controllers").write_text("\n")
    hierarchies.v1["memory"] = hierarchies.v2
    message = doctor._cgroup().message
    assert message.startswith("hybrid; on nodes, docker run --memory, --cpus, --pids-limit have no effect: ")
