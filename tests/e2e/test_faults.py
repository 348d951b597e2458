"""Faults of networks, disks, services and etcd: their effect as seen from both sides, and that the undo is whole."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from coreos_lab.clients.etcd import Etcd
from coreos_lab.cluster import mirror
from coreos_lab.providers.nspawn import names
from coreos_lab.providers.nspawn.provider import NspawnProvider
from coreos_lab.records import store
from tests.e2e.calls import NAME, STATE, WITHOUT_REPAIR, Result, again, checks_pass, comes_to, lab, start, until

Lab = Callable[..., Result]
REACHES = 'timeout 2 bash -c "exec 3<>/dev/tcp/$0/22"'


def tables() -> list[str]:
    """The firewall tables of this cluster's faults on this host."""
    plan = STATE / "clusters" / NAME / "cluster.json"
    if not plan.exists():
        return []
    index = json.loads(plan.read_text())["network"]["index"]
    listed = subprocess.run(["nft", "list", "tables", "bridge"], capture_output=True, text=True, check=True).stdout
    return [line.split()[-1] for line in listed.splitlines() if f"coreos_lab_{index}_" in line]


def reaches(source: str, target: str) -> bool:
    """Whether a connection from one node to another comes through."""
    nodes = {node["name"]: node["address"] for node in lab("status", "--json").json["nodes"]}
    return lab("ssh", source, "--", "sh", "-c", REACHES, nodes[target], code=None).code == 0


def healthy() -> list[bool]:
    """Of each node's etcd, whether it says within half a second that it is healthy."""
    return [node["etcd_healthy"] for node in lab("status", "--json").json["nodes"]]


def state_of(service: str) -> str:
    shown = lab("ssh", "core-03", "--", "systemctl", "is-active", service, code=None).out.strip()
    pid = lab("ssh", "core-03", "--", "systemctl", "show", "--property=MainPID", "--value", service).out.strip()
    process = lab("ssh", "core-03", "--", "ps", "-o", "stat=", "-p", pid, code=None).out.strip()
    return "frozen" if process.startswith("T") else shown


@pytest.fixture
def whole(cluster: Lab) -> Iterator[Lab]:
    before = tables()
    yield cluster
    lab("heal", code=None)
    assert tables() == before, "a fault's rules are left"


def test_a_pulled_cable(whole: Lab) -> None:
    until(lambda: reaches("core-01", "core-03"))
    whole("break", "core-03", "--fault", "isolate")
    assert not reaches("core-01", "core-03")
    assert whole("ssh", "core-03", "--", "true", code=None).code != 0
    state = whole("status", "--json").json
    assert (state["nodes"][2]["state"], state["nodes"][2]["etcd_healthy"]) == ("running", False)
    assert [fault["kind"] for fault in state["faults"]] == ["isolate"]
    assert "core-03 (isolate)" in whole("heal").out
    until(lambda: reaches("core-01", "core-03"))


def test_nodes_that_do_not_reach_each_other(whole: Lab) -> None:
    whole("break", "core-03", "--fault", "partition", "--set", "from=core-01")
    assert not reaches("core-01", "core-03")
    assert not reaches("core-03", "core-01")
    until(lambda: reaches("core-02", "core-03"))
    whole("heal")
    until(lambda: reaches("core-01", "core-03"))


def test_one_port_one_way(whole: Lab) -> None:
    whole("break", "core-03", "--fault", "partition", "--set", "way=in", "--set", "port=22")
    assert not reaches("core-01", "core-03")
    until(lambda: reaches("core-03", "core-01"))
    comes_to(healthy, [True] * 3)
    whole("heal")


@pytest.mark.parametrize(("fault", "seen"), [("stop", "inactive"), ("freeze", "frozen")])
def test_a_service_that_does_not_work(whole: Lab, fault: str, seen: str) -> None:
    whole("break", "core-03", "--fault", fault, "--set", "service=flanneld")
    assert state_of("flanneld") == seen
    whole("heal")
    comes_to(lambda: state_of("flanneld"), "active")


