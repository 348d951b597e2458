"""ch4 on real machines: the overlay is the path between containers, and nothing else is."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.calls import LONGEST, NODES, ROOT, Result, checks_pass, comes_to, lab, start, undeploy_all, until

Lab = Callable[..., Result]


@pytest.mark.rounds  # `make test-walks` shows it, too
def test_only_the_overlays_port_carries_what_containers_say(cluster: Lab) -> None:
    undeploy_all()
    cluster("deploy", "ch4-flannel")
    everywhere = ("break", *NODES, "--fault", "partition", "--set")
    asked = "{{.NetworkSettings.IPAddress}}"
    address = cluster("ssh", "core-03", "--", "docker", "inspect", "--format", asked, "helloworld").out.strip()

    def said() -> str:
        return cluster("ssh", "core-01", "--", f"curl --silent --max-time 3 http://{address}:3000/", code=None).out

    comes_to(said, "hello world\n")
    cluster(*everywhere, "port=3000")
    comes_to(said, "hello world\n")
    cluster("heal")
    cluster(*everywhere, "port=8285")
    assert said() == ""
    cluster("heal")
    comes_to(said, "hello world\n")
    checks_pass()
    assert cluster("break", "core-03", "--verify", "--json").json["outcome"] == "pass"
    cluster("undeploy", "ch4-flannel")


def failures(*call: str) -> list[str]:
    """The messages of the checks that fail."""
    checks = lab("check", *call, "--json", code=None).json["checks"]
    return [check["message"] for check in checks if check["outcome"] == "fail"]


def rules(node: str) -> list[str]:
    """The rules of a node's packet filter that decide before Docker's, besides the chains that every machine has."""
    lines = lab("ssh", node, "--", "sudo", "iptables", "-t", "mangle", "-S").out.splitlines()
    return [line for line in lines if not line.startswith("-P ")]


def test_only_what_is_listed_is_let_in(cluster: Lab) -> None:
    """With ch4-flannel beside it, whose front must be open, too."""
    undeploy_all()
    assert [rules(node) for node in NODES] == [[], [], []]
    cluster("deploy", "ch4-firewall")
    cluster("deploy", "ch4-flannel")
    checks_pass()
    cluster("fleetctl", "destroy", "web-sidekick@1.service")
    until(lambda: any("port 8000 is silent, not open" in message for message in failures("ch4-firewall")))
    cluster("fleetctl", "destroy", "helloworld-nginx-port.service")
    until(lambda: any("the front on" in message for message in failures("ch4-flannel")))
    cluster("fleetctl", "destroy", "firewall.service")
    until(lambda: any("from outside port" in message for message in failures("ch4-firewall")))
    checks_pass("ch4-flannel")  # also where the firewall went last
    cluster("deploy", "ch4-firewall")
    cluster("deploy", "ch4-flannel")

    cluster("undeploy", "ch4-firewall")
    assert sum("--dport 80 " in rule for node in NODES for rule in rules(node)) == 1, "the other lab's port stays open"
    cluster("undeploy", "ch4-flannel")
    assert [rules(node) for node in NODES] == [[], [], []]


def test_a_port_is_open_while_its_service_runs(cluster: Lab) -> None:
    """However the service ends, and whoever starts it again."""
    undeploy_all()
    cluster("deploy", "ch4-firewall")

    def opened() -> int:
        return sum("--dport 8000 " in rule for node in NODES for rule in rules(node))

    assert opened() == 3
    cluster("fleetctl", "stop", "web@2.service")
    comes_to(opened, 2)
    cluster("fleetctl", "start", "web@2.service")
    comes_to(opened, 3)
    checks_pass()  # the port is open before the container behind it answers
    crash = ("break", "unit:web@2.service", "--fault", "crash", "--set", "service=web@2.service")
    assert cluster(*crash, "--verify", "--json").json["outcome"] == "pass"
    assert opened() == 3
    assert cluster("break", "core-03", "--fault", "reboot", "--verify", "--json").json["outcome"] == "pass"
    assert opened() == 3
    cluster("undeploy", "ch4-firewall")


@pytest.fixture
def storage() -> Iterator[Lab]:
    """A cluster with disks large enough for Ceph, without any lab, before and after."""
    lab("destroy")
    lab("up", "--nodes", "3", "--disks", "1")
    yield lab
    lab("destroy")


def evict(node: str) -> None:
    """Makes the metadata server refuse the node's client, as it does with one that is silent for too long."""
    ceph = ("ssh", "core-01", "--", "docker", "exec", "ceph-mon", "ceph", "tell", "mds.0")
    of_node = {"hostname": node, "mount_point": "/media/ceph"}.items()  # Ceph's manager has sessions, too
    clients = [each["id"] for each in lab(*ceph, "session", "ls").json if of_node <= each["client_metadata"].items()]
    assert clients
    for client in clients:
        lab(*ceph, "client", "evict", f"id={client}")


