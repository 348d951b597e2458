"""A terminal through a page's connection, with a shell of this host in place of `lab ssh`."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("uvicorn")

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from coreos_lab import run, settings
from coreos_lab.console import site
from tests.unit.console import paper_cluster
from tests.unit.console.paper_cluster import Shown
from tests.unit.console.test_gate import is_built

pytestmark = [
    pytest.mark.skipif(not is_built(), reason="the page is not built"),
    pytest.mark.skipif(run.which("setsid") is None, reason="needs setsid(1) of util-linux"),
]
SHELL = "import os, sys; print(sys.argv[1:], flush=True); os.execvp('sh', ['sh'])"


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> Iterator[Shown]:
    monkeypatch.setattr(settings, "PROGRAM", (sys.executable, "-c", SHELL))
    monkeypatch.setenv("PS1", "$ ")
    with paper_cluster.shown() as made:
        yield made


@contextmanager
def terminal(shown: Shown, **more: Any) -> Iterator[ClientConnection]:
    origin = {"Origin": f"http://127.0.0.1:{shown.port}"}
    with connect(f"ws://127.0.0.1:{shown.port}/terminal", additional_headers=origin) as socket:
        first = {"token": shown.console.token, "node": "core-02", "rows": 30, "cols": 90, **more}
        socket.send(json.dumps(first))
        yield socket


def until(socket: ClientConnection, text: bytes) -> bytes:
    seen = b""
    while text not in seen:
        got = socket.recv(timeout=15)
        assert isinstance(got, bytes), got
        seen += got
    return seen


def test_it_is_a_terminal_with_the_page_s_size_and_keys(shown: Shown) -> None:
    with terminal(shown) as socket:
        until(socket, b"['ssh', '--name', 'core', 'core-02']")
        socket.send(b"stty size; tty\n")
        until(socket, b"30 90\r\n/dev/pts/")
        socket.send(json.dumps({"rows": 44, "cols": 133}))
        socket.send(b"stty size\n")
        until(socket, b"44 133")
        socket.send(b"sleep 60\n")
        time.sleep(0.3)
        socket.send(b"\x03")  # Ctrl-C reaches the program, since the terminal is the shell's own
        socket.send(b"echo over=$?\n")
        until(socket, b"over=130")


def test_much_output_comes_whole(shown: Shown) -> None:
    with terminal(shown) as socket:
        socket.send(b"i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done; echo all''done\n")
        seen = until(socket, b"alldone")
        assert b"line 0\r\n" in seen
        assert b"line 19999\r\n" in seen


def test_the_end_of_the_shell_is_said(shown: Shown) -> None:
    with terminal(shown) as socket:
        socket.send(b"exit 3\n")
        with pytest.raises(ConnectionClosed):
            while True:
                got = socket.recv(timeout=15)
                if isinstance(got, str):
                    assert json.loads(got) == {"ended": 3}


def test_a_page_that_goes_takes_its_shell_along(shown: Shown, tmp_path: Path) -> None:
    with terminal(shown) as socket:
        socket.send(f"echo $$ > {tmp_path}/pid; echo is''there\n".encode())
        until(socket, b"isthere")
    pid = Path("/proc") / (tmp_path / "pid").read_text().strip()
    end = time.monotonic() + 15
    while pid.exists() and time.monotonic() < end:
        time.sleep(0.05)
    assert not pid.exists()


@pytest.mark.parametrize(
    "size", [{"rows": "x"}, {"rows": -5, "cols": 10**9}, {"rows": None}, {"cols": [1]}, {"rows": float("inf")}]
)
def test_a_size_that_is_none_harms_nothing(shown: Shown, size: dict[str, Any]) -> None:
    with terminal(shown, **size) as socket:
        socket.send("no JSON")
        socket.send("[" * 100_000)
        socket.send(json.dumps(size))
        socket.send(b"echo still''here\n")
        until(socket, b"stillhere")


def test_a_node_that_is_not_there_and_too_many_terminals(shown: Shown, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(site, "TERMINALS", 1)
    with terminal(shown, node="core-09") as socket, pytest.raises(ConnectionClosed) as closed:
        socket.recv(timeout=15)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4404
    with terminal(shown) as first:
        until(first, b"core-02")
        with terminal(shown) as second, pytest.raises(ConnectionClosed) as closed:
            second.recv(timeout=15)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 4429
