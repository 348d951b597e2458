"""What a load balancer does to real connections: a real haproxy in a real router's network."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.unit.cloud.test_packets import CALL, ROOT

PROGRAM = Path(__file__).with_name("balanced.py")


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What was observed."""
    if os.geteuid() != 0 or not all(map(shutil.which, ("nft", "ip", "unshare", "haproxy"))):
        pytest.skip("needs root, nft, ip and haproxy")
    # haproxy outlives whoever starts it, so there is a PID namespace, too, with which all processes end.
    own = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    argv = [*own, "sh", "-c", CALL, "sh", sys.executable, str(PROGRAM)]
    state = str(tmp_path_factory.mktemp("state"))
    environ = {**os.environ, "PYTHONPATH": str(ROOT), "LAB_STATE_DIR": state}
    done = subprocess.run(argv, capture_output=True, text=True, env=environ, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


BOTH = ["i-one", "i-two"]
EXPECTED: dict[str, object] = {
    "before any check": {"i-one-3000": "DOWN", "i-two-3000": "DOWN"},
    "both answer": BOTH,
    "the client's address": "198.18.3.1",
    "the port": "80",
    "the load balancer's address is the source": True,
    "past the load balancer": 0,
    "a port that the group does not let in": 0,
    "TCP has no headers": None,
    "a client stays with its server": 1,
    "an upgrade": "HTTP/1.1 101 Switching Protocols",
    "a server that comes with a reload": {"i-one-3001": "DOWN"},
    "health is known after a reload": ["UP", "UP"],
    "requests during a reload": BOTH,
    "the same process": True,
    "a WebSocket after a reload": "hello",
    "security group of the new port": 0,
    "why it is unhealthy": "L7STS 500",
    "only the healthy one answers": ["i-one"],
    "both get requests when both are unhealthy": BOTH,
    "nobody takes the connection": ["502"],
    "no servers": ["503"],
    "a client stays with a server that was added": 1,
    "while it leaves": ["hello", "i-one"],
    "it had its time": True,
    "it is found again": [True, "hello", ["UP", "UP"]],
    "after SIGKILL": [True, BOTH],
    "processes left": 0,
    "sockets left": 0,
    "links left": "lo",
}


@pytest.mark.parametrize("what", EXPECTED)
def test_a_load_balancer(found: dict[str, Any], what: str) -> None:
    assert found[what] == EXPECTED[what]


def test_everything_that_was_observed_is_expected(found: dict[str, Any]) -> None:
    assert set(found) == set(EXPECTED)