def client(node: str) -> str:
    """The id of the container that mounts the file system on the node."""
    return lab("ssh", node, "--", "docker", "inspect", "--format", "{{.Id}}", "ceph-mount").out


def connect_to_monitor_of(server: str, node: str) -> None:
    """Starts the node's client again until it has chosen the monitor on the server's machine."""
    address = lab("ssh", server, "--", "hostname", "--all-ip-addresses").out.split()[0]
    peers = ("ssh", node, "--", "sudo ss --tcp --numeric --processes | grep ceph-fuse")
    again = "sudo systemctl restart 'ceph-mount@*' && until mountpoint --quiet /media/ceph; do sleep 0.2; done"

    def connected() -> bool:
        if f"{address}:3300" in lab(*peers, code=None).out:
            return True
        lab("ssh", node, "--", again)
        return False

    until(connected)


def test_one_file_system_on_three_disks(storage: Lab) -> None:
    """Behind a firewall. It survives the machine that has the active metadata server and a client's monitor.

    A client that is evicted nevertheless mounts anew, without the help of fleet, for which all units run.
    """
    storage("ssh", "core-02", "--", "sudo", "mkfs.ext4", "-q", "/dev/sdb")
    too_early = "sudo mkdir -p /media/ceph && sudo touch /media/ceph/mine"
    storage("ssh", "core-01", "--", too_early)
    deploying = start("deploy", "ch4-ceph", "--deadline", "15m")
    says = ("ssh", "core-02", "--", "journalctl --no-pager -u 'ceph-disk@*'")
    # The deployment may have to build the container image first, beside others'.
    until(lambda: "/dev/sdb is not empty (ext4)" in storage(*says, code=None).out, deadline=LONGEST)
    storage("etcdctl", "set", "/ceph-config/ceph/wipe/core-02", "sdb")
    assert deploying.wait(LONGEST) == 0
    storage("deploy", "ch4-firewall")  # what follows must go on behind it
    checks_pass()
    told = storage("ssh", "core-01", "--", "docker exec ceph-mon ceph fs status cephfs --format json").json
    (server,) = [each["name"] for each in told["mdsmap"] if each["state"] == "active"]
    other = next(node for node in NODES if node != server)
    connect_to_monitor_of(server, other)
    checks_pass()
    before = client(other)
    verdict = storage("break", server, "--fault", "partition", "--verify", "--json").json
    assert verdict["outcome"] == "pass", verdict
    assert 0 < verdict["outages"]["ch4-ceph/files"] < 30
    assert client(other) == before
    for node in NODES:
        evict(node)
        checks_pass()
    storage("undeploy", "ch4-firewall")
    storage("undeploy", "ch4-ceph", "--wipe")
    assert [rules(node) for node in NODES] == [[], [], []]
    storage("ssh", "core-01", "--", "sudo rm /media/ceph/mine && sudo rmdir /media/ceph")  # the user's own is kept
    for node in NODES:
        left = "ls -d /var/lib/ceph /media/ceph; mount | grep ceph; docker ps -aq; sudo cmp /dev/sdb /dev/zero"
        assert storage("ssh", node, "--", f"({left}) 2>/dev/null", code=None).out == ""
    assert "ceph" not in storage("etcdctl", "ls").out


@pytest.mark.rounds
@pytest.mark.parametrize("node", NODES)
def test_any_machine_may_die(storage: Lab, node: str) -> None:
    storage("deploy", "ch4-ceph")
    assert storage("break", node, "--verify", "--json").json["outcome"] == "pass"
    told = storage("break", node, "--fault", "lose-disk", "--for", "20s", "--verify", "--json")
    assert told.json["outcome"] == "pass"


@pytest.mark.rounds
def test_without_a_second_server_the_verdict_is_fail(storage: Lab, tmp_path: Path) -> None:
    """One server of the file system, tied to a machine: when that is gone, so is the file system."""
    tied = tmp_path / "ch4-ceph-tied"
    shutil.copytree(ROOT / "labs" / "ch4-ceph", tied)
    described = (tied / "lab.yaml").read_text()
    one = "ceph-mds@.service\n    instances: [1]"
    (tied / "lab.yaml").write_text(described.replace("ceph-mds@.service\n    instances: [1, 2]", one))
    unit = tied / "units" / "ceph-mds@.service"
    unit.write_text(unit.read_text().replace("Conflicts=ceph-mds@*.service", "MachineOf=ceph-mon@1.service"))
    (tied / "checks" / "test_ch4_ceph.py").write_text(
        (tied / "checks" / "test_ch4_ceph.py").read_text().replace("def test_somebody_waits", "def no_one_waits")
    )
    storage("deploy", str(tied))
    target = ("unit:ceph-mds@1.service", "--deadline", "40s", "--verify", "--json")
    refused = storage("break", *target, code=1)
    assert refused.json["outcome"] == "fail"
