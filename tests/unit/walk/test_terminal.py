"""A terminal runs commands in one shell, reports how they ended, and ends what does not end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from coreos_lab import wait
from coreos_lab.walk import terminal as module
from coreos_lab.walk.terminal import Terminal

LONG = 60.0  # seconds: far more than any of these commands takes


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    made = Terminal(tmp_path, "main", {"LAB_NAME": "core"}, tmp_path)
    yield made
    made.end()


def test_variables_and_the_folder_stay(terminal: Terminal, tmp_path: Path) -> None:
    assert terminal.run(f"x=5; cd {tmp_path}; echo $LAB_NAME", LONG).output == "core\n"
    done = terminal.run('echo "$x $PWD"; echo err >&2; false', LONG)
    assert (done.code, done.output) == (1, f"5 {tmp_path}\nerr\n")


def test_what_a_command_prints_is_not_taken_for_its_end(terminal: Terminal) -> None:
    assert terminal.run("echo 0; printf '7\\n' >&9; (exit 4)", LONG).code == 4


def test_a_command_that_does_not_end_is_interrupted(terminal: Terminal) -> None:
    terminal.run("x=5", LONG)
    assert terminal.run("sleep 1000", 0.3).code is None
    assert terminal.run("echo $x", LONG).output == "5\n", "the shell goes on"


def test_a_command_is_interrupted_where_the_caller_ignores_ctrl_c(terminal: Terminal) -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        terminal.run("x=5", LONG)
    finally:
        signal.signal(signal.SIGINT, before)
    assert terminal.run("sleep 1000", 0.3).code is None
    assert terminal.run("echo $x", LONG).output == "5\n"


def test_a_command_that_ignores_ctrl_c_is_killed(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PATIENCE", 0.3)
    assert terminal.run("trap '' INT; echo $BASHPID; sleep 1000", 0.3).code is None
    assert terminal.run("echo again", LONG).output == "again\n"


def test_another_shell_goes_on_where_one_was(terminal: Terminal, tmp_path: Path) -> None:
    (tmp_path / "in here").mkdir()
    terminal.run("cd 'in here'; x='a  b'; export y=2; list=(1 '2 3'); twice() { echo $1 $1; }", LONG)
    assert terminal.run("echo shown", LONG).output == "shown\n"
    other = Terminal(tmp_path, "other", {}, tmp_path, state=terminal.state())
    try:
        done = other.run('echo "$PWD|$x|${list[1]}"; sh -c "echo \\$y"; twice us', LONG)
    finally:
        other.end()
    assert done.output == f"{tmp_path}/in here|a  b|2 3\n2\nus us\n"


def test_the_names_that_a_command_uses_are_its_own(terminal: Terminal) -> None:
    terminal.run("file=mine; name=web", LONG)
    terminal.state()
    assert terminal.run("echo $file $name; exit", LONG).output == "mine web\n"
    assert terminal.run("echo $file $name", LONG).output == "mine web\n", "in the next shell"


def test_ctrl_c_ends_a_loop_and_what_was_to_come_after_it(terminal: Terminal, tmp_path: Path) -> None:
    terminal.run("x=5", LONG)
    began = time.monotonic()
    assert terminal.run(f"while :; do sleep 0.1; done; touch {tmp_path}/never", 0.3).code is None
    assert time.monotonic() - began < module.PATIENCE, "the shell was not killed"
    assert terminal.run("echo $x", LONG).output == "5\n", "the shell goes on"
    assert not (tmp_path / "never").exists()


def test_while_a_command_runs_the_state_is_that_of_the_last_call(terminal: Terminal) -> None:
    terminal.run("x=5", LONG)
    before = terminal.state()
    terminal.start("x=6; sleep 1000")
    assert terminal.state() == before
    assert "x=" in before
    assert terminal.running


def test_without_a_shell_there_is_no_end_to_wait_for(terminal: Terminal) -> None:
    terminal.rest(0.01)
    terminal.run("true", LONG)
    terminal.end()
    terminal.rest(0.01)


def test_a_command_may_have_bytes_that_are_no_utf_8(terminal: Terminal, tmp_path: Path) -> None:
    terminal.run(b"touch caf\xe9; echo caf\xe9".decode(errors="surrogateescape"), LONG)
    assert terminal.printed() == b"caf\xe9\n"
    assert os.fsencode(tmp_path / "caf") + b"\xe9" in [os.fsencode(path) for path in tmp_path.iterdir()]


def test_exit_is_an_exit_code(terminal: Terminal) -> None:
    assert terminal.run("exit 7", LONG).code == 7
    assert terminal.run("kill -9 $BASHPID", LONG).code == 128 + 9
    assert terminal.run("echo again", LONG).output == "again\n"


def test_after_exit_the_shell_begins_with_the_state_that_was_asked_for_last(terminal: Terminal) -> None:
    terminal.run("x=5; f() { echo $x; }", LONG)
    terminal.state()
    assert terminal.run("exit 3", LONG).code == 3
    assert terminal.run("f", LONG).output == "5\n"


def test_what_runs_ends_with_its_terminal(terminal: Terminal) -> None:
    terminal.start("sh -c 'echo $$; exec sleep 1000'")
    wait.until(lambda: terminal.read().strip(), deadline=LONG, missing="the process id")
    process = int(terminal.read())
    assert terminal.running
    terminal.end()
    assert not terminal.running
    wait.until(lambda: not Path(f"/proc/{process}").exists(), deadline=LONG, missing="its end")


def test_what_runs_ends_with_a_walk_that_is_killed(tmp_path: Path) -> None:
    folder = tmp_path / "walk"
    folder.mkdir()
    walk = (
        "import pathlib, time; from coreos_lab.walk.terminal import Terminal;"
        f"made = Terminal(pathlib.Path({str(folder)!r}), 'main', {{}}, pathlib.Path({str(tmp_path)!r}));"
        f"made.start('echo $$ > {tmp_path}/shell; while sleep 0.1; do :; done'); time.sleep({LONG})"
    )
    with subprocess.Popen([sys.executable, "-c", walk]) as process:
        shell = tmp_path / "shell"
        wait.until(lambda: shell.exists() and shell.read_text(), deadline=LONG, missing="the shell")
        os.killpg(int(shell.read_text()), signal.SIGINT)  # the shell has taken one Ctrl-C
        process.kill()
    wait.until(lambda: not folder.exists(), deadline=LONG, missing="the end of the walk's folder")
    wait.until(lambda: not _group(int(shell.read_text())), deadline=LONG, missing="the end of the shell")


def test_a_command_may_wait_for_its_own_jobs(terminal: Terminal) -> None:
    assert terminal.run("sleep 0.1 & wait; jobs", LONG).output == ""


def _group(number: int) -> list[str]:
    """The processes of a group that have not ended."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            state, _parent, group = stat.read_text().rpartition(")")[2].split()[:3]
            if int(group) == number and state != "Z":
                found.append(stat.parent.name)
    return found
