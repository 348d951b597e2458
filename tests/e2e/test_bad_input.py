"""What goes wrong outside of us: one clear line, the right exit code, nothing left over."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator

import pytest

from tests.e2e.calls import LONGEST, STATE, again, lab, start, until

pytestmark = pytest.mark.whole_host


@pytest.fixture
def other_interface() -> Iterator[str]:
    """Somebody else's network, on an address range that a cluster could want."""
    subprocess.run(["ip", "link", "add", "labtest0", "type", "bridge"], check=True)
    try:
        subprocess.run(["ip", "address", "add", "10.99.7.1/24", "dev", "labtest0"], check=True)
        subprocess.run(["ip", "link", "set", "labtest0", "up"], check=True)
        yield "labtest0"
    finally:
        subprocess.run(["ip", "link", "delete", "labtest0"], check=True)


@pytest.fixture
def half() -> Iterator[str]:
    """The name of a cluster that is not there, neither before nor afterwards."""
    yield "half"
    lab("destroy", "--name", "half")


def test_a_subnet_in_use_is_refused_and_named(other_interface: str) -> None:
    refused = lab("up", "--name", "clash", "--subnet", "10.99.7.0/24", code=4)
    assert f"10.99.7.0/24: in use on this machine: 10.99.7.0/24 on {other_interface}" in refused.err
    assert "nothing is left over" in lab("destroy", "--name", "clash").out


@pytest.mark.parametrize(
    ("number", "code", "after"), [again(2, 130, 0.6), (2, 130, 2.0), (9, -9, 0.6), again(9, -9, 2.0)]
)
def test_an_interrupted_up_goes_on_or_goes_away(half: str, number: int, code: int, after: float) -> None:
    plan = STATE / "clusters" / half / "cluster.json"
    for goes_on in (True, False):
        rising = start("up", "--name", half, "--nodes", "2")
        until(plan.exists)  # before that there is nothing to go on with
        time.sleep(after)
        rising.send_signal(number)
        assert rising.wait(LONGEST) in (code, 0)
        if goes_on:
            lab("up", "--name", half)
            nodes = lab("status", "--name", half, "--json").json["nodes"]
            assert [node["state"] for node in nodes] == ["running"] * 2
        lab("destroy", "--name", half)


def test_a_full_disk_is_said_before_a_machine_is_made(tmp_path: str) -> None:
    """A state folder on a file system too small for a node."""
    from pathlib import Path

    from tests.e2e.calls import command, environment

    small = Path(tmp_path) / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", small], check=True)
    try:
        for shared in ("image", "userland"):
            (small / shared).symlink_to(STATE / shared)
        env = {**environment(), "LAB_STATE_DIR": str(small), "LAB_NAME": "full"}
        done = subprocess.run(command("up", "--nodes", "1"), capture_output=True, text=True, env=env, check=False)
        assert done.returncode == 4, done.stderr
        assert "MiB free" in done.stderr or "GiB" in done.stderr
        subprocess.run(command("destroy"), env=env, check=True, capture_output=True)
    finally:
        subprocess.run(["umount", small], check=True)