def test_a_service_that_crashes_comes_back(whole: Lab) -> None:
    show = ("ssh", "core-03", "--", "systemctl", "show", "--property=InvocationID", "fleet")
    before = whole(*show).out
    assert "is back" in whole("break", "core-03", "--fault", "crash", "--set", "service=fleet").out
    assert whole(*show).out != before
    assert whole("status", "--json").json["faults"] == []


def writes(path: str) -> str:
    """What the node says when a file is written there, "" when it can be."""
    return lab("ssh", "core-03", "--", "sudo", "touch", f"{path}/probe", code=None).err


def test_a_file_system_that_is_full_and_one_that_is_read_only(whole: Lab) -> None:
    refused = whole("break", "core-03", "--fault", "fill", code=4).err
    assert "core-03: /var lies on the host's own file system" in refused
    whole("break", "core-03", "--fault", "fill", "--set", "path=/run/lock")
    full = whole("ssh", "core-03", "--", "df", "--output=avail", "/run/lock").out.split()[-1]
    assert full == "0"
    whole("heal")
    whole("break", "core-03", "--fault", "read-only", "--set", "path=/var/lib")
    assert "Read-only file system" in writes("/var/lib")
    whole("heal")
    assert writes("/var/lib") == ""


def test_a_service_that_is_killed_again_and_again(whole: Lab) -> None:
    show = ("ssh", "core-03", "--", "systemctl", "show", "--property=InvocationID", "flanneld")
    whole("break", "core-03", "--fault", "keep-crashing", "--set", "service=flanneld", "--set", "every=0.5s")
    seen: set[str] = set()

    def three() -> bool:
        seen.add(whole(*show).out)
        return len(seen) > 2

    def is_left_alone() -> bool:
        last = whole(*show).out
        time.sleep(2)  # longer than it would be
        return whole(*show).out == last

    until(three)
    whole("heal")
    comes_to(lambda: state_of("flanneld"), "active")
    until(is_left_alone)


def on_disk(*argv: str) -> str:
    """What a program says that reads or writes the extra disk past all caches."""
    return lab("ssh", "core-03", "--", "sudo", "dd", "bs=1M", "count=1", "status=none", *argv, code=None).err


def test_an_extra_disk_that_is_gone_and_comes_back_with_its_data(whole: Lab) -> None:
    assert on_disk("if=/dev/urandom", "of=/dev/sdb", "oflag=direct") == ""
    digest = ("ssh", "core-03", "--", "sudo", "sha256sum", "/dev/sdb")
    before = whole(*digest).out
    whole("break", "core-03", "--fault", "lose-disk")
    assert "No space left" in on_disk("if=/dev/zero", "of=/dev/sdb", "oflag=direct")
    assert whole(*digest).out != before
    whole("heal")
    assert whole(*digest).out == before


def test_an_extra_disk_that_is_slow(whole: Lab) -> None:
    def seconds() -> float:
        """How long the node itself takes to write: a busy host needs more for the connection to it."""
        write = "dd if=/dev/zero of=/dev/sdb bs=1M count=1 oflag=direct status=none"
        said = whole("ssh", "core-03", "--", f"sudo sh -c 'cut -d\" \" -f1 /proc/uptime; {write}; cat /proc/uptime'")
        began, ended, *_idle = map(float, said.out.split())
        return ended - began

    whole("break", "core-03", "--fault", "slow-disk", "--set", "rate=200K")
    assert seconds() > 4, "one mebibyte at 200 KiB a second"
    whole("heal")
    until(lambda: seconds() < 4)


@pytest.mark.parametrize("fault", ["cpu-quota", again("memory-limit"), "task-limit"])
def test_a_machine_that_has_too_little(whole: Lab, fault: str) -> None:
    whole("break", "core-03", "--fault", fault)
    # More than what may have ended since the limit was set to what there was.
    inside = ("ssh", "core-03", "--", "sh", "-c", "for i in $(seq 100); do sleep 5 & done; wait")
    if fault == "task-limit":
        assert whole(*inside, code=None).code != 0, "more could be started"
    whole("heal")
    whole(*inside)


