"""What is broken is mended whatever happens to us, our terminal and whoever reads what we print."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress

import pytest

from tests.e2e.calls import LONGEST, NAME, STATE, Result, ended, environment, interruptible, lab, until

JOURNAL = STATE / "clusters" / NAME / "faults.jsonl"
SNAPSHOTS = STATE / "clusters" / NAME / "snapshots"


def is_over(process: subprocess.Popen[bytes], terminal: int | None) -> bool:
    """Whether a command has ended. One that draws on a terminal stands still unless that is read, as it is here."""
    if terminal is not None:
        with suppress(OSError):  # nothing to read now, or nobody holds the other end any more
            while os.read(terminal, 65536):
                pass
    return process.poll() is not None


def nothing_is_broken() -> bool:
    told = lab("status", "--json").json
    return told["faults"] == [] and all(node["state"] == "running" for node in told["nodes"])


@pytest.mark.usefixtures("cluster")
def test_ctrl_c_when_whoever_reads_has_gone() -> None:
    """As with `2>&1 | head -1`, or with tee, which Ctrl-C ends as well."""
    reading, writing = os.pipe()
    breaking = subprocess.Popen(
        interruptible("break", "core-02", "--for", "10m"),
        stdin=subprocess.DEVNULL,
        stdout=writing,
        stderr=writing,
        env=environment(),
    )
    os.close(writing)
    with ended(breaking):
        assert os.read(reading, 1)
        os.close(reading)
        until(lambda: not nothing_is_broken())
        breaking.send_signal(signal.SIGINT)
        assert breaking.wait(LONGEST) == 130
    assert nothing_is_broken()


@pytest.mark.usefixtures("cluster")
@pytest.mark.parametrize(("keys", "code"), [(b"", 129), (b"\x03", 130)], ids=["is closed", "says Ctrl-C twice"])
def test_a_terminal(keys: bytes, code: int) -> None:
    """Ctrl-C and the end of a terminal reach all that it has started, not only us."""
    ours, theirs = pty.openpty()
    os.set_blocking(ours, False)
    breaking = subprocess.Popen(
        ["setsid", "--ctty", "--wait", *interruptible("break", "core-02", "--fault", "isolate", "--for", "10m")],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**environment(), "TERM": "xterm"},
    )
    os.close(theirs)
    with ended(breaking):
        until(lambda: is_over(breaking, ours) or JOURNAL.exists())
        time.sleep(0.5)
        if keys:
            os.write(ours, keys)
            time.sleep(0.2)
            os.write(ours, keys)
        else:
            os.close(ours)
        until(lambda: is_over(breaking, ours if keys else None), deadline=LONGEST)
        assert breaking.returncode == code
    if keys:
        os.close(ours)
    assert nothing_is_broken()


@pytest.mark.usefixtures("cluster")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_a_snapshot_lets_the_nodes_go_on(cluster: Callable[..., Result], number: signal.Signals) -> None:
    saving = subprocess.Popen(
        interruptible("snapshot", "save", "half"),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment(),
    )
    with ended(saving):
        until(lambda: JOURNAL.exists() or saving.poll() is not None, interval=0.001)
        saving.send_signal(number)
        saving.send_signal(number)
        assert saving.wait(LONGEST) in (128 + number, 0)  # 0: all was copied by then
    assert nothing_is_broken()
    assert not list(SNAPSHOTS.glob(".*"))
    if (SNAPSHOTS / "half").exists():  # all was copied when the signal took effect
        cluster("snapshot", "delete", "half")
