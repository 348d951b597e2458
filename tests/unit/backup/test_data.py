"""Dumps of labs' data: lines that are sorted, counted and compared."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from coreos_lab import run
from coreos_lab.backup import data
from coreos_lab.errors import LabError
from coreos_lab.model import Cluster, Lab, LabBackup


def test_the_same_data_is_the_same_file(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    one.write_text("b\na\nc\n")
    other.write_text("c\nb\na\n")
    assert (data.sort(one, "x"), data.sort(other, "x")) == (3, 3)
    assert one.read_text() == other.read_text() == "a\nb\nc\n"


def test_no_data_is_a_dump_too(tmp_path: Path) -> None:
    (tmp_path / "none").touch()
    assert data.sort(tmp_path / "none", "x") == 0


def test_a_dump_that_ends_within_a_line_is_cut_off(tmp_path: Path) -> None:
    (tmp_path / "cut").write_text("a\nb")
    with pytest.raises(LabError, match="ch7/store: its dump ends within a line"):
        data.sort(tmp_path / "cut", "ch7/store")


def test_what_was_stored_meanwhile_is_no_loss(tmp_path: Path) -> None:
    source, now = tmp_path / "source", tmp_path / "now"
    source.write_text("a\nb\nc\n")
    now.write_text("d\nc\na\n")
    assert data.missing(source, now) == (2, ["b"])


class Store:
    """A store whose command fails some times before it succeeds."""

    def __init__(self, failures: int) -> None:
        self.left = failures

    def __call__(self, argv: object, *, source: object = None, target: object = None, timeout: object = None) -> None:
        del source, timeout
        self.left -= 1
        if self.left >= 0:
            raise run.CommandError(run.Completed(("docker",), 1, "", "CLUSTERDOWN Hash slot not served"))
        if isinstance(target, Path):
            target.write_text("b\na\n")


@pytest.fixture
def placed(planned: Callable[..., Cluster], monkeypatch: pytest.MonkeyPatch) -> tuple[Cluster, Lab, LabBackup]:
    cluster = planned()
    monkeypatch.setattr(data, "_place", lambda *_args: cluster.nodes[0])
    monkeypatch.setattr(data, "AGAIN", 0.0)
    return cluster, Lab("ch7", "", "", Path(), (), {}), LabBackup("store", "conductor.service", "dump", "restore")


def test_a_store_that_is_still_forming_is_asked_again(
    placed: tuple[Cluster, Lab, LabBackup], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster, lab, backup = placed
    monkeypatch.setattr(run, "transfer", Store(failures=3))
    assert data.dump(cluster, cluster.nodes, lab, backup, tmp_path / "dumped").items == 2
    monkeypatch.setattr(run, "transfer", Store(failures=3))
    data.restore(cluster, cluster.nodes, lab, backup, tmp_path / "dumped")


def test_a_store_that_never_serves_is_told_with_what_it_says(
    placed: tuple[Cluster, Lab, LabBackup], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster, lab, backup = placed
    monkeypatch.setattr(data, "FORMED", 0.05)
    monkeypatch.setattr(run, "transfer", Store(failures=10**9))
    with pytest.raises(LabError, match="ch7/store: cannot be restored") as told:
        data.restore(cluster, cluster.nodes, lab, backup, tmp_path)
    assert "CLUSTERDOWN" in str(told.value.details)
    assert told.value.hint == "repeat it: it goes on here"


def test_a_line_ends_with_a_line_feed_alone(tmp_path: Path) -> None:
    dumped = b"b\rz\n\xff\na\xe2\x80\xa8y\n"
    source, now = tmp_path / "source", tmp_path / "now"
    source.write_bytes(dumped)
    assert data.sort(source, "x") == 3
    assert source.read_bytes() == b"a\xe2\x80\xa8y\nb\rz\n\xff\n", "an item was cut in two"
    now.write_bytes(b"b\nz\n\xff\n")
    assert data.missing(source, now) == (1, ["a\u2028y", "b\rz"])
