"""A terminal of a walk: one shell that runs commands one after the other, and keeps its variables and its folder.

The shell reads the name of a file with the command from one pipe, and writes the command's exit code to another:
nothing that a command prints can be taken for its end.
"""

from __future__ import annotations

import os
import select
import shlex
import signal
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from coreos_lab import interrupts, run

# Ctrl-C ends a command, also a loop, but not the shell. `exit` ends the shell, whose exit code is the command's then;
# the next command's shell begins with the state that was asked for last.
# $1: the terminal device, which becomes the controlling terminal as it is opened; "" for none. $2: the folder.
# If this process is killed, a pipe ends that it holds: then the folder goes, and the shell's programs end. What sees to
# that outlives the hangup of the terminal device, which comes at the same moment.
SHELL = """
trap 'return 130 2>/dev/null' INT
[ -z "$1" ] || exec <>"$1" >&0 2>&1
{{ trap '' HUP; read -r -u {life}; rm -rf -- "$2"; kill 0; }} {calls}<&- {codes}>&- & disown
exec {life}<&-
shift 2
LAB_WALK_OWN=" $({{ compgen -v; compgen -A function; }} | tr '\\n' ' ') LAB_WALK_OWN LAB_WALK_CALL PIPESTATUS _ "
while IFS= read -r -u {calls} LAB_WALK_CALL; do
  . "$LAB_WALK_CALL" {calls}<&- {codes}>&-
  printf '%s\\n' "$?" >&{codes}
done
"""
PATIENCE = 10.0  # seconds that a command gets to end after Ctrl-C
AGAIN = 0.5  # seconds between two Ctrl-C
LOOK = 0.1  # seconds between two looks at signals and at the screen


@dataclass(frozen=True)
class Done:
    """A command that was run: its exit code, None if it had to be interrupted, and what it printed."""

    code: int | None
    output: str
    seconds: float


# Prints the shell's folder, and the variables and functions that commands have set in it, as commands.
STATE = """
printf 'cd %q\\n' "$PWD"
for LAB_WALK_NAME in $(compgen -v); do
  case "$LAB_WALK_OWN LAB_WALK_NAME " in *" $LAB_WALK_NAME "*) ;; *) declare -p "$LAB_WALK_NAME" ;; esac
done
for LAB_WALK_NAME in $(compgen -A function); do
  case "$LAB_WALK_OWN" in *" $LAB_WALK_NAME "*) ;; *) declare -f "$LAB_WALK_NAME" ;; esac
done
"""


