"""What counts as a leftover of a cluster: everything of it that the host has, and nothing of anybody else's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from coreos_lab.model import Cluster
from coreos_lab.mounts import Mount, Place
from coreos_lab.providers.nspawn import audit, disks, host_state
from coreos_lab.providers.nspawn.audit import Marks
from coreos_lab.providers.nspawn.host_sockets import Bound
from coreos_lab.providers.nspawn.host_state import Host, Interface, Process

FOLDER = Path("/srv/lab/clusters/big")


BIG = Marks(
    "big",
    ("coreos-lab:big:0123",),
    "lab1",
    "coreos_lab_1",
    "172.17.9.1",
    "fe80::acff:fe11:901",
    FOLDER,
    Path("/run/coreos-lab-0123"),
    Place("8:1", FOLDER),
)


ROOT = Mount(1, 0, Place("8:1", Path("/")), Path("/"), "ext4")


OVERLAY = Mount(2, 1, Place("0:40", Path("/")), FOLDER / "nodes/core-01/root", "overlay")


BOUND = Mount(3, 1, Place("8:1", FOLDER / "nodes/core-01/docker"), Path("/var/lib/docker"), "ext4")


OURS = Interface("lab1", "coreos-lab:big:0123", ("172.17.9.1",))


@pytest.mark.parametrize(
    ("host", "line"),
    [
        (
            Host(loops=[disks.Loop(Path("/dev/loop3"), f"{FOLDER}/nodes/core-01/sdb.img (deleted)", None)]),
            f"loop device /dev/loop3 ({FOLDER}/nodes/core-01/sdb.img (deleted))",
        ),
        (
            Host(mounts={"as process 1 sees it": [ROOT], "as process 77 sees it": [ROOT, OVERLAY]}),
            f"mount {FOLDER}/nodes/core-01/root (overlay, as process 77 sees it)",
        ),
        (
            Host(mounts={"in mount namespace 4026532200, where no process is": [ROOT, BOUND]}),
            "mount /var/lib/docker (ext4, in mount namespace 4026532200, where no process is)",
        ),
        (Host(interfaces=[OURS]), "interface lab1"),
        (Host(interfaces=[Interface("lab1-101")]), "interface lab1-101"),
        (Host(interfaces=[replace(OURS, name="renamed")]), "address 172.17.9.1 on renamed"),
        (Host(routes=[("172.17.9.0/24", "lab1")]), "route 172.17.9.0/24 on lab1"),
        (Host(routes=[("fe80::/64", "lab1-101")]), "route fe80::/64 on lab1-101"),
        (Host(rules=["table ip coreos_lab_1 {"]), "rule table ip coreos_lab_1 {"),
        (Host(rules=["table bridge coreos_lab_1_ab12 {"]), "rule table bridge coreos_lab_1_ab12 {"),
        (Host(rules=['\t\tiifname "lab1-101" counter drop']), 'rule iifname "lab1-101" counter drop'),
        (Host(rules=["-A FORWARD -i lab1 -j ACCEPT"]), "rule -A FORWARD -i lab1 -j ACCEPT"),
        (
            Host(settings=["net.ipv4.ip_forward"]),
            "setting net.ipv4.ip_forward: no cluster is left, and it still has the value that lab set",
        ),
        (Host(cgroups=[Path("/sys/fs/cgroup/coreos-lab/big")]), "cgroup /sys/fs/cgroup/coreos-lab/big"),
        (
            Host(processes=[Process(9, ("sleep", "9"), ("/", "/coreos-lab/big/core-01/machine/payload"))]),
            "process 9 (sleep 9)",
        ),
        (
            Host(processes=[Process(9, ("sleep", "9"), ("/system.slice/coreos-lab-big-core-01.service/machine",))]),
            "process 9 (sleep 9)",
        ),
        (
            Host(processes=[Process(9, ("/usr/bin/docker-registry", "serve", f"{FOLDER}/registry.yml"), ("/",))]),
            "process 9 (/usr/bin/docker-registry)",
        ),
        (
            Host(processes=[Process(9, ("python3", "-I", "/x/discovery_service.py", f"{FOLDER}/discovery"), ("/",))]),
            "process 9 (/x/discovery_service.py)",
        ),
        (Host(units=["coreos-lab-big-core-01.service"]), "unit coreos-lab-big-core-01.service"),
        (Host(bound=[Bound("TCP", "172.17.9.1", 5808)]), "socket 172.17.9.1:5808 (TCP)"),
        (Host(bound=[Bound("UDP", "172.17.9.1", 53)]), "socket 172.17.9.1:53 (UDP)"),
        (Host(bound=[Bound("TCP", "fe80::acff:fe11:901", 22)]), "socket [fe80::acff:fe11:901]:22 (TCP)"),
        (Host(sockets=["/run/coreos-lab-0123/core-01"]), "socket /run/coreos-lab-0123/core-01"),
    ],
)
def test_each_kind_of_leftover_is_found(host: Host, line: str) -> None:
    assert audit.leftovers(BIG, host) == [line]


def test_what_is_anybody_elses_is_none() -> None:
    other = Host(
        loops=[disks.Loop(Path("/dev/loop3"), "/srv/lab/clusters/bigger/nodes/core-01/sdb.img", (1, 2))],
        mounts={
            "as process 1 sees it": [ROOT, replace(OVERLAY, point=Path("/srv/lab/clusters/bigger/nodes/core-01/root"))],
            "as process 5 sees it": [ROOT, replace(BOUND, shows=Place("8:2", FOLDER / "nodes/core-01"))],
            "as process 6 sees it": [
                ROOT,
                replace(BOUND, shows=Place("8:1", Path("/srv/lab"))),
            ],  # a reader's own bind mount of the state
        },
        interfaces=[
            Interface("lab10", "coreos-lab:core:4567", ("172.17.18.1",)),
            Interface("lab10-101"),
            Interface("eth0", "", ("192.0.2.1",)),
        ],
        routes=[("172.17.18.0/24", "lab10"), ("172.17.0.0/16", "docker0")],
        rules=["table ip coreos_lab_10 {", '  iifname "lab10-101" drop', "-A FORWARD -i my-lab1 -j ACCEPT"],
        settings=["net.ipv4.ip_forward"],  # for the other cluster
        cgroups=[Path("/sys/fs/cgroup/coreos-lab/bigger")],
        processes=[
            Process(9, ("tail", "-f", f"{FOLDER}/nodes/core-01/console.log"), ("/user.slice",)),
            Process(10, ("sleep", "9"), ("/coreos-lab/bigger/core-01",)),
            Process(11, ("sleep", "9"), ("/system.slice/coreos-lab-big-bang-core-01.service",)),
            Process(12, ("",), ("/",)),
        ],
        units=["coreos-lab-big-bang-core-01.service"],
        bound=[Bound("TCP", "127.0.0.1", 5808), Bound("TCP", "172.17.18.1", 5808), Bound("UDP", "::", 53)],
        sockets=["/run/coreos-lab-4567/core-01", "/run/docker.sock"],
    )
    assert audit.leftovers(BIG, other) == []


def test_the_bridge_of_another_states_cluster_is_left_alone_with_all_that_goes_with_it() -> None:
    theirs = Host(
        interfaces=[Interface("lab1", "coreos-lab:big:4567", ("172.17.9.1",)), Interface("lab1-101")],
        routes=[("172.17.9.0/24", "lab1")],
        rules=["table ip coreos_lab_1 {"],
        bound=[Bound("TCP", "172.17.9.1", 5808)],
    )
    assert audit.leftovers(BIG, theirs) == []


@pytest.mark.parametrize("theirs", [Interface("virbr0"), Interface("lab4", "coreos-lab:other:4567")])
def test_a_subnet_that_was_refused_because_it_is_somebody_elses_leaves_nothing(theirs: Interface) -> None:
    gateway = ("172.17.9.1",)
    host = Host(
        interfaces=[replace(theirs, addresses=gateway)],
        bound=[Bound("TCP", gateway[0], 5808), Bound("UDP", gateway[0], 53)],
    )
    assert audit.leftovers(BIG, host) == []


def test_what_another_ones_command_holds_for_a_moment_is_waited_for(
    planned: Callable[..., Cluster], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It restores settings, or looks at the host itself, for which it opens loop devices and mount namespaces."""
    monkeypatch.setattr(audit, "marks", lambda _cluster: BIG)
    nowhere = "in mount namespace 4026532200, where no process is"
    device = disks.Loop(Path("/dev/loop3"), f"{FOLDER}/nodes/core-01/sdb.img (deleted)", None)
    passing = [Host(settings=["a.b"]), Host(loops=[device]), Host(mounts={nowhere: [ROOT, OVERLAY]})]
    for host in passing:
        looks = iter([host, host, Host()])
        monkeypatch.setattr(host_state, "look", lambda looks=looks: next(looks))
        assert audit.audit(planned()).found == []
    monkeypatch.setattr(audit, "PATIENCE", 0.0)
    for host in passing:
        monkeypatch.setattr(host_state, "look", lambda host=host: host)
        assert audit.audit(planned()).found == audit.leftovers(BIG, host) != []


def test_what_does_not_go_by_itself_is_told_at_once(
    planned: Callable[..., Cluster], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "marks", lambda _cluster: BIG)
    looks = iter([Host(settings=["a.b"], interfaces=[OURS], mounts={"as process 7 sees it": [ROOT, OVERLAY]})])
    monkeypatch.setattr(host_state, "look", lambda: next(looks))
    assert "interface lab1" in audit.audit(planned()).found
