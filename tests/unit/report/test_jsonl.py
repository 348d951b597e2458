"""Records that are damaged: what is whole is read, and the rest is named."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from coreos_lab.report import jsonl
from coreos_lab.report.jsonl import Lines, seconds, text


def mono(raw: dict[str, Any]) -> float:
    return seconds(raw, "mono")


def read(path: Path, content: bytes) -> tuple[list[float], list[str]]:
    path.write_bytes(content)
    lines = Lines(path)
    return list(lines.read(mono)), lines.problems


def test_a_whole_record(tmp_path: Path) -> None:
    assert read(tmp_path / "a.jsonl", b'{"mono": 1}\n{"mono": 2.5}\n') == ([1.0, 2.5], [])


def test_a_record_that_is_cut_off(tmp_path: Path) -> None:
    found, problems = read(tmp_path / "a.jsonl", b'{"mono": 1}\n{"mono": 2}\n{"mo')
    assert (found, problems) == ([1.0, 2.0], ["a.jsonl: line 3 is left out: cut off"])


@pytest.mark.parametrize(
    "line",
    [
        b"{]",
        b"7",
        b"{}",
        b'{"mono": "1"}',
        b'{"mono": true}',
        b'{"mono": NaN}',
        b'{"mono": Infinity}',
        b'{"mono": 1e400}',
        b'{"mono": ' + b"9" * 5000 + b"}",
        b"[" * 100_000,
        b"\xff\xfe",
        b"",
    ],
)
def test_lines_that_are_none(tmp_path: Path, line: bytes) -> None:
    found, problems = read(tmp_path / "a.jsonl", b'{"mono": 1}\n' + line + b"\n" + line + b'\n{"mono": 2}\n')
    assert found == [1.0, 2.0]
    assert problems == ["a.jsonl: 2 lines are left out (the first is 2): not as this record's lines are"]


def test_a_line_of_any_length_takes_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    with path.open("wb") as out:
        out.write(b'{"mono": 1}\n{"mono": "')
        for _ in range(40):
            out.write(b"x" * jsonl.LINE)
        out.write(b'"}\n{"mono": 2}\n')
    lines = Lines(path)
    tracemalloc.start()
    found = list(lines.read(mono))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (found, lines.problems) == ([1.0, 2.0], ["a.jsonl: line 2 is left out: longer than a megabyte"])
    assert peak < 8 * jsonl.LINE


def test_a_record_that_is_missing_is_empty_and_one_that_is_no_file_is_named(tmp_path: Path) -> None:
    lines = Lines(tmp_path / "none.jsonl")
    assert (list(lines.read(mono)), lines.problems) == ([], [])
    (tmp_path / "folder.jsonl").mkdir()
    lines = Lines(tmp_path / "folder.jsonl")
    assert (list(lines.read(mono)), lines.problems) == ([], ["folder.jsonl cannot be read: Is a directory"])


def test_texts_are_texts_and_have_an_end() -> None:
    assert len(text({"a": "x" * 10**6}, "a")) == jsonl.TEXT
    with pytest.raises(TypeError):
        text({"a": 7}, "a")