class Terminal:
    """A shell that begins in the folder `begin`, with a `state` that another had. Its output is collected in `folder`.

    `device` is the path of a terminal device that it uses instead.
    """

    def __init__(
        self, folder: Path, name: str, env: Mapping[str, str], begin: Path, *, state: str = "", device: str = ""
    ) -> None:
        self.name = name
        self.log = folder / f"{name}.log"
        self.log.touch()
        self._folder, self._start_in, self._env, self._device = folder, begin, dict(env), device
        self._process: run.Process | None = None
        self._calls = self._codes = self._life = -1
        self._waits = False  # for the code of a command
        self._state = state  # in which the next shell begins

    def run(self, command: str, limit: float, watch: Callable[[float], None] | None = None) -> Done:
        """Runs a command to its end, or interrupts it after `limit` seconds.

        `watch` is called again and again meanwhile; it waits for at most the seconds that it is given.
        """
        began, start = time.monotonic(), self.size
        self.start(command)
        code = self.wait(limit, watch)
        if code is None:
            self.interrupt()
        return Done(code, self.read(start), time.monotonic() - began)

    def start(self, command: str) -> None:
        """Starts a command. The one before must have ended."""
        if self._process is None or self._process.poll() is not None:
            self._begin()
            command = f"{self._state}\n{command}"
        descriptor, path = tempfile.mkstemp(prefix=f"{self.name}-", dir=self._folder)
        # A reader's command may have bytes that are no UTF-8, such as a file's name.
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="surrogateescape") as file:
            file.write(command + "\n")
        os.write(self._calls, f"{path}\n".encode())
        self._waits = True

    def wait(self, limit: float, watch: Callable[[float], None] | None = None) -> int | None:
        """The exit code of the command that was started; None if it runs on after `limit` seconds."""
        deadline = time.monotonic() + limit
        while time.monotonic() < deadline:
            interrupts.check()
            (watch or self.rest)(LOOK)
            if (code := self._ended()) is not None:
                if watch is not None:
                    watch(0)  # what was printed last
                return code
        return None

    def state(self) -> str:
        """Commands that make another shell go on where this one is: its folder, variables and functions.

        While a command runs, they are those of the last call.
        """
        if self.running:
            return self._state
        file = self._folder / "state"
        done = self.run(f"(\n{STATE}\n) > {shlex.quote(str(file))}", PATIENCE)
        if done.code == 0:
            self._state = file.read_text(encoding="utf-8", errors="replace")
        return self._state

    def rest(self, seconds: float) -> None:
        """Waits for the command's end, at most for some seconds."""
        select.select([] if self._process is None else [self._codes], [], [], seconds)

    @property
    def running(self) -> bool:
        """Whether a command runs."""
        return self._waits and self._ended() is None

    @property
    def size(self) -> int:
        """The bytes printed so far: a place to read from later."""
        return self.log.stat().st_size

    def read(self, since: int = 0) -> str:
        """What was printed since a place, as text."""
        return self.printed(since).decode(errors="replace")

    def printed(self, since: int = 0) -> bytes:
        """What was printed since a place."""
        with self.log.open("rb") as file:
            file.seek(since)
            return file.read()

    def interrupt(self) -> None:
        """Ctrl-C. A command that does not end by that is killed, and the shell with it."""
        if self._process is None or not self._waits:
            return
        deadline = time.monotonic() + PATIENCE
        with interrupts.undoing("interrupting a command"):
            while time.monotonic() < deadline:  # a signal is lost on a program that is being started
                with suppress(ProcessLookupError):
                    os.killpg(self._process.pid, signal.SIGINT)
                if self.wait(AGAIN) is not None:
                    return
            self.end()

    def cut_off(self) -> None:
        """Kills the shell and what runs in it, from any thread: whoever waits for a command finds that it has ended."""
        process = self._process
        if process is not None and self._waits:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)

    def end(self) -> None:
        """Ends the shell and what runs in it."""
        process, self._process = self._process, None
        if process is None:
            return
        self._waits = False
        run.end(process)
        for descriptor in (self._calls, self._codes, self._life):
            os.close(descriptor)

    def _begin(self) -> None:
        self.end()
        calls_in, self._calls = os.pipe()
        self._codes, codes_out = os.pipe()
        life_in, self._life = os.pipe()
        output = os.open(self.log, os.O_WRONLY | os.O_APPEND)
        shell = SHELL.format(calls=calls_in, codes=codes_out, life=life_in)
        try:
            self._process = run.begin(
                ["bash", "--noprofile", "--norc", "-c", shell, "bash", self._device, self._folder],
                output=output,
                pass_fds=(calls_in, codes_out, life_in),
                env=self._env,
                cwd=self._start_in,
            )
        finally:
            for descriptor in (calls_in, codes_out, life_in, output):
                os.close(descriptor)

    def _ended(self) -> int | None:
        """The exit code of the command that was started, once it has ended."""
        if self._process is None or not self._waits:
            return 0
        if select.select([self._codes], [], [], 0)[0]:
            line = os.read(self._codes, 64).decode()
            if line.strip():
                self._waits = False
                return int(line.split()[-1])
        code = self._process.poll()
        if code is not None:  # the command was `exit`, or it killed its shell
            self._waits = False
            return code if code >= 0 else 128 - code
        return None
