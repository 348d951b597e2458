"""Container images for real: built from the base, published, served, and nothing left over."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from coreos_lab import mounts
from coreos_lab.containers import pidfile, registry
from coreos_lab.containers.build import ensure_containers
from coreos_lab.errors import LabError
from tests.e2e.calls import LONGEST, ROOT, SOON, until

pytestmark = pytest.mark.whole_host
MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"


@pytest.fixture(autouse=True)
def _no_new_mounts() -> Iterator[None]:
    before = {mount.point for mount in mounts.read() if "containers" in mount.point.parts}
    yield
    assert {mount.point for mount in mounts.read() if "containers" in mount.point.parts} == before


def write(folder: Path, text: str) -> Path:
    """Makes a folder with a Dockerfile whose content no other run has built."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "Dockerfile").write_text(text)
    (folder / "stamp").write_text(str(time.time_ns()))
    return folder


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def fetch(url: str) -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers={"Accept": MANIFEST}), timeout=SOON) as answer:  # noqa: S310
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, b""


def test_build_publish_serve(tmp_path: Path) -> None:
    storage, pid_file, port = tmp_path / "storage", tmp_path / "registry.pid", free_port()
    first = ensure_containers({"e2e-one": write(tmp_path / "one", "FROM debian\nCOPY stamp /stamp\n")})
    registry.publish(first, storage)
    registry.start("127.0.0.1", port, pid_file, storage=storage)
    try:
        pid = pidfile.running(pid_file)
        registry.start("127.0.0.1", port, pid_file, storage=storage)
        assert pidfile.running(pid_file) == pid is not None
        base = f"http://127.0.0.1:{port}/v2/library"
        status, manifest = fetch(f"{base}/e2e-one/manifests/latest")
        assert status == 200
        for part in (json.loads(manifest)["config"], *json.loads(manifest)["layers"]):
            assert len(fetch(f"{base}/e2e-one/blobs/{part['digest']}")[1]) == part["size"]
        # Published while the registry runs, and built from the other one.
        assert fetch(f"{base}/e2e-two/manifests/latest")[0] == 404
        registry.publish(
            ensure_containers({"e2e-two": write(tmp_path / "two", "FROM e2e-one\nRUN rm /stamp\n")}), storage
        )
        assert fetch(f"{base}/e2e-two/manifests/latest")[0] == 200
        push = urllib.request.Request(f"{base}/e2e-one/blobs/uploads/", method="POST", data=b"")  # noqa: S310
        with urllib.request.urlopen(push, timeout=SOON) as answer:  # noqa: S310
            assert answer.status == 202, "it takes pushes"
    finally:
        registry.stop(pid_file)
    assert pidfile.running(pid_file) is None
    with suppress(OSError):  # there is no such process
        assert "docker-registry" not in Path(f"/proc/{pid}/cmdline").read_text()


def test_a_failed_build_shows_why(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="cannot be built") as caught:
        ensure_containers({"e2e-bad": write(tmp_path / "bad", "FROM debian\nRUN echo the-reason >&2; exit 3\n")})
    assert "the-reason" in caught.value.details


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_build_that_is_cut_short_leaves_nothing(tmp_path: Path, number: signal.Signals) -> None:
    folder = write(tmp_path / "slow", "FROM debian\nCOPY stamp /stamp\nRUN sleep 317.25\n")
    code = (
        "from pathlib import Path; from coreos_lab.containers.build import ensure_containers; "
        f"ensure_containers({{'e2e-slow': Path({str(folder)!r})}})"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    builder = subprocess.Popen([sys.executable, "-c", code], env=environment, start_new_session=True)
    until(sleeps, deadline=LONGEST)
    builder.send_signal(number)
    builder.wait(SOON)
    until(lambda: not sleeps(), deadline=120)  # far less than the slow step would take
    write(folder, "FROM debian\nCOPY stamp /stamp\n")
    assert ensure_containers({"e2e-slow": folder})


def sleeps() -> bool:
    """Whether the slow step of a build runs."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if path.read_bytes() == b"sleep\x00317.25\x00":
                return True
        except OSError:
            continue
    return False
