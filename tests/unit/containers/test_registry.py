"""The registry's configuration, the troubles of starting it, and the file that remembers a process."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from coreos_lab import settings, wait
from coreos_lab.containers import pidfile, registry
from coreos_lab.containers.webhooks.owner import Notified
from coreos_lab.errors import LabError


def test_the_configuration_takes_pushes_without_authentication_and_deletes_nothing(tmp_path: Path) -> None:
    config = json.loads(registry.config(tmp_path, "172.17.8.1", 5000))
    assert config["http"]["addr"] == "172.17.8.1:5000"
    assert "readonly" not in config["storage"]["maintenance"]
    assert "delete" not in config["storage"], "without it the registry refuses to delete"
    assert "auth" not in config


def test_it_tells_of_pushes_where_it_is_asked_to(tmp_path: Path) -> None:
    """And is another registry then: one that tells nobody, or somebody else, is replaced."""
    silent = json.loads(registry.config(tmp_path, "172.17.8.1", 5000))
    told = Notified("http://127.17.8.1:5811/events", "word")
    telling = json.loads(registry.config(tmp_path, "172.17.8.1", 5000, told))
    assert "notifications" not in silent
    (endpoint,) = telling["notifications"]["endpoints"]
    assert (endpoint["url"], endpoint["headers"]) == (told.url, {"Authorization": ["Bearer word"]})
    other = json.loads(registry.config(tmp_path, "172.17.8.1", 5000, Notified(told.url, "another")))
    marks = [each["http"]["headers"][registry.MARK][0] for each in (silent, telling, other)]
    assert len(set(marks)) == 3


def test_a_port_in_use_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(LabError, match=rf"127\.0\.0\.1:{port}: another program listens there") as caught:
            registry.start("127.0.0.1", port, tmp_path / "pid", storage=tmp_path / "storage")
    assert "ss -ltnp" in caught.value.hint


def test_an_address_of_another_machine_is_named(tmp_path: Path) -> None:
    with pytest.raises(LabError, match=r"192\.0\.2\.1: not an address of this machine"):
        registry.start("192.0.2.1", 5000, tmp_path / "pid", storage=tmp_path / "storage")


@pytest.fixture
def sleeper() -> object:
    """A process that sleeps, and is gone when the test is over."""
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    yield process
    process.kill()
    process.wait()


def remember(path: Path, pid: int) -> None:
    """Writes a process down that was not started by `pidfile.start`."""
    path.write_text(json.dumps({"pid": pid, "started": pidfile._started(pid), "boot": settings.host_boot()}))


def test_a_program_is_on_record_before_it_begins(tmp_path: Path) -> None:
    """The command that starts it may be killed in between: only the process itself can write the file."""
    path, log = tmp_path / "of a cluster" / "pid", tmp_path / "of a cluster" / "log"
    pidfile.start(path, ["sh", "-c", 'cat "$1"; exec sleep 60', "sh", path], log_file=log)
    try:
        pid = pidfile.running(path)
        assert pid is not None
        wait.until(lambda: log.read_text().endswith("\n"), deadline=30, missing="no record")
        assert json.loads(log.read_text())["pid"] == pid
        assert [each.name for each in path.parent.iterdir() if "pid" in each.name] == ["pid"]
    finally:
        pidfile.end(path)
    assert pidfile.running(path) is None
    pidfile.start(path, ["false"], log_file=log)
    wait.until(lambda: pidfile.running(path) is None, deadline=30, missing="runs on")


def test_end_ends_the_process_that_was_remembered(tmp_path: Path, sleeper: subprocess.Popen[bytes]) -> None:
    path = tmp_path / "pid"
    remember(path, sleeper.pid)
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
    remember(path, sleeper.pid)
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
    remember(path, process.pid)
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert pidfile.running(path) is None
    process.communicate()
