"""Virtual machines of libvirt, the whole path once: minutes, and many of them where they are emulated in software."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.calls import ROOT, Result, lab

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("vagrant") is None, reason="needs root, Vagrant and libvirt"
)
CLUSTER = "vm"  # beside those of the other tests
PATIENCE = 1800.0  # seconds; generous, as emulated machines share the cores


@pytest.fixture(scope="module", autouse=True)
def _nothing_stays() -> Iterator[None]:
    slow("destroy")
    yield
    slow("destroy")


def slow(verb: str, *argv: str, code: int = 0) -> Result:
    """Says how long it took: `pytest -s` shows it."""
    began = time.monotonic()
    try:
        return lab(verb, "--name", CLUSTER, *argv, code=code, timeout=PATIENCE)
    finally:
        print(f"{time.monotonic() - began:7.1f} s  lab {verb} {' '.join(argv)}", flush=True)


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
        "disks": [line.split()[0] for line in virsh("vol-list", "default").splitlines() if f"lab-{CLUSTER}-" in line],
    }


@pytest.fixture
def small_lab(tmp_path: Path) -> str:
    """ch2, for two machines instead of three."""
    for name in ("ch2", "shared"):
        shutil.copytree(ROOT / "labs" / name, tmp_path / name)
    folder = (tmp_path / "ch2").rename(tmp_path / "small")
    text = (folder / "lab.yaml").read_text()
    (folder / "lab.yaml").write_text(text.replace("nodes: 3", "nodes: 2"))
    return str(folder)


def break_and_heal(node: str, fault: str) -> None:
    """Without --verify: the effect was seen, and then that it is gone."""
    slow("break", node, "--fault", fault)
    assert slow("status", "--json").json["faults"]
    slow("heal")


def test_the_whole_path(small_lab: str) -> None:
    """One test, because each step needs the one before, and machines are dear here.

    One of the two is an etcd member, so that the other can be lost.
    """
    up = slow("up", "--provider", "vagrant", "--nodes", "2", "--members", "1", "--disks", "1", "--disk-size", "64M")
    assert "2 nodes up" in up.out
    state = slow("status", "--json").json
    assert [node["state"] for node in state["nodes"]] == ["running"] * 2
    assert [node["etcd"] for node in state["nodes"]] == ["member", "client"]
    assert all(node["fleet"] for node in state["nodes"])
    for node in state["nodes"]:
        name = node["name"]
        assert on(name, "hostname") == name
        assert on(name, "systemctl", "--failed", "--no-legend") == ""
        assert node["address"] in on(name, "ip", "-4", "-o", "address", "show", "dev", "eth1")
        assert on(name, "sudo", "fdisk", "-l", "/dev/sdb").startswith("Disk /dev/sdb: 64 MiB")
    assert "Read-only" in slow("ssh", "core-01", "--", "sudo", "touch", "/usr/x", code=1).err
    assert "runs already" in slow("up").out

    slow("deploy", small_lab, "--deadline", "15m")
    slow("check", small_lab)
    for fault in ("isolate", "stop", "fill", "pause"):
        break_and_heal("core-02", fault)
    verdict = slow("break", "core-02", "--fault", "kill", "--verify", "--deadline", "15m", "--json").json
    assert verdict["outcome"] == "pass", verdict

    virsh("destroy", f"lab-{CLUSTER}-core-02")  # behind our back
    assert slow("status", "--json").json["nodes"][1]["state"] == "stopped"
    assert "core-02" in slow("up").out

    slow("destroy")
    left = hypervisor()
    assert not [name for name in left["machines"] + left["networks"] if name.startswith(f"lab-{CLUSTER}")]
    assert left["disks"] == []
