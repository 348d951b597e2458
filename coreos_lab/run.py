"""The process gateway: the only module that starts processes.

Argument lists, never shell strings. An error carries the command, its exit code and its output. Under
`LAB_DEBUG` each call is logged with its time to stderr. This is one long module because no other may start a process.
"""

from __future__ import annotations

import logging
import math
import os
import shlex
import shutil
import signal
import subprocess  # the one import of it
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

from coreos_lab import environment, hints, interrupts, umask
from coreos_lab.errors import LabError

log = logging.getLogger("coreos_lab.run")

LibraryCallError = subprocess.CalledProcessError  # raised by a library that starts programs by itself
SCOPE = ("systemd-run", "--scope", "--quiet", "--collect")  # it becomes the program: the process id stays the same
LOOK = 0.2  # seconds between two looks whether a program is to end
Process = subprocess.Popen[bytes]
Environment = Mapping[str, str | None]
TAIL = 20  # lines of a failed tool's output that are worth showing


@dataclass(frozen=True)
class Completed:
    """A process that ended: its exit code (negative: the signal that ended it) and what it printed."""

    argv: tuple[str, ...]
    returncode: int
    stdout: str
    stderr: str


class CommandError(LabError):
    """A tool underneath failed. Has its command line and the end of its output."""

    def __init__(self, done: Completed, hint: str = "") -> None:
        tail = "\n".join((done.stderr.strip() or done.stdout.strip()).splitlines()[-TAIL:])
        super().__init__(f"{shlex.join(done.argv)}: exit code {done.returncode}", hint, tail)
        self.done = done


class MissingProgramError(LabError):
    """A program that is needed is not installed."""

    def __init__(self, program: str) -> None:
        look = f"run '{hints.lab('doctor')}': it names the package to install"
        super().__init__(f"{program}: program not found", look)


def which(program: str) -> Path | None:
    """The path of a program, also of one in root's folders, which Debian's plain users do not have on PATH."""
    found = shutil.which(program) or shutil.which(program, path="/usr/sbin:/sbin")
    return Path(found) if found else None


def _environment(env: Environment | None, *, outside: bool = False) -> dict[str, str]:
    merged = {**environment.ours(os.environ, outside=outside), **(env or {})}
    return {name: value for name, value in merged.items() if value is not None}


def _resolve(argv: Sequence[str | Path]) -> list[str]:
    program = which(str(argv[0]))
    if program is None:
        raise MissingProgramError(str(argv[0]))
    return [str(program), *(str(a) for a in argv[1:])]


def _start(
    full: list[str],
    stdin: int | BinaryIO,
    stdout: int | BinaryIO,
    stderr: int,
    environ: dict[str, str],
    cwd: Path | None,
) -> subprocess.Popen[str]:
    """Starts a program in a session of its own: what a terminal sends to us (Ctrl-C, its end) does not reach it."""
    return subprocess.Popen(
        full,
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        encoding="utf-8",
        errors="replace",
        env=environ,
        cwd=cwd,
        start_new_session=True,
    )


def run(
    argv: Sequence[str | Path],
    *,
    check: bool = True,
    input_text: str | None = None,
    env: Environment | None = None,
    cwd: Path | None = None,
    timeout: float | None = None,
) -> Completed:
    """Runs a program to its end and returns what it printed; `env` is added to ours, None removes a variable.

    Ctrl-C does not reach the program, so that an undo goes on; when this process is to stop, it kills the program.
    Raises CommandError when the program exits with another code than 0 (unless `check` is false) or takes longer than
    `timeout` seconds, MissingProgramError when it is not installed.
    """
    full = _resolve(argv)
    began = time.monotonic()
    with ExitStack() as files:
        stdin = subprocess.DEVNULL if input_text is None else files.enter_context(_file_of(input_text))
        process = files.enter_context(_start(full, stdin, subprocess.PIPE, subprocess.PIPE, _environment(env), cwd))
        completed = _completed(process, full, timeout)
    log.debug("%s -> %d (%.3f s)", shlex.join(full), completed.returncode, time.monotonic() - began)
    if check and completed.returncode != 0:
        raise CommandError(completed)
    return completed


