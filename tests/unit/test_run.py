"""The process gateway."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from coreos_lab import namespaces, run, wait
from coreos_lab.errors import Exit

PACKAGE = Path(run.__file__).parent


def over(pid: int) -> bool:
    """Whether a process has ended: gone, or a zombie that is not reaped yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def test_no_other_module_starts_processes() -> None:
    starts = re.compile(r"^\s*(import subprocess|from subprocess|.*\bos\.(system|popen|exec|spawn|posix_spawn))", re.M)
    found = {path.name for path in PACKAGE.rglob("*.py") if starts.search(path.read_text())}
    assert found == {"run.py", "boot.py"}, "a node's boot becomes systemd-nspawn"


def test_both_outputs_and_the_code_are_returned() -> None:
    done = run.run(["sh", "-c", "echo out; echo err >&2; exit 3"], check=False)
    assert (done.returncode, done.stdout, done.stderr) == (3, "out\n", "err\n")


def test_a_failure_carries_command_code_and_the_end_of_the_output() -> None:
    with pytest.raises(run.CommandError) as failed:
        run.run(["sh", "-c", "seq 30 >&2; exit 4", "two words"])
    assert failed.value.message.endswith("'two words': exit code 4")
    assert failed.value.details.splitlines() == [str(n) for n in range(11, 31)]
    assert failed.value.done.returncode == 4
    assert failed.value.exit_code == Exit.ENVIRONMENT


def test_a_program_that_complains_on_stdout_is_heard_too() -> None:
    with pytest.raises(run.CommandError) as failed:
        run.run(["sh", "-c", "echo no such thing; exit 1"])
    assert failed.value.details == "no such thing"


def test_a_signal_is_a_negative_code() -> None:
    assert run.run(["sh", "-c", "kill -9 $$"], check=False).returncode == -9


def test_a_program_that_is_missing_leads_to_doctor() -> None:
    with pytest.raises(run.MissingProgramError, match="no-such-program: program not found") as missing:
        run.run(["no-such-program", "x"])
    assert "lab doctor" in missing.value.hint


def test_arguments_are_no_shell_words() -> None:
    assert run.run(["printf", "%s|", "a b", "$HOME", "*"]).stdout == "a b|$HOME|*|"


def test_the_environment_is_ours_and_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OURS", "1")
    assert run.run(["sh", "-c", "echo $OURS $MORE"], env={"MORE": "2"}).stdout == "1 2\n"


def test_input_is_what_was_given_or_nothing(tmp_path: Path) -> None:
    assert run.run(["cat"], input_text="äh").stdout == "äh"
    assert run.run(["cat"]).stdout == ""
    assert run.run(["pwd"], cwd=tmp_path).stdout.strip() == str(tmp_path.resolve())


def test_input_reaches_a_program_that_reads_late() -> None:
    """More than a pipe holds, after more than one look at the program."""
    late = ["sh", "-c", f"sleep {2 * run.LOOK}; wc -c"]
    assert run.run(late, input_text="x" * 1_000_000, timeout=60).stdout.strip() == "1000000"


def test_what_is_no_text_is_no_crash() -> None:
    assert "�" in run.run(["printf", r"\377"]).stdout


def test_a_program_that_does_not_end_is_a_failure_in_time() -> None:
    with pytest.raises(run.CommandError) as late:
        run.run(["sleep", "30"], timeout=0.05, check=False)
    assert late.value.details == "no end within 0.05 s"


def test_an_administrators_program_is_found_by_a_plain_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert run.which("ldconfig") is not None
    assert run.which("no-such-program") is None


def test_a_long_program_is_followed_and_logged(tmp_path: Path) -> None:
    lines: list[str] = []
    log = tmp_path / "logs" / "build.log"
    done = run.stream(["sh", "-c", "echo one; echo two >&2"], log_file=log, on_line=lines.append)
    assert lines == ["one", "two"]
    assert done.stdout == "one\ntwo"
    assert log.read_text().splitlines()[1:] == ["one", "two"]
    run.stream(["echo", "again"], log_file=log)
    assert "one" in log.read_text(), "an earlier run's output is kept"


def test_a_long_program_that_fails_names_its_log(tmp_path: Path) -> None:
    with pytest.raises(run.CommandError) as failed:
        run.stream(["sh", "-c", "seq 30; exit 2"], log_file=tmp_path / "x.log")
    assert str(tmp_path / "x.log") in failed.value.hint
    assert failed.value.details.splitlines()[0] == "11"
    assert run.stream(["false"], log_file=tmp_path / "x.log", check=False).returncode == 1


