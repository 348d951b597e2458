"""Signals: every thread sees them, but an undo is finished first."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from coreos_lab import interrupts, run, wait


@pytest.fixture(autouse=True)
def _of_its_own(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(interrupts, "_state", interrupts._State())
    before = {number: signal.getsignal(number) for number in interrupts.SIGNALS}
    for number in interrupts.SIGNALS:  # below nohup, or in the background of a shell, some are ignored
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    interrupts.install()
    yield
    interrupts.come.clear()
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", interrupts.SIGNALS)
def test_each_ends_us_with_its_own_code(number: signal.Signals) -> None:
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(number)
    assert interrupts.exit_code() == 128 + number
    signal.raise_signal(signal.SIGTERM)  # what is done now is giving back
    assert interrupts.exit_code() == 128 + number, "the first one counts"


def test_what_whoever_started_us_has_us_ignore_stays_ignored() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    interrupts.install()
    signal.raise_signal(signal.SIGHUP)
    assert not interrupts.is_come()


def test_an_orderly_block_is_interrupted_only_where_it_waits() -> None:
    done = []
    with pytest.raises(KeyboardInterrupt), interrupts.orderly():
        signal.raise_signal(signal.SIGHUP)
        done.append("recorded")
        wait.pause(60)
        done.append("never")
    assert done == ["recorded"]


def test_what_came_at_the_end_of_an_orderly_block_interrupts_then() -> None:
    with pytest.raises(KeyboardInterrupt), interrupts.orderly():
        signal.raise_signal(signal.SIGTERM)


@pytest.mark.parametrize("presses", [1, 2])
def test_an_undo_is_finished_and_says_so(presses: int, capfd: pytest.CaptureFixture[str]) -> None:
    done = []
    with pytest.raises(KeyboardInterrupt), interrupts.orderly(), interrupts.undoing("healing core-02"):
        for _press in range(presses):
            signal.raise_signal(signal.SIGINT)
        wait.pause(0.01)
        assert wait.until(lambda: "waits, too", deadline=1, missing="")
        run.run(["true"])
        done.append("healed")
    assert done == ["healed"]
    assert (
        "lab: healing core-02; Ctrl-C twice more stops that and leaves the rest to 'lab heal'" in capfd.readouterr().err
    )


def test_an_undo_after_an_interrupt_is_finished_although_it_is_pressed_again() -> None:
    done = []
    with pytest.raises(KeyboardInterrupt), interrupts.orderly():
        try:
            signal.raise_signal(signal.SIGINT)
            wait.pause(60)
        finally:
            with interrupts.undoing("healing"):
                signal.raise_signal(signal.SIGINT)
                signal.raise_signal(signal.SIGHUP)
                wait.pause(0.01)
                done.append("healed")
    assert done == ["healed"]


def test_the_third_time_an_undo_is_left_as_it_is() -> None:
    with pytest.raises(KeyboardInterrupt), interrupts.orderly(), interrupts.undoing("healing"):
        for _press in range(interrupts.ENOUGH):
            signal.raise_signal(signal.SIGINT)
        pytest.fail("goes on")
    with pytest.raises(KeyboardInterrupt), interrupts.undoing("what would come next"):
        pytest.fail("is begun")


def test_other_threads_are_told_at_once() -> None:
    waiting = threading.Event()

    def look() -> bool:
        waiting.set()
        return False

    with ThreadPoolExecutor() as pool:
        job = pool.submit(wait.until, look, deadline=60, missing="")
        sleeping = pool.submit(run.run, ["sleep", "60"])
        waiting.wait()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGTERM)
        for each in (job, sleeping):
            with pytest.raises(KeyboardInterrupt):
                each.result(timeout=10)


def test_a_thread_that_undoes_is_left_alone() -> None:
    interrupts.come.set()

    def undo() -> str:
        with interrupts.undoing("starting Docker again"):
            run.run(["sleep", "0.3"])
        return "undone"

    with ThreadPoolExecutor() as pool:
        assert pool.submit(undo).result(timeout=10) == "undone"


def test_a_long_program_ends_when_we_are_to(tmp_path: Path) -> None:
    threading.Timer(0.3, lambda: os.kill(os.getpid(), signal.SIGHUP)).start()
    with pytest.raises(KeyboardInterrupt), interrupts.orderly():
        run.stream(["sleep", "60"], log_file=tmp_path / "log")


def test_the_terminals_signals_reach_no_program_of_ours() -> None:
    assert run.run(["sh", "-c", "ps -o sid= -p $$"]).stdout.strip() != str(os.getsid(0))


def test_threads_are_told_for_a_while_only() -> None:
    with interrupts.telling_threads():
        assert interrupts.is_come()
    assert not interrupts.is_come()


def interrupted(entry: str, number: signal.Signals) -> tuple[int, bytes]:
    """The exit code and the stderr of `lab labs`, begun by `entry`, which gets a signal once it has printed a line."""
    process = subprocess.Popen([sys.executable, "-c", entry, "labs"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    time.sleep(0.1)
    process.send_signal(number)
    _out, err = process.communicate(timeout=10)
    return process.returncode, err


@pytest.mark.parametrize("number", interrupts.SIGNALS)
def test_the_command_says_what_interrupted_it_by_its_exit_code(number: signal.Signals) -> None:
    entry = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "signal.signal(signal.SIGHUP, signal.SIG_DFL); signal.signal(signal.SIGTERM, signal.SIG_DFL)\n"
        "import coreos_lab.commands.labs as m, time\n"
        "def labs(**_): print(1, flush=True); time.sleep(30)\n"
        "m.labs = labs\nfrom coreos_lab.cli import main; main()"
    )
    code, err = interrupted(entry, number)
    assert (code, b"interrupted" in err) == (128 + number, True)


def test_who_presses_ctrl_c_while_python_imports_sees_no_traceback() -> None:
    entry = (
        "import signal, sys, time; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "class Slow:\n"
        "  def find_spec(self, name, *_):\n"
        "    if name == 'typer': print(1, flush=True); time.sleep(30)\n"
        "sys.meta_path.insert(0, Slow())\n"
        "from coreos_lab.start import main; main()"
    )
    assert interrupted(entry, signal.SIGINT) == (-signal.SIGINT, b"")


@pytest.mark.parametrize("number", interrupts.SIGNALS)
def test_a_signal_that_comes_while_python_ends_changes_nothing(number: signal.Signals) -> None:
    late = f"atexit.register(lambda: os.kill(os.getpid(), {int(number)}))"
    program = f"import atexit, os; from coreos_lab.cli import main; {late}; main()"
    done = subprocess.run(
        ["env", "--default-signal=INT,HUP,TERM", sys.executable, "-c", program, "labs", "--json"],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
