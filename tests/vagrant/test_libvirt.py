"""Virtual machines of libvirt, the whole path once: minutes, and many of them where they are emulated in software."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator

import pytest

from tests.e2e.calls import Result, lab

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("vagrant") is None, reason="needs root, Vagrant and libvirt"
)
PATIENCE = 1800.0  # seconds; generous, as three emulated machines share the cores
NODES = ("core-01", "core-02", "core-03")


@pytest.fixture(scope="module", autouse=True)
def _nothing_stays() -> Iterator[None]:
    lab("destroy", timeout=PATIENCE)
    yield
    lab("destroy", timeout=PATIENCE)


def slow(*argv: str, code: int = 0) -> Result:
    return lab(*argv, code=code, timeout=PATIENCE)


def on(node: str, *argv: str) -> str:
    return slow("ssh", node, "--", *argv).out.strip()


def virsh(*argv: str) -> str:
    call = ["virsh", "--quiet", "--connect", "qemu:///system", *argv]
    return subprocess.run(call, capture_output=True, text=True, check=True).stdout


def hypervisor() -> dict[str, list[str]]:
    """What a cluster could leave behind there."""
    return {
        "machines": virsh("list", "--all", "--name").split(),
        "networks": virsh("net-list", "--all", "--name").split(),
        "disks": [line.split()[0] for line in virsh("vol-list", "default").splitlines() if "lab-e2e" in line],
    }


def test_the_whole_path() -> None:
    """One test, because each step needs the one before, and machines are dear here."""
    up = slow("up", "--provider", "vagrant", "--nodes", "3", "--disks", "1", "--disk-size", "64M")
    assert "3 nodes up" in up.out
    state = slow("status", "--json").json
    assert [node["state"] for node in state["nodes"]] == ["running"] * 3
    assert [node["etcd"] for node in state["nodes"]] == ["member"] * 3
    assert all(node["fleet"] for node in state["nodes"])
    for node in state["nodes"]:
        name = node["name"]
        assert on(name, "hostname") == name
        assert on(name, "systemctl", "--failed", "--no-legend") == ""
        assert node["address"] in on(name, "ip", "-4", "-o", "address", "show", "dev", "eth1")
        assert on(name, "sudo", "fdisk", "-l", "/dev/sdb").startswith("Disk /dev/sdb: 64 MiB")
    assert "Read-only" in slow("ssh", "core-01", "--", "sudo", "touch", "/usr/x", code=1).err
    assert "runs already" in slow("up").out

    slow("deploy", "ch2", "--deadline", "10m")
    verdict = slow("break", "core-02", "--fault", "kill", "--verify", "--deadline", "10m", "--json").json
    assert verdict["outcome"] == "pass", verdict
    slow("break", "core-03", "--fault", "pause", "--for", "5s")
    assert [node["state"] for node in slow("status", "--json").json["nodes"]] == ["running"] * 3

    virsh("destroy", "lab-e2e-core-03")  # behind our back
    assert slow("status", "--json").json["nodes"][2]["state"] == "stopped"
    assert "core-03" in slow("up").out

    slow("destroy")
    left = hypervisor()
    assert not [name for name in left["machines"] + left["networks"] if name.startswith("lab-e2e")]
    assert left["disks"] == []
