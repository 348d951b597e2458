"""Faults of the network and of services: their effect as seen from both sides, and that the undo is whole."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator

import pytest

from tests.e2e.calls import Result, again, lab, start, until

Lab = Callable[..., Result]
REACHES = 'timeout 2 bash -c "exec 3<>/dev/tcp/$0/22"'


def tables() -> list[str]:
    """The firewall tables of faults on this host."""
    listed = subprocess.run(["nft", "list", "tables", "bridge"], capture_output=True, text=True, check=True).stdout
    return [line.split()[-1] for line in listed.splitlines() if "coreos_lab_" in line]


def reaches(source: str, target: str) -> bool:
    """Whether a connection from one node to another comes through."""
    nodes = {node["name"]: node["address"] for node in lab("status", "--json").json["nodes"]}
    return lab("ssh", source, "--", "sh", "-c", REACHES, nodes[target], code=None).code == 0


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
    assert reaches("core-01", "core-03")
    whole("break", "core-03", "--fault", "isolate")
    assert not reaches("core-01", "core-03")
    assert whole("ssh", "core-03", "--", "true", code=None).code != 0
    state = whole("status", "--json").json
    assert (state["nodes"][2]["state"], state["nodes"][2]["etcd_healthy"]) == ("running", False)
    assert [fault["kind"] for fault in state["faults"]] == ["isolate"]
    assert "core-03 (isolate)" in whole("heal").out
    assert reaches("core-01", "core-03")


def test_nodes_that_do_not_reach_each_other(whole: Lab) -> None:
    whole("break", "core-03", "--fault", "partition", "--set", "from=core-01")
    assert not reaches("core-01", "core-03")
    assert not reaches("core-03", "core-01")
    assert reaches("core-02", "core-03")
    whole("heal")
    assert reaches("core-01", "core-03")


def test_one_port_one_way(whole: Lab) -> None:
    whole("break", "core-03", "--fault", "partition", "--set", "way=in", "--set", "port=22")
    assert not reaches("core-01", "core-03")
    assert reaches("core-03", "core-01")
    assert all(node["etcd_healthy"] for node in whole("status", "--json").json["nodes"])
    whole("heal")


@pytest.mark.parametrize(("fault", "seen"), [("stop", "inactive"), ("freeze", "frozen")])
def test_a_service_that_does_not_work(whole: Lab, fault: str, seen: str) -> None:
    whole("break", "core-03", "--fault", fault, "--set", "service=flanneld")
    assert state_of("flanneld") == seen
    whole("heal")
    assert state_of("flanneld") == "active"


def test_a_service_that_crashes_comes_back(whole: Lab) -> None:
    show = ("ssh", "core-03", "--", "systemctl", "show", "--property=InvocationID", "fleet")
    before = whole(*show).out
    assert "is back" in whole("break", "core-03", "--fault", "crash", "--set", "service=fleet").out
    assert whole(*show).out != before
    assert whole("status", "--json").json["faults"] == []


@pytest.mark.parametrize("fault", ["isolate", again("partition"), again("stop"), again("freeze")])
def test_what_a_killed_break_left(whole: Lab, fault: str) -> None:
    breaking = start("break", "core-03", "--fault", fault, "--for", "10m")
    until(lambda: whole("status", "--json").json["faults"])
    breaking.kill()
    breaking.wait()
    assert fault in whole("heal").out
    assert "Nothing is on record" in whole("heal").out
    until(lambda: all(node["etcd_healthy"] for node in whole("status", "--json").json["nodes"]))


def test_destroy_takes_the_rules_along(whole: Lab) -> None:
    whole("break", "core-01", "--fault", "isolate")
    assert "nothing is left over" in whole("destroy").out


@pytest.mark.parametrize("fault", ["partition", again("isolate"), again("stop"), again("crash"), again("freeze")])
def test_the_verdict(ch3: Lab, fault: str) -> None:
    verdict = ch3("break", "core-03", "--fault", fault, "--for", "3s", "--verify", "--json").json
    assert verdict["outcome"] == "pass", verdict


def test_bad_words_are_refused_before_anything_is_done(whole: Lab) -> None:
    for words, why in (
        (("--fault", "stop", "--set", "service=nosuch"), "core-03: has no service nosuch.service"),
        (("--fault", "partition", "--set", "from=core-09"), "e2e has no such node"),
        (("--fault", "isolate", "--set", "x=y"), "isolate has no such parameter"),
        (("--fault", "stop", "--set", "service"), "write it as --set NAME=VALUE"),
    ):
        assert why in whole("break", "core-03", *words, code=None).err
    assert whole("status", "--json").json["faults"] == []
