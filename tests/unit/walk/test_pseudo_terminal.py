"""A reader at a real terminal: what is typed and shown, its size, and Ctrl-C."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import termios
import threading
import time
from collections.abc import Iterator
from contextlib import nullcontext, suppress
from pathlib import Path

import pytest

from coreos_lab import settings
from coreos_lab.definition.page.steps import Block, Command
from coreos_lab.model import Outcome
from coreos_lab.walk.judge import Judge
from coreos_lab.walk.pseudo_terminal import ClosedError, PseudoTerminal
from coreos_lab.walk.session import Session, session

LONG = 20.0


class Screen:
    """The reader's own terminal: its size, the keys, and what has been shown so far."""

    def __init__(self) -> None:
        self.master, self.slave = pty.openpty()
        os.set_blocking(self.master, False)
        self.resize(24, 80)

    def resize(self, lines: int, columns: int) -> None:
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def type(self, text: str, after: float = 0.0) -> None:
        def typing() -> None:
            time.sleep(after)
            os.write(self.master, text.encode())

        threading.Thread(target=typing, daemon=True).start() if after else typing()

    def shown(self) -> str:
        text = b""
        try:
            while data := os.read(self.master, 65536):
                text += data
        except BlockingIOError:
            return text.decode()
        return text.decode()


@pytest.fixture
def screen() -> Iterator[Screen]:
    made = Screen()
    yield made
    os.close(made.slave)
    os.close(made.master)


@pytest.fixture
def opened(screen: Screen, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Session, PseudoTerminal]]:
    monkeypatch.setattr(settings, "state_dir", lambda: tmp_path)
    device = PseudoTerminal(screen.slave, screen.slave)
    with session("core", tmp_path, device=device.device) as made:
        device.log = made.main.log
        yield made, device
    device.close()


@pytest.fixture
def judge(opened: tuple[Session, PseudoTerminal]) -> Judge:
    made, device = opened

    def mute(quiet: bool) -> None:
        device.muted = quiet

    return Judge(made, device.watch, mute, device)


def block(text: str, *output: str, within: float = 0.0) -> Block:
    return Block((Command(text, 1, output),), 1, within=within, limit=LONG)


def test_programs_have_the_size_of_the_readers_terminal_as_it_is_now(judge: Judge, screen: Screen) -> None:
    assert judge.run(block("stty size", "24 80")).outcome is Outcome.PASS
    screen.resize(10, 50)
    assert judge.run(block("stty size", "10 50")).outcome is Outcome.PASS


def test_a_program_that_runs_is_told_of_another_size(judge: Judge, screen: Screen) -> None:
    threading.Timer(0.5, screen.resize, (12, 60)).start()
    command = "until [ \"$(stty size)\" = '12 60' ]; do sleep 0.1; done"
    assert judge.run(block(command)).outcome is Outcome.PASS


def test_a_program_reads_what_the_reader_types(judge: Judge, screen: Screen) -> None:
    screen.type("hello\r", after=0.5)
    assert judge.run(block('read -r -t 10 line; echo "got $line"', "got hello")).outcome is Outcome.PASS


def test_keys_that_no_program_has_read_are_not_for_the_next_one(judge: Judge, screen: Screen) -> None:
    screen.type("yes\r", after=0.2)
    judge.run(block("sleep 1"))
    assert judge.run(block("read -r -t 1 line || echo nothing", "nothing")).outcome is Outcome.PASS


def test_keys_that_there_is_no_room_for_are_lost(opened: tuple[Session, PseudoTerminal], screen: Screen) -> None:
    """As after a long text was pasted by mistake, beside a program that reads nothing."""
    _session, device = opened
    with suppress(BlockingIOError):
        while True:
            os.write(device._master, b"key\n" * 1000)
    screen.type("more\n")
    device.watch(1.0)


def test_ctrl_c_ends_a_command_and_its_repetition(judge: Judge, screen: Screen) -> None:
    judge.run(block("mine=7"))
    screen.type("\x03", after=1.0)
    began = time.monotonic()
    result = judge.run(block("sleep 60", within=60.0))
    assert result.outcome is Outcome.FAIL
    assert time.monotonic() - began < LONG
    assert judge.run(block("echo; echo $mine", "7")).outcome is Outcome.PASS, "the shell goes on"


def test_ctrl_c_between_two_runs_ends_the_repetition(
    judge: Judge, screen: Screen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("coreos_lab.walk.judge.INTERVAL", 60.0)
    judge.run(block("mine=7"))
    screen.type("\x03", after=1.0)
    began = time.monotonic()
    result = judge.run(block("false", within=60.0))
    assert result.message == "false: exit code 1 instead of 0"
    assert time.monotonic() - began < LONG
    assert judge.run(block("echo; echo $mine", "7")).outcome is Outcome.PASS, "the shell goes on"


def test_the_reader_goes_on_in_a_new_line(judge: Judge, screen: Screen) -> None:
    judge.run(block("printf half"))
    assert screen.shown() == "half\r\n"
    judge.run(block("echo whole"))
    assert screen.shown() == "whole\r\n"


def test_a_look_at_a_task_reads_what_its_check_prints_and_shows_nothing(judge: Judge, screen: Screen) -> None:
    assert judge.passes(block("echo done", "done"))
    assert screen.shown() == ""


def test_an_address_has_the_shells_variables(
    judge: Judge, screen: Screen, opened: tuple[Session, PseudoTerminal]
) -> None:
    judge.run(block("there=here"))
    assert opened[0].expand("http://$there/") == "http://here/"
    assert screen.shown() == ""


@pytest.mark.parametrize("running", [False, True])
def test_a_terminal_that_is_closed_is_said_to_be(tmp_path: Path, running: bool) -> None:
    """Without SIGHUP, as under nohup."""
    reader = Screen()
    device = PseudoTerminal(reader.slave, reader.slave)
    device.log = tmp_path / "log"
    try:
        with pytest.raises(ClosedError):  # noqa: SIM117 - the first is about what the second raises
            with device.attached() if running else nullcontext():
                os.close(reader.master)
                os.write(device._slave, b"last words")
                if running:
                    while True:
                        device.watch(1.0)
                with device.attached():
                    pass
        device._copy()
    finally:
        device.close()
        os.close(reader.slave)
    assert device.log.read_bytes() == b"last words"
