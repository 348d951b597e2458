"""Marks of folders that hide what lies below them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from coreos_lab.containers import opacity
from coreos_lab.errors import LabError

Marks = dict[str, dict[str, bytes]]


@pytest.fixture
def marks(monkeypatch: pytest.MonkeyPatch) -> Marks:
    """Extended attributes by path: those of the host's root cannot be set by everybody who runs tests."""
    kept: Marks = {}

    def get(path: str, name: str, **_how: object) -> bytes:
        try:
            return kept[str(path)][name]
        except KeyError:
            raise OSError(61, "No data available") from None

    def put(path: str, name: str, value: bytes, **_how: object) -> None:
        kept.setdefault(str(path), {})[name] = value

    monkeypatch.setattr(os, "getxattr", get)
    monkeypatch.setattr(os, "setxattr", put)
    return kept


def test_an_opaque_folder_is_opaque_in_user_namespaces_too(tmp_path: Path, marks: Marks) -> None:
    (tmp_path / "diff/etc/deep").mkdir(parents=True)
    hidden = str(tmp_path / "diff/etc/deep")
    marks[hidden] = {opacity.OF_HOST: b"y"}
    opacity.mark(tmp_path)
    assert marks == {hidden: {opacity.OF_HOST: b"y", opacity.OF_ANYBODY: b"y"}}


def test_it_is_looked_at_once(tmp_path: Path, marks: Marks) -> None:
    done = tmp_path / "state/done"
    (tmp_path / "diff").mkdir()
    opacity.mark_once(tmp_path / "diff", done)
    assert done.exists()
    marks[str(tmp_path / "diff")] = {opacity.OF_HOST: b"y"}
    opacity.mark_once(tmp_path / "diff", done)
    assert opacity.OF_ANYBODY not in marks[str(tmp_path / "diff")]


def test_a_file_system_without_room_for_marks_is_told(
    tmp_path: Path, marks: Marks, monkeypatch: pytest.MonkeyPatch
) -> None:
    marks[str(tmp_path)] = {opacity.OF_HOST: b"y"}

    def refuse(*_args: object, **_how: object) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(os, "setxattr", refuse)
    with pytest.raises(LabError, match="cannot be marked") as failed:
        opacity.mark(tmp_path)
    assert "--no-userns" in failed.value.hint
