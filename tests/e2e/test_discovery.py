"""A new cluster whose members find each other by a token, as the chapters' clusters do."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.calls import NAME, STATE, Result, lab, until

Lab = Callable[..., Result]
OWN = f"{NAME}-token"[:24]
EARLIER = f"{NAME}-earlier"[:24]


def given(folder: Path, url: str) -> str:
    """A cloud-config with that URL."""
    file = folder / "mine.yml"
    file.write_text(f"#cloud-config\ncoreos:\n  etcd2:\n    discovery: {url}\n")
    return str(file)


def curl(url: str) -> str:
    """What a URL answers on this host."""
    return subprocess.run(["curl", "-s", url], capture_output=True, text=True, check=True).stdout


def services() -> list[int]:
    """The discovery services of the cluster that run."""
    found = subprocess.run(
        ["pgrep", "-f", f"discovery_service.py .*/{OWN}/"], capture_output=True, text=True, check=False
    )
    return [int(line) for line in found.stdout.split()]


@pytest.fixture
def url() -> Iterator[str]:
    """A token for two members of a cluster that is not there yet, in a network after one that has become free."""
    for name in (OWN, EARLIER):
        lab("destroy", "--name", name)
    try:
        lab("discovery", "new", "--name", EARLIER)
        url = lab("discovery", "new", "--name", OWN, "--size", "2").out.strip()
        lab("destroy", "--name", EARLIER)
        yield url
    finally:
        for name in (OWN, EARLIER):
            lab("destroy", "--name", name)


def test_members_find_each_other_by_a_token(url: str, tmp_path: Path) -> None:
    host, _, token = url.removeprefix("http://").partition("/")
    loopback = re.sub(r"^\d+", "127", host)
    assert '"value": "2"' in curl(f"http://{loopback}/{token}/_config/size")
    for wrong, words in ((url[:-3] + "fff", "no such token"), (url.replace("5809", "5809/x/"), "no such token")):
        assert words in lab("up", "--name", OWN, "--cloud-config", given(tmp_path, wrong), code=2).err
    size = lab("up", "--name", OWN, "--nodes", "1", "--cloud-config", given(tmp_path, url), code=2).err
    assert "a token for 2 members, and there are to be 1" in size
    (service,) = services()
    os.kill(service, signal.SIGKILL)  # up starts it again, with its tokens
    until(lambda: not services())

    lab("up", "--name", OWN, "--cloud-config", given(tmp_path, url))
    assert curl(url).count('"value": "core-0') == 2
    until(lambda: "cluster is healthy" in lab("etcdctl", "--name", OWN, "cluster-health", code=None).out)
    settings = lab("ssh", "--name", OWN, "core-02", "--", "systemctl show --property Environment etcd2").out
    assert f"ETCD_DISCOVERY={url}" in settings
    assert "INITIAL_CLUSTER=" not in settings
    third = (
        f"/opt/coreos-lab/bin/etcd --name third --enable-v2 --data-dir /tmp/third --discovery {url}"
        " --listen-peer-urls http://127.0.0.1:7380 --initial-advertise-peer-urls http://127.0.0.1:7380"
        " --listen-client-urls http://127.0.0.1:7379 --advertise-client-urls http://127.0.0.1:7379 >/tmp/said 2>&1"
    )
    look = "grep --max-count 1 'falling back to proxy' /tmp/said"
    script = f"{third} & for try in $(seq 3000); do {look} && break; sleep 0.1; done; kill $!"
    assert "discovery: cluster is full" in lab("ssh", "--name", OWN, "core-01", "--", script).out

    lab("destroy", "--name", OWN)
    assert services() == []
    assert not (STATE / "clusters" / OWN).exists()
    after = lab("up", "--name", OWN, "--nodes", "2", "--cloud-config", given(tmp_path, url), code=2).err
    assert f"discovery: {url}: no" in after  # such token, or not of the cluster, which would get another network now
