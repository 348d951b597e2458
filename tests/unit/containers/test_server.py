"""Servers that outlive their command: never in another's place, never taken for one that is just ending."""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from coreos_lab import wait
from coreos_lab.containers import pidfile
from coreos_lab.containers.server import Server
from coreos_lab.errors import LabError

# Listens until SIGTERM, and then takes its time to end, as a process does that has much to give back.
SLOW_TO_END = """
import signal, socket, sys, time
def end(*_args):
    time.sleep(0.4)
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
listening = socket.create_server(("127.0.0.1", int(sys.argv[1])))
time.sleep(60)
"""


@pytest.fixture
def port() -> int:
    """One that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


@pytest.fixture
def server(tmp_path: Path, port: int) -> Iterator[Server]:
    """A server that ends with the test. It answers where something listens."""

    def listens() -> bool:
        with socket.socket() as client:
            return client.connect_ex(("127.0.0.1", port)) == 0

    made = Server("the test's server", tmp_path / "core" / "test.pid", (f"127.0.0.1:{port}",), listens)
    yield made
    pidfile.end(made.pid_file)


@pytest.fixture
def start(server: Server, port: int) -> Callable[[], int | None]:
    """Starts it and returns its process's id."""

    def do() -> int | None:
        server.start([sys.executable, "-I", "-c", SLOW_TO_END, str(port)], 30)
        return pidfile.running(server.pid_file)

    return do


def test_it_runs_when_start_returns(server: Server, start: Callable[[], int | None]) -> None:
    assert not server.runs()
    assert start() is not None
    assert server.runs()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_one_that_is_just_ending_is_not_taken_for_the_new_one(
    server: Server, start: Callable[[], int | None], number: signal.Signals
) -> None:
    first = start()
    assert first is not None
    os.kill(first, number)
    second = start()
    assert second not in (None, first)
    assert server.runs()


def test_a_place_that_is_taken_is_named_with_the_remedy(
    server: Server, port: int, start: Callable[[], int | None]
) -> None:
    taken = f"127.0.0.1:{port}: another program listens there, so the test's server cannot"
    with socket.create_server(("127.0.0.1", port)), pytest.raises(LabError, match=taken) as caught:
        start()
    assert f"sport = :{port}" in caught.value.hint
    assert pidfile.running(server.pid_file) is None


def test_one_that_ends_at_once_is_named_with_its_last_words(server: Server) -> None:
    with pytest.raises(LabError, match="core: the test's server ended at once") as caught:
        server.start([sys.executable, "-c", "raise SystemExit('no such thing')"], 30)
    assert "no such thing" in caught.value.details
    assert str(server.log) in caught.value.hint


def test_one_that_does_not_answer_in_time_is_ended(server: Server) -> None:
    with pytest.raises(wait.DeadlineError, match="does not answer"):
        server.start([sys.executable, "-c", "import time; time.sleep(60)"], 0.2)
    assert pidfile.running(server.pid_file) is None
