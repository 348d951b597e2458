"""A console's process: its port, its record, its end. `lab` is the real command, on a plan without machines."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("uvicorn")

from coreos_lab import settings
from coreos_lab.console import serving
from coreos_lab.errors import LabError
from coreos_lab.plan import Request, plan
from coreos_lab.providers import conditions
from coreos_lab.records import consoles, store
from tests.unit.console.test_gate import is_built

pytestmark = [
    pytest.mark.skipif(not is_built(), reason="the page is not built"),
    pytest.mark.skipif(not Path("/proc/locks").exists(), reason="needs Linux"),
]
SUBNET = "10.231.77.0/24"  # of no cluster: the collector must reach nothing


@pytest.fixture
def port() -> int:
    """A port that nothing listens on."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


class Running:
    """A `lab console` in a process of its own."""

    def __init__(self, *options: str) -> None:
        self.process = subprocess.Popen(
            [*settings.PROGRAM, "console", "--json", *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
        )

    def said(self) -> dict[str, Any]:
        """What it prints once it serves."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self.process.communicate()[1]
        return dict(json.loads(line))

    def end(self, number: signal.Signals) -> tuple[int, str]:
        """Its exit code and what it has written to stderr, after a signal."""
        self.process.send_signal(number)
        errors = self.process.communicate(timeout=30)[1]
        return self.process.returncode, errors


@pytest.fixture
def start(state: Path) -> Iterator[Callable[..., Running]]:
    """Starts consoles of a planned cluster; what is left of them ends with the test."""
    del state
    store.save(plan(Request(nodes=2, subnet=SUBNET), None, set()))
    running: list[Running] = []

    def make(*options: str) -> Running:
        running.append(Running(*options))
        return running[-1]

    yield make
    for each in running:
        if each.process.poll() is None:
            each.process.kill()
        each.process.communicate()


def status(port: int) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", "/")
    return connection.getresponse().status


def test_it_prints_its_links_serves_and_ends_with_ctrl_c(start: Callable[..., Running], port: int) -> None:
    console = start("--port", str(port))
    said = console.said()
    assert said["port"] == port
    assert said["url"].startswith(f"http://127.0.0.1:{port}/#")
    assert said["look"] != said["url"]
    assert status(port) == 200
    assert store.ClusterFolder("core").console.stat().st_mode & 0o777 == 0o600
    assert console.end(signal.SIGINT) == (0, "")


def test_it_listens_on_loopback_alone(start: Callable[..., Running], port: int) -> None:
    start("--port", str(port)).said()
    listening = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    at = [fields[1] for fields in listening if fields[3] == "0A" and fields[1].endswith(f":{port:04X}")]
    assert at == [f"0100007F:{port:04X}"]
    assert f":{port:04X} " not in "".join(Path("/proc/net/tcp6").read_text() if socket.has_ipv6 else "")


def test_a_second_call_prints_the_links_of_the_one_that_runs(start: Callable[..., Running], port: int) -> None:
    first = start("--port", str(port)).said()
    second = start()
    assert second.said() == first
    assert second.process.wait(30) == 0


def test_after_it_was_killed_the_next_one_takes_its_place(start: Callable[..., Running], port: int) -> None:
    first = start("--port", str(port))
    said = first.said()
    first.end(signal.SIGKILL)
    assert start().said() == said, "the same port, and links that browsers have"
    assert status(port) == 200


def test_a_port_in_use_is_one_clear_line(start: Callable[..., Running], port: int) -> None:
    with socket.create_server(("127.0.0.1", port)):
        refused = start("--port", str(port))
        assert refused.process.wait(30) == 4
        errors = refused.process.communicate()[1]
    assert errors.startswith(f"lab: 127.0.0.1:{port}: another program listens there, so the console cannot\n")
    assert f"lab console --port {port + 1}" in errors
    assert "Traceback" not in errors


def test_it_ends_when_its_cluster_is_destroyed(start: Callable[..., Running], port: int) -> None:
    console = start("--port", str(port))
    console.said()
    shutil.rmtree(store.ClusterFolder("core").path)
    assert console.process.wait(30) == 4
    errors = console.process.communicate()[1]
    assert "core: was destroyed, so its console has ended" in errors


def test_it_ends_when_another_cluster_has_its_name(start: Callable[..., Running], port: int) -> None:
    console = start("--port", str(port))
    console.said()
    store.ClusterFolder("core").console.unlink()
    consoles.settled(store.require("core"), port)
    assert console.process.wait(30) == 4


def test_without_its_extra_or_its_page_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(settings, "data", lambda _name: tmp_path)
        with pytest.raises(LabError) as refused:
            serving.page()
        assert "is not built" in refused.value.message
    monkeypatch.setattr(conditions, "find_spec", lambda name: None if name == "uvicorn" else object())
    with pytest.raises(LabError) as refused:
        serving.page()
    assert refused.value.message == "uvicorn: not installed, and the console needs it"
    assert refused.value.hint == "pip install 'coreos-lab[console]'"


def test_each_cluster_has_a_port_of_its_own_and_one_that_is_chosen_is_kept(planned: Callable[..., Any]) -> None:
    cluster = planned()
    store.save(cluster)
    assert consoles.settled(cluster, None).port == consoles.FIRST_PORT + cluster.network.index
    chosen = consoles.settled(cluster, 9000)
    assert consoles.settled(cluster, None) == chosen == consoles.load(cluster)


def test_other_verbs_import_nothing_of_the_extra() -> None:
    program = (
        "import sys; from coreos_lab import cli\n"
        "cli.called(['--help']); cli.called(['status']); cli.called(['console', '--help'])\n"
        "print(sorted({'starlette', 'uvicorn', 'websockets', 'asyncio'} & set(sys.modules)), file=sys.stderr)"
    )
    began = time.monotonic()
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stderr.endswith("[]\n"), done.stderr
    assert "Show a cluster live in a browser" in done.stdout, time.monotonic() - began
