"""A whole walk at a terminal: second terminals beside it, as lines or as panes of tmux."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from coreos_lab import hints, settings, wait
from coreos_lab.errors import Exit

LONG = 60.0
RUNNING = "echo begun$((1)); sleep 1000"
PAGE = """\
# A

```console terminal=loop within=20s
$ while sleep 0.2; do echo tick; done
tick
```

```console
$ printf half; sleep 1
half
```
"""
TMUX = """\
#!/bin/sh
echo "$@" >> "$(dirname "$0")/calls"
echo %7
"""


class Walk:
    """`lab walk` with a terminal of its own."""

    def __init__(self, folder: Path, env: dict[str, str]) -> None:
        self.shown = ""
        self._master, slave = pty.openpty()
        main = "from coreos_lab.start import main; main()"
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-c", main, "walk", str(folder)],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            env={**os.environ, "PYTHONPATH": str(settings.data("labs").parent), "TERM": "dumb", **env},
        )
        os.close(slave)
        self._closing = threading.Event()
        self._reading = threading.Thread(target=self._read, daemon=True)
        self._reading.start()

    def _read(self) -> None:
        with suppress(OSError):  # the walk has ended
            while not self._closing.is_set():
                if select.select([self._master], [], [], 0.05)[0]:
                    self.shown += os.read(self._master, 65536).decode(errors="replace")

    def types(self, line: str, until: str) -> None:
        """Types a line, and waits until more has been shown, with `until` in it.

        Keys that come before a command has ended are the command's: `asks` is for a line that is typed next.
        """
        since = len(self.shown)
        os.write(self._master, f"{line}\r".encode())
        self.shows(until, since)

    def shows(self, text: str, since: int = 0) -> None:
        wait.until(lambda: text in self.shown[since:], deadline=LONG, missing=lambda: f"{text!r} in {self.shown!r}")

    def asks(self) -> None:
        """Waits until the walk waits for a line."""
        wait.until(lambda: self.shown.endswith("$ "), deadline=LONG, missing=lambda: f"the prompt in {self.shown!r}")

    def close(self) -> None:
        """Closes the terminal. It is not the process's controlling terminal, so that no SIGHUP comes of it."""
        self._closing.set()
        self._reading.join()
        os.close(self._master)

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        if not self._closing.is_set():
            self.close()


@pytest.fixture
def walk(tmp_path: Path) -> Iterator[Callable[..., Walk]]:
    folder = tmp_path / "mine"
    (folder / "units").mkdir(parents=True)
    (folder / "units/idle.service").write_text("[Service]\nExecStart=/bin/sleep 1d\n", encoding="utf-8")
    (folder / "lab.yaml").write_text("title: Mine\nsummary: A page.\nunits: [units/idle.service]\n", encoding="utf-8")
    (folder / "page.md").write_text(PAGE, encoding="utf-8")
    begun: list[Walk] = []

    def begin(**env: str) -> Walk:
        begun.append(Walk(folder, {"LAB_STATE_DIR": str(tmp_path / "state"), "TMUX": "", **env}))
        return begun[-1]

    yield begin
    for each in begun:
        each.end()


def test_a_second_terminals_lines_come_between_the_others(walk: Callable[..., Walk]) -> None:
    reader = walk()
    reader.shows("Enter runs in terminal loop")
    reader.types("", "Step 2 of 2")
    reader.types("", "loop | tick")
    reader.shows("That was mine: Mine.")
    assert reader.process.wait(LONG) == 0


def test_a_second_terminal_is_a_pane_of_tmux_until_the_walk_ends(walk: Callable[..., Walk], tmp_path: Path) -> None:
    tmux = tmp_path / "bin/tmux"
    tmux.parent.mkdir()
    tmux.write_text(TMUX, encoding="utf-8")
    tmux.chmod(0o755)
    reader = walk(TMUX="socket,1,0", PATH=f"{tmux.parent}:{os.environ['PATH']}")
    reader.shows("Enter runs in terminal loop")
    reader.types("", "Step 2 of 2")
    assert reader.process.poll() is None
    opened, *more = (tmux.parent / "calls").read_text(encoding="utf-8").splitlines()
    assert "split-window" in opened
    assert f"--pid={reader.process.pid} " in opened
    assert opened.endswith("/loop.log")
    assert more == []
    reader.types(":stop", "Stopped before step 2 of 2")
    assert reader.process.wait(LONG) == 0
    assert (tmux.parent / "calls").read_text(encoding="utf-8").splitlines()[1:] == ["kill-pane -t %7"]
    assert "loop | " not in reader.shown


def test_ctrl_c_gives_up_a_command_of_several_lines(walk: Callable[..., Walk]) -> None:
    reader = walk()
    reader.shows("Enter runs in terminal loop")
    reader.types("echo never; cat <<EOF", "> ")
    since = len(reader.shown)
    reader.process.send_signal(signal.SIGINT)
    reader.shows("^C  (:stop or Ctrl-D stops the walk)", since)
    reader.asks()
    reader.types("echo $((6 * 7))", "42")
    assert "\nnever" not in reader.shown


def test_a_text_that_is_pasted_is_run_command_by_command(walk: Callable[..., Walk]) -> None:
    reader = walk(TERM="xterm")
    reader.shows("in terminal loop")
    reader.asks()
    pasted = "x=6\nfor each in 7 8; do\n  echo $((x * each))\ndone\n"
    reader.types(f"\x1b[200~{pasted}\x1b[201~", "42\r\n48")


def test_a_walk_that_is_killed_leaves_nothing(walk: Callable[..., Walk], tmp_path: Path) -> None:
    """Although the shell's terminal device hangs up at the same moment."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    reader = walk(TMPDIR=str(scratch))
    reader.shows("Enter runs in terminal loop")
    reader.types(RUNNING, "begun1")
    assert list(scratch.iterdir())
    reader.process.kill()
    wait.until(lambda: not list(scratch.iterdir()), deadline=LONG, missing=lambda: str(list(scratch.iterdir())))


@pytest.mark.parametrize(
    ("number", "typed"), [(signal.SIGTERM, ""), (signal.SIGHUP, RUNNING), (None, ""), (None, RUNNING)]
)
def test_nothing_is_lost_with_a_signal_or_the_terminal(
    walk: Callable[..., Walk], tmp_path: Path, typed: str, number: signal.Signals | None
) -> None:
    cloud = tmp_path / "state/clouds" / hints.DEFAULT_CLOUD
    cloud.mkdir(parents=True)
    (cloud / "cloud.json").touch()
    reader = walk()
    reader.shows("Enter runs in terminal loop")
    reader.types("", "Step 2 of 2")
    reader.types("mine=7; echo set$((1))", "set1")
    reader.asks()
    if typed:
        reader.types(typed, "begun1")
    time.sleep(0.5)  # the loop goes on
    if number:
        reader.process.send_signal(number)
    else:
        reader.close()
    expected = 128 + number if number else Exit.ENVIRONMENT
    code = reader.process.wait(LONG)
    record = json.loads((cloud / "walks/mine.json").read_text(encoding="utf-8"))
    assert record["step"] == 2
    assert 'declare -- mine="7"\n' in record["shell"]
    assert record["beside"]["loop"].startswith("tick\n")
    assert code == expected
