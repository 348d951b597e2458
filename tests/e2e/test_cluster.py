"""Up, what a node is like, and down without a trace."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from coreos_lab.providers.nspawn import power
from coreos_lab.records import store
from tests.e2e.calls import NAME, NODES, Result, comes_to, lab, until
from tests.e2e.conftest import undeploy_others

Lab = Callable[..., Result]


def on(node: str, *argv: str, code: int = 0) -> str:
    """What a command on a node prints."""
    return lab("ssh", node, "--", *argv, code=code).out.strip()


def test_up_is_a_real_cluster_and_says_so_in_json(cluster: Lab) -> None:
    assert [node["state"] for node in cluster("up", "--json").json["nodes"]] == ["running"] * 3
    until(lambda: all(node["etcd_healthy"] and node["fleet"] for node in cluster("up", "--json").json["nodes"]))
    comes_to(lambda: len(cluster("fleetctl", "list-machines", "--no-legend").out.splitlines()), 3)
    until(lambda: "cluster is healthy" in cluster("etcdctl", "cluster-health", code=None).out)


@pytest.mark.parametrize("node", NODES)
def test_every_node_is_in_order(cluster: Lab, node: str) -> None:
    undeploy_others()  # units of labs are not the node's
    assert on(node, "systemctl", "--failed", "--no-legend") == ""
    assert on(node, "systemctl", "is-system-running", "--wait") == "running"
    assert on(node, "docker", "info", "--format", "{{.Driver}}") == "overlay2"
    services = ("etcd2", "fleet", "flanneld", "locksmithd")
    comes_to(lambda: lab("ssh", node, "--", "systemctl", "is-active", *services, code=None).out, "active\n" * 4)
    address = next(n["address"] for n in lab("status", "--json").json["nodes"] if n["name"] == node)
    assert f"COREOS_PRIVATE_IPV4={address}" in on(node, "cat", "/etc/environment")
    # Known without a name server: Docker's client asks for it before each pull, and would wait for an answer.
    assert on(node, "getent", "hosts", "docker.io").startswith("192.0.2.1")
    assert address in on(node, "ip", "-4", "-o", "address", "show", "dev", "eth1")


def test_what_is_a_nodes_own_differs(cluster: Lab) -> None:
    for file in ("/etc/machine-id", "/etc/ssh/ssh_host_ed25519_key.pub"):
        assert len({on(node, "cat", file) for node in NODES}) == 3, file
    assert {on(node, "hostname") for node in NODES} == set(NODES)


def test_container_linux_ways(cluster: Lab) -> None:
    assert on("core-01", "id", "-un") == "core"
    assert on("core-01", "sudo", "id", "-un") == "root"
    assert "Read-only" in lab("ssh", "core-01", "--", "sudo", "touch", "/usr/x", code=1).err
    assert on("core-01", "sudo", "fdisk", "-l", "/dev/sdb").startswith("Disk /dev/sdb: 64 MiB")
    assert on("core-01", "ls", "/var/log/journal") == on("core-01", "cat", "/etc/machine-id")
    assert "Available: 1" in on("core-01", "locksmithctl", "status")


def test_the_overlay_gets_its_configuration_however_late_etcd_is(cluster: Lab) -> None:
    """flanneld waits for the key, which a try while etcd has no leader does not make."""
    cluster("etcdctl", "rm", "/coreos.com/network/config")
    for node in NODES[:2]:
        on(node, "sudo", "systemctl", "stop", "etcd2")
    on("core-03", "sudo", "systemctl", "restart", "--no-block", "flanneld")
    until(lambda: "exceeded header timeout" in on("core-03", "sudo", "journalctl", "-u", "flanneld", "--no-pager"))
    for node in NODES[:2]:
        on(node, "sudo", "systemctl", "start", "etcd2")
    until(lambda: cluster("ssh", "core-03", "--", "systemctl", "is-active", "flanneld", code=None).out == "active\n")
    assert '"Network"' in cluster("etcdctl", "get", "/coreos.com/network/config").out


def test_up_again_leaves_alone_what_runs_and_starts_what_is_off(cluster: Lab) -> None:
    before = on("core-01", "cat", "/proc/sys/kernel/random/boot_id")
    cluster("break", "core-02")
    assert cluster("status", "--json").json["nodes"][1]["state"] == "stopped"
    path = cluster("up", "--timings").err.partition("on the critical path:")[2]
    # Both are waited for at the same time; which of them is the longer one is chance, and the other may be left out.
    assert re.search(r" s  (boot|etcd) core-02", path), path
    assert cluster("status", "--json").json["nodes"][1]["state"] == "running"
    assert on("core-01", "cat", "/proc/sys/kernel/random/boot_id") == before
    cluster("heal")


def test_the_inner_exit_code_comes_through(cluster: Lab) -> None:
    lab("ssh", "core-01", "--", "exit", "7", code=7)
    lab("etcdctl", "get", "/none", code=4)
    assert lab("ssh", "core-01", "--", "echo", "a  b", "$HOME").out == "a  b $HOME\n"


def test_env_makes_plain_programs_work(cluster: Lab) -> None:
    script = f"{lab('env').out}\nfleetctl list-machines --no-legend | wc -l; etcdctl cluster-health | tail -1"

    def shown() -> list[str]:
        done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
        return done.stdout.split("\n")[:2]

    comes_to(shown, ["3", "cluster is healthy"])


def _host() -> dict[str, set[str]]:
    """What a cluster could leave behind on the host."""

    def lines(*argv: str) -> set[str]:
        return set(subprocess.run(argv, capture_output=True, text=True, check=True).stdout.splitlines())

    started = ("nspawn", "docker-registry", "ssh:")
    return {
        "links": {line.split(":")[1] for line in lines("ip", "-o", "link")},
        "mounts": lines("cat", "/proc/self/mounts"),
        "loops": lines("losetup", "--list", "--noheadings"),
        "firewall": lines("nft", "--stateless", "list", "ruleset"),
        "cgroups": lines("find", "/sys/fs/cgroup", "-maxdepth", "3", "-name", "coreos-lab*"),
        "forwarding": lines("cat", "/proc/sys/net/ipv4/ip_forward"),
        # A container's PID 1 may never reap what was orphaned to it: a dead entry in its table is not ours to remove.
        "processes": {
            line for line in lines("ps", "-eo", "args") if any(s in line for s in started) and "defunct" not in line
        },
    }


@pytest.mark.whole_host
def test_destroy_leaves_nothing(_nothing_stays: None) -> None:
    lab("destroy")
    lab("up", "--nodes", "1")  # what somebody left who ended with all its processes goes with this one
    lab("destroy")
    before = _host()
    lab("up", "--nodes", "2", "--disks", "2", "--disk-size", "16M")
    assert _host() != before
    lab("destroy")
    comes_to(_host, before)  # a connection that was told to end may still be doing so
    assert NAME not in lab("list").out
    assert "Nothing to destroy" in lab("destroy").out


@pytest.mark.whole_host
def test_seven_nodes_five_of_them_members() -> None:
    try:
        lab("up", "--nodes", "7", "--name", "big")
        wanted = [*[("member", True)] * 5, *[("client", True)] * 2]

        def nodes() -> list[tuple[str | None, bool | None]]:
            return [(node["etcd"], node["fleet"]) for node in lab("status", "--name", "big", "--json").json["nodes"]]

        comes_to(nodes, wanted)
        health = ("ssh", "--name", "big", "core-07", "--", "etcdctl", "cluster-health")
        comes_to(lambda: lab(*health, code=None).out.count("is healthy"), 6)
    finally:
        lab("destroy", "--name", "big")


def test_destroy_names_a_mount_where_no_process_is() -> None:
    """A descriptor of a node's mount namespace keeps its mounts when all its processes have ended."""
    name = f"{NAME[:19]}-held"
    try:
        lab("up", "--name", name, "--nodes", "1")
        cluster = store.require(name)
        pid = power.first_process(cluster, cluster.nodes[0])
        with Path(f"/proc/{pid}/ns/mnt").open("rb") as held:
            number = os.fstat(held.fileno()).st_ino
            told = lab("destroy", "--name", name, code=4).err
            assert f", in mount namespace {number}, where no process is)" in told
        assert "nothing is left over" in lab("destroy", "--name", name).out
    finally:
        lab("destroy", "--name", name)
