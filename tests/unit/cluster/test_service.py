"""A service of a cluster's own: started once, replaced where it serves something else, and never in another's place."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from coreos_lab.cluster import service, updates
from coreos_lab.containers import pidfile
from coreos_lab.errors import LabError


@pytest.fixture
def place() -> str:
    """An address that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return f"127.0.0.1:{free.getsockname()[1]}"


@pytest.fixture
def pid_file(tmp_path: Path) -> Iterator[Path]:
    """The record of the service, which ends with the test."""
    yield tmp_path / "core" / "updates.pid"
    pidfile.end(tmp_path / "core" / "updates.pid")


def run(pid_file: Path, place: str, mark: str, *offers: str) -> int | None:
    program: list[str | Path] = [
        sys.executable,
        "-I",
        updates.PROGRAM,
        pid_file,
        "http://x",
        mark,
        pid_file.parent,
        place,
    ]
    service.run("the update server", pid_file, [*program, *offers], [place], mark)
    return pidfile.running(pid_file)


def test_it_is_started_once_and_replaced_where_its_mark_is_another(pid_file: Path, place: str) -> None:
    first = run(pid_file, place, "one")
    assert first is not None
    assert service.ask(place, "/health", "one") == (200, "OK")
    assert run(pid_file, place, "one") == first
    second = run(pid_file, place, "two")
    assert second not in (None, first)
    assert service.ask(place, "/health", "one") == (0, ""), "another service"


def test_one_that_ends_at_once_is_named_with_its_last_words(pid_file: Path, place: str) -> None:
    with pytest.raises(LabError, match="core: the update server ended at once") as caught:
        run(pid_file, place, "one", "=gone")
    assert "gone/rootfs/usr/lib/os-release" in caught.value.details
    assert pidfile.running(pid_file) is None