def _file_of(text: str) -> BinaryIO:
    """A file in memory for a program to read.

    Not a pipe: when its timeout comes before everything is written, as with a program that reads late, communicate()
    neither writes the rest nor closes the pipe in its next call, and the program waits for ever.
    """
    file = os.fdopen(os.memfd_create("input"), "w+b")
    file.write(text.encode("utf-8", "replace"))
    file.seek(0)
    return file


def _completed(process: subprocess.Popen[str], argv: Sequence[str], timeout: float | None) -> Completed:
    """The process when it has ended. It is killed where it takes too long, which is a CommandError, or is to stop."""
    try:
        out, err = _output(process, timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        raise CommandError(Completed(tuple(argv), 124, "", f"no end within {timeout:g} s")) from None
    except BaseException:
        process.kill()
        raise
    return Completed(tuple(argv), process.returncode, out or "", err)


def _output(process: subprocess.Popen[str], timeout: float | None) -> tuple[str, str]:
    """What a process prints until it ends. TimeoutExpired after `timeout` seconds; KeyboardInterrupt to stop."""
    end = time.monotonic() + timeout if timeout is not None else math.inf
    while True:
        left = end - time.monotonic()
        try:
            return process.communicate(timeout=max(0.0, min(left, LOOK)))
        except subprocess.TimeoutExpired:
            interrupts.check()
            if left <= LOOK:
                raise


def transfer(
    argv: Sequence[str | Path],
    *,
    source: Path | None = None,
    target: Path | None = None,
    timeout: float | None = None,
) -> Completed:
    """Runs a program that reads the file `source`, or whose output becomes the file `target`, of any size.

    Raises CommandError when the program exits with another code than 0 or takes longer than `timeout` seconds; then
    `target` is not whole.
    """
    full = _resolve(argv)
    began = time.monotonic()
    with ExitStack() as files:
        stdin = files.enter_context(source.open("rb")) if source else subprocess.DEVNULL
        stdout = files.enter_context(target.open("wb")) if target else subprocess.PIPE
        with subprocess.Popen(
            full,
            stdin=stdin,
            stdout=stdout,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
            env=_environment(None),
            start_new_session=True,
        ) as process:
            completed = _completed(process, full, timeout)
    log.debug("%s -> %d (%.3f s)", shlex.join(full), completed.returncode, time.monotonic() - began)
    if completed.returncode != 0:
        raise CommandError(completed)
    return completed


def stream(
    argv: Sequence[str | Path],
    *,
    log_file: Path,
    on_line: Callable[[str], None] = lambda _line: None,
    env: Environment | None = None,
    cwd: Path | None = None,
    check: bool = True,
    stop: threading.Event | None = None,
    outside: bool = False,
) -> Completed:
    """Runs a long program whose output (both streams) goes line by line to `log_file` and `on_line`.

    The program gets a process group of its own, which is ended on Ctrl-C, or once another thread sets `stop`, so that
    none of its children is left. With `outside`, for a program that asks a package registry, it gets the user's proxy.
    Raises CommandError with the last lines.
    """
    full = _resolve(argv)
    began = time.monotonic()
    tail: deque[str] = deque(maxlen=TAIL)
    log_file.parent.mkdir(parents=True, exist_ok=True)
    environ = _environment(env, outside=outside)
    with (
        log_file.open("a", encoding="utf-8") as out,
        _start(full, subprocess.DEVNULL, subprocess.PIPE, subprocess.STDOUT, environ, cwd) as process,
    ):
        threading.Thread(target=_end_when, args=(stop, process), daemon=True).start()
        try:
            out.write(f"$ {shlex.join(full)}\n")
            assert process.stdout is not None  # noqa: S101 - a fact of PIPE, for the type checker
            for line in process.stdout:
                out.write(line)
                out.flush()
                tail.append(line.rstrip())
                on_line(line.rstrip())
            code = process.wait()
            interrupts.check()
        except BaseException:
            _end_group(process)
            raise
    log.debug("%s -> %d (%.3f s)", shlex.join(full), code, time.monotonic() - began)
    completed = Completed(tuple(full), code, "\n".join(tail), "")
    if check and code != 0:
        raise CommandError(completed, f"the whole output is in {log_file}")
    return completed


def begin(
    argv: Sequence[str | Path],
    *,
    output: int,
    pass_fds: Sequence[int] = (),
    env: Environment | None = None,
    cwd: Path | None = None,
) -> Process:
    """Starts a program that the caller goes on talking to, in a session of its own, and that the caller must end.

    `output` is the descriptor for both of its streams; it also keeps `pass_fds`, and has no input.
    """
    with interrupts.not_ignored():
        return subprocess.Popen(
            _resolve(argv),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            pass_fds=pass_fds,
            env=_environment(env),
            cwd=cwd,
            start_new_session=True,
        )


def in_terminal(argv: Sequence[str | Path], device: int, *, env: Environment | None = None) -> Process:
    """Starts a program that the caller must end on a terminal device (a descriptor), as that terminal's session.

    The kernel ends it, too, once nobody holds the device's other end: with this process, however that ends.
    """
    with interrupts.not_ignored():
        return subprocess.Popen(
            _resolve(["setsid", "--ctty", *_resolve(argv)]),
            stdin=device,
            stdout=device,
            stderr=device,
            env=_environment(env),
        )


def end(process: Process) -> None:
    """Ends a program that was begun, and all processes of its group."""
    _end_group(process)


def _end_group(process: subprocess.Popen[Any]) -> None:
    """Ends a process and its children, first by SIGTERM, so that builders can unmount what they mounted."""
    for number, patience in ((signal.SIGTERM, 10), (signal.SIGKILL, 5)):
        try:
            os.killpg(process.pid, number)
            process.wait(patience)
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue


def _end_when(stop: threading.Event | None, process: subprocess.Popen[str]) -> None:
    while process.poll() is None:
        time.sleep(LOOK)
        if interrupts.is_come() or (stop is not None and stop.is_set()):
            _end_group(process)
            return


def systemd_is_init() -> bool:
    """Whether PID 1 is systemd, see sd_booted(3): then it owns the cgroups, and ends what a service leaves."""
    return Path("/run/systemd/system").is_dir()


def spawn(
    argv: Sequence[str | Path],
    *,
    log_file: Path,
    env: Environment | None = None,
    cwd: Path | None = None,
) -> int:
    """Starts a program that outlives this process; its output is appended to `log_file`. Returns its process id.

    As long as this process lives, a thread reaps the program, so that it does not stay a zombie. Where systemd is PID 1
    it gets a scope of its own, too: a service that calls us, such as a CI runner, ends all processes in its own cgroup.
    """
    full = _resolve([*SCOPE, *argv] if systemd_is_init() and os.geteuid() == 0 else argv)
    log_file.parent.mkdir(parents=True, exist_ok=True)
    with log_file.open("ab") as out:
        process = _start(full, subprocess.DEVNULL, out, subprocess.STDOUT, _environment(env), cwd)
    threading.Thread(target=process.wait, daemon=True).start()
    log.debug("%s -> started as %d", shlex.join(full), process.pid)
    return process.pid


def replace(argv: Sequence[str | Path], *, env: Environment | None = None) -> NoReturn:
    """Becomes another program, which has the user's terminal, signals and umask, and whose exit code the user gets."""
    full = _resolve(argv)
    umask.restore()
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # Python ignores it, and so would the program
    os.execve(full[0], full, _environment(env))  # noqa: S606 - no shell is wanted
