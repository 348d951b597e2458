"""Dumps of labs' data: lines that are sorted, counted and compared."""

from __future__ import annotations

from pathlib import Path

import pytest

from coreos_lab.backup import data
from coreos_lab.errors import LabError


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


def test_a_line_ends_with_a_line_feed_alone(tmp_path: Path) -> None:
    dumped = b"b\rz\n\xff\na\xe2\x80\xa8y\n"
    source, now = tmp_path / "source", tmp_path / "now"
    source.write_bytes(dumped)
    assert data.sort(source, "x") == 3
    assert source.read_bytes() == b"a\xe2\x80\xa8y\nb\rz\n\xff\n", "an item was cut in two"
    now.write_bytes(b"b\nz\n\xff\n")
    assert data.missing(source, now) == (1, ["a\u2028y", "b\rz"])
