"""Breaking and healing real machines: the verdict, and whether it can be trusted."""

from __future__ import annotations

import signal
from collections.abc import Callable

import pytest

from tests.e2e.calls import LONGEST, Result, checks_pass, start, typed, until

Lab = Callable[..., Result]


def phases(result: Result) -> dict[str, str]:
    return {phase["name"]: phase["outcome"] for phase in result.json["phases"]}


def state_of(ch3: Lab, name: str) -> str:
    nodes = ch3("status", "--json").json["nodes"]
    return next(str(node["state"]) for node in nodes if node["name"] == name)


def test_the_proxys_machine_dies_and_the_cluster_heals(ch3: Lab) -> None:
    verdict = ch3("break", "unit:helloworld-nginx.service", "--verify", "--json")
    assert verdict.json["outcome"] == "pass"
    assert set(phases(verdict).values()) == {"pass"}
    assert 0 < verdict.json["outages"]["ch3/front"] < 60


@pytest.mark.parametrize("fault", ["halt", "reboot", "pause"])
def test_every_fault_has_an_effect_and_is_undone(ch3: Lab, fault: str) -> None:
    ch3("break", "core-03", "--fault", fault, "--for", "1s")
    ch3("deploy", "ch3")  # ends when all checks pass again
    assert ch3("status", "--json").json["faults"] == []


def test_without_the_repair_the_verdict_is_fail(tied: Lab) -> None:
    """fleet cannot move the proxy, and the verdict must say so."""
    refused = tied("break", "unit:helloworld-nginx.service", "--verify", "--deadline", "15s", code=1)
    assert "verdict: FAIL" in refused.out


def test_heal_puts_right_what_a_killed_break_left(ch3: Lab) -> None:
    breaking = start("break", "core-02", "--for", "10m")
    until(lambda: state_of(ch3, "core-02") == "stopped")
    breaking.kill()
    breaking.wait()
    assert [fault["node"] for fault in ch3("status", "--json").json["faults"]] == ["core-02"]
    assert "core-02 (kill)" in ch3("heal").out
    assert "there is nothing to heal" in ch3("heal").out
    checks_pass("ch3")


def test_ctrl_c_heals_before_it_goes(ch3: Lab) -> None:
    breaking = start("break", "core-02", "--for", "10m")
    until(lambda: state_of(ch3, "core-02") == "stopped")
    breaking.send_signal(signal.SIGINT)
    assert breaking.wait(LONGEST) == 130
    state = ch3("status", "--json").json
    assert state["faults"] == []
    assert state["nodes"][1]["state"] == "running"


def test_two_commands_at_once_and_a_node_broken_twice(ch3: Lab) -> None:
    breaking = start("break", "core-02", "--for", "15s")
    until(lambda: state_of(ch3, "core-02") == "stopped")
    breaking.send_signal(signal.SIGSTOP)  # it holds its lock for as long as the other one takes
    refused = ch3("undeploy", "ch3", code=4)
    breaking.send_signal(signal.SIGCONT)
    assert f"busy: {typed('break', 'core-02')}" in refused.err
    assert breaking.wait(LONGEST) == 0
    ch3("break", "core-02")
    assert "broken already" in ch3("break", "core-02", code=4).err
    ch3("heal")
