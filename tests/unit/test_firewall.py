"""The commands of ch4-firewall's units, and of sidekicks that open ports, with the kernel's own packet filter."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.packets import ASK, FAR, HOST, MACHINE, OTHER, OVERLAY, PING, PORTS, SERVE, UDP, Machine, cabled_machine

LABS = Path(__file__).parents[2] / "labs"
FIREWALL = LABS / "ch4-firewall/units/firewall.service"
WEB = LABS / "ch4-firewall/units/web-sidekick@.service"
EDGE = LABS / "ch4-firewall/units/edge-sidekick.service"
FRONT = LABS / "ch4-flannel/units/helloworld-nginx-port.service"
STORAGE = LABS / "ch4-ceph/units/ceph-ports.service"
CLEAN = [f"-P {chain} ACCEPT" for chain in ("PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING")]
FOR_ALL = [22, 2379, 49153]
BETWEEN = [22, 2379, 2380, 8285, 8472, 49153]


@pytest.fixture(scope="module")
def cabled() -> Iterator[Machine]:
    """A machine with cables to all others."""
    with cabled_machine() as machine:
        yield machine


@pytest.fixture
def machine(cabled: Machine) -> Iterator[Machine]:
    """The same, without any rule before and after."""
    assert cabled.rules() == CLEAN
    yield cabled
    for unit in (WEB, EDGE, FRONT, STORAGE, FIREWALL):
        cabled.stop(unit)
    assert cabled.rules() == CLEAN
    assert "DROP" not in cabled.run(["ip6tables", "-t", "mangle", "-S"]).stdout


def test_without_the_firewall_every_port_answers(machine: Machine) -> None:
    for source in (HOST, OTHER):
        assert machine.reached_from(source) == sorted(PORTS + UDP)
    assert machine.reached_from(FAR, OVERLAY) == sorted(PORTS + UDP)


def test_only_what_is_listed_is_let_in(machine: Machine) -> None:
    machine.start(FIREWALL)
    assert machine.reached_from(HOST) == FOR_ALL
    assert machine.reached_from(OTHER) == BETWEEN
    assert machine.reached_from(FAR, OVERLAY) == FOR_ALL, "the machine's own address on the overlay is no way around"
    machine.stop(FIREWALL)
    assert machine.rules() == CLEAN
    assert machine.reached_from(HOST) == sorted(PORTS + UDP)


def test_the_machine_itself_reaches_out_and_gets_answers(machine: Machine) -> None:
    machine.start(FIREWALL)
    server = [*machine.peer.enter, "python3", "-c", SERVE, repr(([5808], []))]
    with subprocess.Popen(server, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == "ready\n"
        asked = machine.run(["python3", "-c", ASK, repr((MACHINE, HOST, [5808], []))])
        running.kill()
    assert asked.stdout == "[5808]\n"
    assert machine.peer.run(["python3", "-c", PING, MACHINE]).returncode == 0


def test_a_sidekick_opens_its_port_for_those_that_it_is_meant_for(machine: Machine) -> None:
    machine.start(FIREWALL)
    machine.start(WEB)
    assert machine.reached_from(HOST) == FOR_ALL
    assert machine.reached_from(OTHER) == sorted([*BETWEEN, 8000])
    machine.start(EDGE)
    assert machine.reached_from(HOST) == sorted([*FOR_ALL, 8080])
    assert machine.reached_from(OTHER) == sorted([*BETWEEN, 8000, 8080])
    machine.stop(WEB)
    assert machine.reached_from(OTHER) == sorted([*BETWEEN, 8080])
    machine.stop(EDGE)
    assert machine.reached_from(OTHER) == BETWEEN


def test_the_other_parts_of_the_chapter_open_what_they_need(machine: Machine) -> None:
    machine.start(FIREWALL)
    machine.start(FRONT)
    assert machine.reached_from(HOST) == sorted([*FOR_ALL, 80])
    machine.start(STORAGE)
    assert machine.reached_from(HOST) == sorted([*FOR_ALL, 80, 8480])
    assert machine.reached_from(OTHER) == sorted([*BETWEEN, 80, 8480, 3300, 6789, 6800, 7300])
    machine.stop(STORAGE)
    assert machine.reached_from(OTHER) == sorted([*BETWEEN, 80])


@pytest.mark.parametrize("order", [(FIREWALL, WEB, EDGE), (WEB, EDGE, FIREWALL), (WEB, FIREWALL, EDGE)])
def test_units_start_and_stop_in_any_order(machine: Machine, order: tuple[Path, ...]) -> None:
    for unit in order:
        machine.start(unit)
    whole = sorted(machine.rules())
    assert machine.reached_from(OTHER) == sorted([*BETWEEN, 8000, 8080])
    machine.stop(FIREWALL)
    assert machine.reached_from(HOST) == sorted(PORTS + UDP), "what a sidekick opens has no effect of its own"
    machine.start(FIREWALL)
    assert sorted(machine.rules()) == whole, "the firewall finds the ports that were open"
    for unit in order:
        machine.stop(unit)
    assert machine.rules() == CLEAN


def test_a_second_start_adds_nothing(machine: Machine) -> None:
    """A machine on which the commands of a stop were cut short."""
    machine.start(FIREWALL)
    machine.start(WEB)
    whole = machine.rules()
    machine.start(WEB)
    assert machine.rules() == whole
    assert machine.unit(FIREWALL, "ExecStartPre") != 0, "systemd then removes all of it, and starts again"
    machine.stop(FIREWALL)
    machine.start(FIREWALL)
    assert sorted(machine.rules()) == sorted(whole)


def test_ipv6_is_no_way_around(machine: Machine) -> None:
    if not Path("/proc/net/if_inet6").exists():
        pytest.skip("no IPv6 here")
    machine.start(FIREWALL)
    chain = machine.run(["ip6tables", "-t", "mangle", "-S", "PREROUTING"]).stdout
    assert "-i eth1 ! -p ipv6-icmp -m conntrack ! --ctstate RELATED,ESTABLISHED -j DROP" in chain
