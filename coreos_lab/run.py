"""The process gateway: the only module that starts processes.

Argument lists, never shell strings. An error carries the command, its exit code and its output. Under
`LAB_DEBUG` each call is logged with its time to stderr.
"""

from __future__ import annotations

import logging
import os
import shlex
import shutil
import signal
import subprocess  # the one import of it
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from coreos_lab.errors import LabError

log = logging.getLogger("coreos_lab.run")

LibraryCallError = subprocess.CalledProcessError  # what a library raises that starts programs by itself
# Puts itself there, then becomes the program: the process id stays the same.
SCOPE = ("systemd-run", "--scope", "--quiet", "--collect")
TAIL = 20  # lines of a failed tool's output that are worth showing


@dataclass(frozen=True)
class Completed:
    """A process that ended: its exit code (negative: the signal that ended it) and what it printed."""

    argv: tuple[str, ...]
    returncode: int
    stdout: str
    stderr: str


class CommandError(LabError):
    """A tool underneath failed. Its command line and the end of its output come along."""

    def __init__(self, done: Completed, hint: str = "") -> None:
        tail = "\n".join((done.stderr.strip() or done.stdout.strip()).splitlines()[-TAIL:])
        super().__init__(f"{shlex.join(done.argv)}: exit code {done.returncode}", hint, tail)
        self.done = done


class MissingProgramError(LabError):
    """A program that is needed is not installed."""

    def __init__(self, program: str) -> None:
        super().__init__(f"{program}: program not found", "run 'lab doctor': it names the package to install")


def which(program: str) -> Path | None:
    """Where a program is, also where root's folders are not on PATH (Debian's plain users)."""
    found = shutil.which(program) or shutil.which(program, path="/usr/sbin:/sbin")
    return Path(found) if found else None


def _environment(env: Mapping[str, str] | None) -> dict[str, str]:
    return {**os.environ, **(env or {})}


def _resolve(argv: Sequence[str | Path]) -> list[str]:
    program = which(str(argv[0]))
    if program is None:
        raise MissingProgramError(str(argv[0]))
    return [str(program), *(str(a) for a in argv[1:])]


def run(
    argv: Sequence[str | Path],
    *,
    check: bool = True,
    input_text: str | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    timeout: float | None = None,
) -> Completed:
    """Runs a program to its end and returns what it printed; `env` is added to ours.

    Raises CommandError when it exits with another code than 0 (unless `check` is false) or takes longer
    than `timeout` seconds, MissingProgramError when it is not there.
    """
    full = _resolve(argv)
    began = time.monotonic()
    try:
        done = subprocess.run(
            full,
            input=input_text,
            stdin=subprocess.DEVNULL if input_text is None else None,
            capture_output=True,
            text=True,
            errors="replace",
            env=_environment(env),
            cwd=cwd,
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired as expired:
        raise CommandError(Completed(tuple(full), 124, "", f"no end within {expired.timeout:g} s")) from None
    log.debug("%s -> %d (%.3f s)", shlex.join(full), done.returncode, time.monotonic() - began)
    completed = Completed(tuple(full), done.returncode, done.stdout, done.stderr)
    if check and done.returncode != 0:
        raise CommandError(completed)
    return completed


def contained(argv: Sequence[str | Path]) -> list[str]:
    """The call of a builder that takes all its mounts and children with it when it ends or is killed, or when we are.

    It gets a mount and a process namespace of its own; the host's unmounts still reach it, so that it holds nothing.
    """
    return [
        *("setpriv", "--pdeathsig", "KILL"),
        *("unshare", "--mount", "--propagation", "slave", "--pid", "--fork", "--kill-child", "--mount-proc", "--"),
        *map(str, argv),
    ]


def stream(
    argv: Sequence[str | Path],
    *,
    log_file: Path,
    on_line: Callable[[str], None] = lambda _line: None,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    check: bool = True,
    stop: threading.Event | None = None,
) -> Completed:
    """Runs a long program whose output (both streams) goes line by line to `log_file` and `on_line`.

    The program gets a process group of its own, which ends with us on Ctrl-C, or once another thread sets
    `stop`: none of its children is left over. Raises CommandError with the last lines.
    """
    full = _resolve(argv)
    began = time.monotonic()
    tail: deque[str] = deque(maxlen=TAIL)
    log_file.parent.mkdir(parents=True, exist_ok=True)
    with (
        log_file.open("a", encoding="utf-8") as out,
        subprocess.Popen(
            full,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env=_environment(env),
            cwd=cwd,
            start_new_session=True,
        ) as process,
    ):
        out.write(f"$ {shlex.join(full)}\n")
        if stop is not None:
            threading.Thread(target=_end_when, args=(stop, process), daemon=True).start()
        try:
            assert process.stdout is not None  # noqa: S101 - a fact of PIPE, for the type checker
            for line in process.stdout:
                out.write(line)
                out.flush()
                tail.append(line.rstrip())
                on_line(line.rstrip())
            code = process.wait()
        except BaseException:
            _end_group(process)
            raise
    log.debug("%s -> %d (%.3f s)", shlex.join(full), code, time.monotonic() - began)
    completed = Completed(tuple(full), code, "\n".join(tail), "")
    if check and code != 0:
        raise CommandError(completed, f"the whole output is in {log_file}")
    return completed


def _end_group(process: subprocess.Popen[str]) -> None:
    """Ends a process and its children: politely first, so that builders can unmount what they mounted."""
    for number, patience in ((signal.SIGTERM, 10), (signal.SIGKILL, 5)):
        try:
            os.killpg(process.pid, number)
            process.wait(patience)
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue


def _end_when(stop: threading.Event, process: subprocess.Popen[str]) -> None:
    while process.poll() is None:
        if stop.wait(0.2):
            _end_group(process)
            return


def attached(argv: Sequence[str | Path], *, env: Mapping[str, str] | None = None) -> int:
    """Runs a program on our own terminal (stdin, stdout, stderr) and returns its exit code."""
    return subprocess.run(_resolve(argv), env=_environment(env), check=False).returncode


def systemd_is_init() -> bool:
    """Whether PID 1 is systemd, see sd_booted(3): then it owns the cgroups, and ends what a service leaves behind."""
    return Path("/run/systemd/system").is_dir()


def spawn(
    argv: Sequence[str | Path],
    *,
    log_file: Path,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> int:
    """Starts a program that outlives us, in a session of its own; its output is appended to `log_file`.

    Returns its process id. While we live, a thread reaps it, so that it does not stay a zombie. Where systemd is PID 1
    it gets a scope of its own, too: a service that calls us, such as a CI runner's, ends all that is in its own.
    """
    full = _resolve([*SCOPE, *argv] if systemd_is_init() and os.geteuid() == 0 else argv)
    log_file.parent.mkdir(parents=True, exist_ok=True)
    with log_file.open("ab") as out:
        process = subprocess.Popen(
            full,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            env=_environment(env),
            cwd=cwd,
            start_new_session=True,
        )
    threading.Thread(target=process.wait, daemon=True).start()
    log.debug("%s -> started as %d", shlex.join(full), process.pid)
    return process.pid


def replace(argv: Sequence[str | Path], *, env: Mapping[str, str] | None = None) -> NoReturn:
    """Becomes another program: its terminal, signals and exit code are then the user's own."""
    full = _resolve(argv)
    os.execve(full[0], full, _environment(env))  # noqa: S606 - no shell is wanted