def test_lost_packets(whole: Lab) -> None:
    whole("break", "core-03", "--fault", "loss", "--set", "percent=40")
    ping = ("ssh", "core-01", "--", "ping", "-q", "-c", "50", "-i", "0.02", "-W", "10", address("core-03"))
    assert " 0% packet loss" not in whole(*ping, code=None).out
    whole("heal")
    until(lambda: " 0% packet loss" in whole(*ping, code=None).out)


def address(name: str) -> str:
    return next(str(node["address"]) for node in lab("status", "--json").json["nodes"] if node["name"] == name)


def test_what_this_machine_cannot_do_is_said(whole: Lab) -> None:
    refused = whole("break", "core-03", "--fault", "clock-skew", code=4).err
    assert "clock-skew: machines of the provider nspawn have the host's clock" in refused
    told = whole("break", "core-03", "--fault", "delay", "--for", "1s", code=None)
    assert told.code == 0 or "this kernel has no network emulator (netem)" in told.err
    assert whole("status", "--json").json["faults"] == []


@pytest.mark.parametrize("fault", ["lose-data", again("corrupt-data"), again("remove-member")])
def test_a_member_that_comes_back_as_a_new_one(whole: Lab, fault: str) -> None:
    def id_of(name: str) -> str:
        addresses = [node["address"] for node in whole("status", "--json").json["nodes"]]
        return next((member.id for member in Etcd(addresses).members() if member.name == name), "")

    whole("etcdctl", "set", "/kept", fault)
    before = id_of("core-03")
    whole("break", "core-03", "--fault", fault)
    comes_to(healthy, [True, True, False])
    whole("heal")
    assert id_of("core-03") not in ("", before)
    at_home = ("sudo", "etcdctl", "--endpoints", "http://127.0.0.1:2379", "get", "/kept")
    assert whole("ssh", "core-03", "--", *at_home).out.strip() == fault
    both = whole("break", "core-02", "core-03", "--fault", fault, code=4).err
    assert "could not be undone" in both
    whole("etcdctl", "rm", "/kept")


@pytest.mark.parametrize(
    "fault", ["isolate", *map(again, ("lose-data", "partition", "stop", "freeze", "bandwidth", "keep-crashing"))]
)
def test_what_a_killed_break_left(whole: Lab, fault: str) -> None:
    breaking = start("break", "core-03", "--fault", fault, "--for", "10m")
    until(lambda: whole("status", "--json").json["faults"])
    breaking.kill()
    breaking.wait()
    assert fault in whole("heal").out
    assert "there is nothing to heal" in whole("heal").out
    comes_to(healthy, [True] * 3)


def test_destroy_takes_the_rules_along(whole: Lab) -> None:
    whole("break", "core-01", "--fault", "isolate")
    assert "nothing is left over" in whole("destroy").out


@pytest.mark.parametrize(
    "fault",
    [
        "partition",
        "remove-keys",
        *map(again, ("isolate", "stop", "crash", "freeze", "bandwidth", "read-only", "keep-crashing")),
        *map(again, ("overwrite-keys", "lose-data", "corrupt-data", "remove-member", "crash-loop")),
        *map(again, ("loss", "lose-disk", "slow-disk", "cpu-quota", "memory-limit", "task-limit")),
    ],
)
def test_the_verdict(ch3: Lab, fault: str) -> None:
    verdict = ch3("break", "core-03", "--fault", fault, "--for", "3s", "--verify", "--json").json
    assert verdict["outcome"] == "pass", verdict


