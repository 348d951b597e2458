"""What second terminals print is shown to the reader once."""

from __future__ import annotations

from pathlib import Path

import pytest

from coreos_lab.walk.beside import Inline
from coreos_lab.walk.terminal import Terminal


def test_whole_lines_are_shown_once_with_the_terminal_s_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    terminal = Terminal(tmp_path, "loop", {}, tmp_path)
    terminal.log.write_text("of an earlier session\n", encoding="utf-8")
    beside = Inline()
    beside.open(terminal)
    with terminal.log.open("a", encoding="utf-8") as log:
        log.write("one\nhal")
    beside.show()
    assert capsys.readouterr().out == "loop | one\r\n"
    with terminal.log.open("a", encoding="utf-8") as log:
        log.write("f\n")
    beside.close()
    assert capsys.readouterr().out == "loop | half\r\n"


def test_lines_that_are_no_utf_8_hide_no_others(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    terminal = Terminal(tmp_path, "loop", {}, tmp_path)
    beside = Inline()
    beside.open(terminal)
    for line in (b"caf\xe9\n", b"one\n\n"):
        with terminal.log.open("ab") as log:
            log.write(line)
        beside.show()
    assert capsys.readouterr().out == "loop | caf\ufffd\r\nloop | one\r\nloop | \r\n"
