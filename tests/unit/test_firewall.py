"""The commands of ch4-firewall's units, and of sidekicks that open ports, with the kernel's own packet filter.

Two network namespaces and a cable between them are the machine, and all others.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from coreos_lab.units import unit_file

LABS = Path(__file__).parents[2] / "labs"
FIREWALL = LABS / "ch4-firewall/units/firewall.service"
WEB = LABS / "ch4-firewall/units/web-sidekick@.service"
EDGE = LABS / "ch4-firewall/units/edge-sidekick.service"
FRONT = LABS / "ch4-flannel/units/helloworld-nginx-port.service"
STORAGE = LABS / "ch4-ceph/units/ceph-ports.service"
MACHINE, OTHER, HOST = "172.17.8.101", "172.17.8.102", "172.17.8.1"
OVERLAY, CONTAINER, FAR = "10.1.1.1", "10.1.1.2", "10.1.2.1"
EXTRA = 8200  # a port that only a test opens
PORTS = [22, 2379, 2380, 8000, 3300, 4001, 6789, 6800, 7300, 80, 8080, 8480, 49153, EXTRA]
UDP = [8285, 8472, 9999]
IN_NAMESPACES = ["unshare", "--user", "--map-root-user", "--net"]
CLEAN = [f"-P {chain} ACCEPT" for chain in ("PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING")]

SERVE = """
import selectors, signal, socket, sys
signal.alarm(300)  # the end, whoever forgets this program
tcp, udp = eval(sys.argv[1])
waiting = selectors.DefaultSelector()
for port in tcp:
    waiting.register(socket.create_server(("", port), backlog=64), selectors.EVENT_READ)
for port in udp:
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("", port))
    waiting.register(server, selectors.EVENT_READ)
print("ready", flush=True)
while True:
    for key, _ in waiting.select():
        if key.fileobj.type == socket.SOCK_DGRAM:
            key.fileobj.sendto(b"here", key.fileobj.recvfrom(9)[1])
        else:
            key.fileobj.accept()[0].close()
"""
ASK = """
import select, socket, sys, time
source, address, tcp, udp = eval(sys.argv[1])
tried = []
for ports, kind in ((tcp, socket.SOCK_STREAM), (udp, socket.SOCK_DGRAM)):
    for port in ports:
        client = socket.socket(socket.AF_INET, kind)
        client.bind((source, 0))
        client.setblocking(False)
        client.connect_ex((address, port))
        if kind == socket.SOCK_DGRAM:
            client.send(b"there?")
        tried.append((port, kind, client))
end, reached = time.monotonic() + 0.3, []
waiting = {client: (port, kind) for port, kind, client in tried}
while waiting and time.monotonic() < end:
    streams = [client for client, (_, kind) in waiting.items() if kind == socket.SOCK_STREAM]
    datagrams = [client for client in waiting if client not in streams]
    read, written, _ = select.select(datagrams, streams, [], max(0, end - time.monotonic()))
    for client in (*read, *written):
        port, _ = waiting.pop(client)
        if client.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0:
            reached.append(port)