@pytest.mark.parametrize(
    ("fault", "values"),
    [
        ("kill", ()),
        ("stop", ()),
        *(
            again(fault, ())
            for fault in ("isolate", "halt", "reboot", "pause", "partition", "bandwidth", "loss", "read-only")
        ),
        *(again(fault, ()) for fault in ("lose-disk", "slow-disk", "cpu-quota", "memory-limit", "task-limit")),
        *(again(fault, ()) for fault in ("crash-loop", "freeze", "keep-crashing", "lose-data", "corrupt-data")),
        again("remove-member", ()),
        again("fill", ("path=/run/lock",)),
        again("crash", ("service=mine",)),
        again("remove-keys", ("key=/kept",)),
        again("overwrite-keys", ("key=/kept",)),
    ],
)
def test_the_verdict_without_the_repair(ch3: Lab, fault: str, values: tuple[str, ...]) -> None:
    """What is broken stays so: whatever survives it, that is no pass, and it is on record for `lab heal`."""
    ch3("etcdctl", "set", "/kept", "yes")
    # A service that nobody restarts: what crashes and comes back by itself needs no repair of ours.
    run_mine = ("sudo", "systemd-run", "--quiet", "--unit=mine", "sleep", "infinity")
    ch3("ssh", "core-03", "--", *run_mine, code=None)
    told = [word for value in values for word in ("--set", value)]
    refused = ch3("break", "core-03", "--fault", fault, *told, "--verify", "--json", code=None, entry=WITHOUT_REPAIR)
    assert refused.code == 1, f"{refused.out}\n{refused.err}"
    assert refused.json["outcome"] == "fail"
    assert [fault["kind"] for fault in ch3("status", "--json").json["faults"]] == [fault]
    ch3("ssh", "core-03", "--", *run_mine, code=None)
    ch3("heal")
    assert ch3("status", "--json").json["faults"] == []
    ch3("etcdctl", "rm", "/kept", code=None)


def test_a_restart_of_the_host_in_the_middle(ch3: Lab) -> None:
    """What does not outlive one is taken away: machines, mirror, network, firewall tables, SSH's connections."""
    ch3("break", "core-03", "--fault", "isolate")
    found = store.require(NAME)
    for node in found.nodes:
        NspawnProvider().kill(found, node)
    mirror.stop_mirror(found)
    subprocess.run(["ip", "link", "delete", names.bridge(found.network)], check=True)
    listed = subprocess.run(["nft", "list", "tables"], capture_output=True, text=True, check=True).stdout
    for _table, family, name in (line.split() for line in listed.splitlines()):
        if name == f"coreos_lab_{found.network.index}" or name.startswith(f"coreos_lab_{found.network.index}_"):
            subprocess.run(["nft", "delete", "table", family, name], check=True)
    # Connections that notice the end of their machine remove their own sockets meanwhile, which this program allows.
    subprocess.run(["rm", "-rf", store.ClusterFolder(NAME).control], check=True)
    ch3("heal")
    comes_to(healthy, [True] * 3)
    checks_pass("ch3")


def test_breaks_after_one_another(ch3: Lab, tmp_path: Path) -> None:
    storm = tmp_path / "storm.yaml"
    storm.write_text("- break: core-02\n  fault: pause\n- break: core-03\n  fault: stop\n  rest: 1s\n")
    verdict = ch3("break", "--schedule", str(storm), "--verify", "--json").json
    assert (verdict["outcome"], verdict["fault"], verdict["nodes"]) == ("pass", "pause, stop", ["core-02", "core-03"])
    assert "storm.yaml: the file says what to break" in ch3("break", "core-01", "--schedule", str(storm), code=2).err


def test_bad_words_are_refused_before_anything_is_done(whole: Lab) -> None:
    for words, why in (
        (("--fault", "stop", "--set", "service=nosuch"), "core-03: has no service nosuch.service"),
        (("--fault", "partition", "--set", "from=core-09"), "--set from=core-09: "),
        (("--fault", "isolate", "--set", "x=y"), "isolate has no such parameter"),
        (("--fault", "stop", "--set", "service"), "write it as --set NAME=VALUE"),
    ):
        assert why in whole("break", "core-03", *words, code=None).err
    assert whole("status", "--json").json["faults"] == []
