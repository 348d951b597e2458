"""The registry's configuration, the troubles of starting it, and the file that remembers a process."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from coreos_lab.containers import pidfile, registry
from coreos_lab.errors import LabError


def test_the_configuration_is_read_only_and_has_no_authentication(tmp_path: Path) -> None:
    config = json.loads(registry.config(tmp_path, "172.17.8.1", 5000))
    assert config["http"]["addr"] == "172.17.8.1:5000"
    assert config["storage"]["maintenance"]["readonly"] == {"enabled": True}
    assert "auth" not in config


def test_a_port_in_use_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(LabError, match=rf"127\.0\.0\.1:{port}: another program listens there") as caught:
            registry.start("127.0.0.1", port, tmp_path / "pid", storage=tmp_path / "storage")
    assert "ss -ltnp" in caught.value.hint


def test_an_address_of_another_machine_is_named(tmp_path: Path) -> None:
    with pytest.raises(LabError, match=r"192\.0\.2\.1: no address of this machine"):
        registry.start("192.0.2.1", 5000, tmp_path / "pid", storage=tmp_path / "storage")


@pytest.fixture
def sleeper() -> object:
    """A process that sleeps, and is gone when the test is over."""
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    yield process
    process.kill()
    process.wait()


def test_end_ends_the_process_that_was_remembered(tmp_path: Path, sleeper: subprocess.Popen[bytes]) -> None:
    path = tmp_path / "pid"
    pidfile.remember(path, sleeper.pid)
    assert pidfile.running(path) == sleeper.pid
    pidfile.end(path)
    assert sleeper.wait(5) != 0
    assert not path.exists()
    pidfile.end(path)


@pytest.mark.parametrize("other", [{"started": "1"}, {"boot": "another"}])
def test_another_process_of_that_number_is_left_alone(
    tmp_path: Path, sleeper: subprocess.Popen[bytes], other: dict[str, str]
) -> None:
    path = tmp_path / "pid"
    pidfile.remember(path, sleeper.pid)
    path.write_text(json.dumps({**json.loads(path.read_text()), **other}))
    assert pidfile.running(path) is None
    pidfile.end(path)
    assert sleeper.poll() is None


@pytest.mark.parametrize("text", ["", "17", "[]", "{}", '{"pid": "x"}'])
def test_a_damaged_file_remembers_nobody(tmp_path: Path, text: str) -> None:
    path = tmp_path / "pid"
    path.write_text(text)
    assert pidfile.running(path) is None


def test_a_process_that_only_waits_to_be_reaped_does_not_run(tmp_path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
    path = tmp_path / "pid"
    pidfile.remember(path, process.pid)
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert pidfile.running(path) is None
    process.communicate()