def test_an_interrupt_ends_a_long_program_with_its_children(tmp_path: Path) -> None:
    children: list[int] = []

    def interrupt(line: str) -> None:
        children.append(int(line))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run.stream(["sh", "-c", "sleep 60 & echo $!; wait"], log_file=tmp_path / "x.log", on_line=interrupt)
    wait.until(lambda: over(children[0]), deadline=10, missing="the child lives on")


def test_another_thread_ends_a_long_program_that_says_nothing(tmp_path: Path) -> None:
    stop = threading.Event()
    stop.set()
    done = run.stream(["sleep", "60"], log_file=tmp_path / "x.log", stop=stop, check=False)
    assert done.returncode == -signal.SIGTERM


@pytest.mark.skipif(os.geteuid() != 0, reason="namespaces of its own need root")
def test_a_contained_builder_dies_with_us(tmp_path: Path) -> None:
    """Also when we are killed, and then its mounts and its children go as well."""
    inner = f"mount -t tmpfs tmpfs {tmp_path}; echo up; sleep 61"
    ours = subprocess.Popen(
        [
            "python3",
            "-c",
            "import subprocess, sys; subprocess.run(sys.argv[1:])",
            *namespaces.contained(["sh", "-c", inner]),
        ],
        stdout=subprocess.PIPE,
    )
    assert ours.stdout is not None
    assert ours.stdout.readline() == b"up\n"
    assert not tmp_path.is_mount()
    ours.kill()
    assert ours.stdout.read() == b"", "the last child has closed it"
    ours.wait()


def test_a_program_that_outlives_us_has_a_session_of_its_own_and_leaves_no_zombie(tmp_path: Path) -> None:
    log = tmp_path / "logs" / "console.log"
    pid = run.spawn(["sh", "-c", "echo up; exec sleep 60"], log_file=log)
    try:
        assert os.getsid(pid) == pid
        wait.until(lambda: log.read_text() == "up\n", deadline=10, missing="nothing is logged")
    finally:
        os.kill(pid, signal.SIGKILL)
    wait.until(lambda: not Path(f"/proc/{pid}").exists(), deadline=10, missing="it stays a zombie")


def test_where_systemd_rules_it_leaves_the_service_that_called_us(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever ends that service, as a CI runner does with its jobs', would end it along."""
    stand_in = tmp_path / "systemd-run"
    stand_in.write_text(f'#!/bin/sh\necho "$*" >{tmp_path}/words\nwhile [ "$1" != sleep ]; do shift; done\nexec "$@"\n')
    stand_in.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(run, "systemd_is_init", lambda: True)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    pid = run.spawn(["sleep", "60"], log_file=tmp_path / "log")
    try:
        words_at = tmp_path / "words"
        words = wait.until(
            lambda: words_at.read_text().split() if words_at.exists() else None,
            deadline=10,
            missing="systemd-run is not called",
        )
        assert words[0] == "--scope"
        assert words[-2:] == ["sleep", "60"]
    finally:
        os.kill(pid, signal.SIGKILL)


def test_becoming_another_program(monkeypatch: pytest.MonkeyPatch) -> None:
    became: list[object] = []

    def execve(*call: object) -> None:
        became.extend(call)
        raise SystemExit

    monkeypatch.setattr("os.execve", execve)
    with pytest.raises(SystemExit):
        run.replace(["sh", "-c", "true"], env={"MORE": "2"})
    path, argv, env = became
    assert Path(str(path)).is_absolute()
    assert argv == [path, "-c", "true"]
    assert isinstance(env, dict)
    assert (env["MORE"], env["PATH"]) == ("2", os.environ["PATH"])


@pytest.mark.skipif(run.which("setsid") is None, reason="needs setsid(1) of util-linux")
def test_a_program_in_a_terminal_ends_with_the_process_that_holds_the_other_end(tmp_path: Path) -> None:
    holder = (
        "import os, pty, sys, time; from coreos_lab import run\n"
        "ours, device = pty.openpty()\n"
        f"shell = 'tty > {tmp_path}/tty; echo $$ > {tmp_path}/pid; sleep 600'\n"
        "process = run.in_terminal(['sh', '-c', shell], device)\n"
        "os.close(device)\n"
        f"while not os.path.exists('{tmp_path}/pid'): time.sleep(0.01)\n"
        "os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", holder], check=False)
    assert (tmp_path / "tty").read_text().startswith("/dev/")
    pid = Path("/proc") / (tmp_path / "pid").read_text().strip()
    end = time.monotonic() + 20
    while pid.exists() and time.monotonic() < end:
        time.sleep(0.02)
    assert not pid.exists()