print(sorted(reached))
"""

PING = """
import socket, sys
client = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
client.settimeout(1)
client.sendto(bytes.fromhex("0800f7fe00000001"), (sys.argv[1], 0))
client.recv(99)
"""


class Namespace:
    """A network namespace, for as long as its process runs."""

    def __init__(self, entry: list[str]) -> None:
        self.process = subprocess.Popen([*entry, "sleep", "300"], stderr=subprocess.PIPE, text=True)
        self.enter = ["nsenter", f"--target={self.process.pid}", "--user", "--net", "--preserve-credentials", "--"]
        wait_for_program(self.process, "sleep")

    def run(self, words: list[str], environment: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        call = [*self.enter, *words]
        variables = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", **(environment or {})}
        return subprocess.run(call, env=variables, capture_output=True, text=True, timeout=30, check=False)

    def end(self) -> None:
        self.process.kill()
        self.process.communicate()


def wait_for_program(process: subprocess.Popen[str], name: str) -> None:
    """Returns when the process has become that program; skips the test where it cannot."""
    end = time.monotonic() + 10
    while Path(f"/proc/{process.pid}/comm").read_text().strip() != name:
        if process.poll() is not None:
            pytest.skip(f"no namespaces here: {process.stderr.read() if process.stderr else ''}")
        assert time.monotonic() < end
        time.sleep(0.01)


class Machine(Namespace):
    """The machine with its programs, and what units do on it."""

    peer: Namespace

    def unit(self, path: Path, *options: str) -> int:
        """Runs a unit's commands of these options as systemd does; the code of the first that fails, else 0."""
        parsed = [each for each in unit_file.parse(unit_file.read(path)) if each.section == "Service"]
        environment = {"COREOS_PRIVATE_IPV4": MACHINE}
        for option in parsed:
            if option.name == "Environment":
                environment |= dict(word.split("=", 1) for word in shlex.split(option.value))
        for option in parsed:
            if option.name in options:
                words = shlex.split(option.value.removeprefix("-").replace("\\\n", " "))
                done = self.run([meant(word, environment) for word in words], environment)
                if done.returncode != 0 and not option.value.startswith("-"):
                    return done.returncode
        return 0

    def start(self, path: Path) -> None:
        assert self.unit(path, "ExecStartPre", "ExecStart") == 0, path.name

    def stop(self, path: Path) -> None:
        assert self.unit(path, "ExecStopPost") == 0, path.name

    def rules(self) -> list[str]:
        return self.run(["iptables", "-t", "mangle", "-S"]).stdout.splitlines()

    def reached_from(self, source: str, address: str = MACHINE) -> list[int]:
        """The ports that answer to that address."""
        done = self.peer.run(["python3", "-c", ASK, repr((source, address, PORTS, UDP))])
        assert done.returncode == 0, done.stderr
        return [int(each) for each in re.findall(r"\d+", done.stdout)]


def meant(word: str, environment: Mapping[str, str]) -> str:
    """A word of a unit's command as systemd hands it on."""
    word = word.replace("%%", "%")
    return re.sub(r"\$\$|\$\{(\w+)\}", lambda found: "$" if found[0] == "$$" else environment.get(found[1], ""), word)


@pytest.fixture(scope="module")
def cabled() -> Iterator[Machine]:
    """A machine whose eth1, and whose flannel0, lead to a peer that has everybody else's addresses."""
    machine = Machine(IN_NAMESPACES)
    machine.peer = Namespace([*machine.enter, "unshare", "--net"])
    peer = machine.peer.process.pid
    machine.run(["ip", "link", "add", "eth1", "type", "veth", "peer", "name", "cable", "netns", str(peer)])
    machine.run(["ip", "link", "add", "flannel0", "type", "veth", "peer", "name", "tunnel", "netns", str(peer)])
    for name, address in (("eth1", MACHINE), ("flannel0", OVERLAY), ("lo", CONTAINER)):
        machine.run(["ip", "address", "add", f"{address}/24", "dev", name])
        machine.run(["ip", "link", "set", name, "up"])
    for name, address in (("cable", OTHER), ("cable", HOST), ("tunnel", FAR)):
        machine.peer.run(["ip", "address", "add", f"{address}/24", "dev", name])
        machine.peer.run(["ip", "link", "set", name, "up"])
    machine.peer.run(["ip", "route", "add", f"{OVERLAY}/32", "dev", "tunnel"])
    machine.run(["ip", "route", "add", f"{FAR}/32", "dev", "flannel0"])
    served = [*machine.enter, "python3", "-c", SERVE, repr((PORTS, UDP))]
    server = subprocess.Popen(served, stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    assert server.stdout.readline() == "ready\n"
    if machine.run(["iptables", "-t", "mangle", "-S"]).returncode != 0:
        pytest.skip("no iptables here")
    yield machine
    server.kill()
    server.communicate()
    machine.peer.end()
    machine.end()


@pytest.fixture
def machine(cabled: Machine) -> Iterator[Machine]:
    """The same, without any rule before and after."""
    assert cabled.rules() == CLEAN
    yield cabled
    for unit in (WEB, EDGE, FRONT, STORAGE, FIREWALL):
        cabled.stop(unit)
    assert cabled.rules() == CLEAN
    assert "DROP" not in cabled.run(["ip6tables", "-t", "mangle", "-S"]).stdout


FOR_ALL = [22, 2379, 49153]
BETWEEN = [22, 2379, 2380, 8285, 8472, 49153]


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
