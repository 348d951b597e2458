"""What security groups, source/dest check, routes and public addresses do to real packets."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PROGRAM = Path(__file__).with_name("packets.py")
# Its own network, and a /run of its own for ip-netns(8): nothing of it is seen outside, or stays.
CALL = 'mount -t tmpfs tmpfs /run && exec "$@"'


@pytest.fixture(scope="module")
def found() -> dict[str, str]:
    """Under which address a connection arrived; "" where it did not."""
    if os.geteuid() != 0 or not all(map(shutil.which, ("nft", "ip", "unshare"))):
        pytest.skip("needs root, nft and ip")
    argv = ["unshare", "--net", "--mount", "sh", "-c", CALL, "sh", sys.executable, str(PROGRAM)]
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(argv, capture_output=True, text=True, env=environ, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


EXPECTED = {
    "host to public 22": "198.18.3.1",
    "host to public 2380": "",
    "host to public of another group": "",
    "host to private": "",
    "peer in the subnet": "10.1.1.5",
    "peer in another subnet": "10.1.2.4",
    "peer, another port": "",
    "no peer": "",
    "no peer, 22": "10.1.2.5",
    "nobody lets 22 in, in the subnet": "",
    "by public address": "198.18.3.101",
    "by its own public address": "198.18.3.100",
    "by its own public address, which nothing lets in": "",
    "by public address, where a group lets it in": "",
    "by public address without an own": "",
    "to the host": "",
    "metadata": "HTTP/1.1 403 Forbidden",
    "the router answers for A at once": "True",
    "after another joined the subnet": "10.1.1.5",
    "after it left": "10.1.1.5",
    "past the router": "",
    "another's address as the source, checked": "",
    "by a route, checked": "",
    "by a route, not checked": "10.1.2.4",
    "by a route, no peer": "",
    "with another's MAC address": "",
    "into b": "10.1.1.4",
    "out of b": "10.1.2.4",
    "into b, nothing may": "",
    "out of b, no answer may return": "",
    "within b": "10.1.2.4",
    "into b, an earlier entry denies": "",
    "out of b, answers may return": "10.1.2.4",
    "out of b, nothing may": "",
    "from the host, nothing may": "",
    "from the host again": "198.18.3.1",
    "by its own public address, its own is let in": "198.18.3.100",
    "by its own public address, another's is let in": "",
    "after the rule was taken away": "",
    "without a route to the internet": "",
    "left": "lo",
}


@pytest.mark.parametrize("what", EXPECTED)
def test_packets(found: dict[str, str], what: str) -> None:
    assert found[what] == EXPECTED[what]
