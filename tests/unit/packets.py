"""A machine and all others as two network namespaces with cables between them, and what units do on that machine."""

from __future__ import annotations

import re
import shlex
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from coreos_lab.units import unit_file

MACHINE, OTHER, HOST = "172.17.8.101", "172.17.8.102", "172.17.8.1"
OVERLAY, FAR = "10.1.1.1", "10.1.2.1"  # the machine's own address there, and another machine's
EXTRA = 8200  # a port that nothing opens
PORTS = [22, 2379, 2380, 8000, 3300, 4001, 6789, 6800, 7300, 80, 8080, 8480, 49153, EXTRA]
UDP = [8285, 8472, 9999]
IN_NAMESPACES = ["unshare", "--user", "--map-root-user", "--net"]

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


@contextmanager
def cabled_machine() -> Iterator[Machine]:
    """A machine whose eth1, and whose flannel0, lead to a peer that has everybody else's addresses."""
    with ExitStack() as ends:
        machine = Machine(IN_NAMESPACES)
        ends.callback(machine.end)
        machine.peer = Namespace([*machine.enter, "unshare", "--net"])
        ends.callback(machine.peer.end)
        connect(machine)
        served = [*machine.enter, "python3", "-c", SERVE, repr((PORTS, UDP))]
        server = subprocess.Popen(served, stdout=subprocess.PIPE, text=True)
        ends.callback(server.communicate)
        ends.callback(server.kill)
        assert server.stdout is not None
        assert server.stdout.readline() == "ready\n"
        if machine.run(["iptables", "-t", "mangle", "-S"]).returncode != 0:
            pytest.skip("no iptables here")
        yield machine


def connect(machine: Machine) -> None:
    """Puts the cables in."""
    peer = str(machine.peer.process.pid)
    machine.run(["ip", "link", "add", "eth1", "type", "veth", "peer", "name", "cable", "netns", peer])
    machine.run(["ip", "link", "add", "flannel0", "type", "veth", "peer", "name", "tunnel", "netns", peer])
    machine.run(["ip", "link", "set", "lo", "up"])
    for name, address in (("eth1", MACHINE), ("flannel0", OVERLAY)):
        machine.run(["ip", "address", "add", f"{address}/24", "dev", name])
        machine.run(["ip", "link", "set", name, "up"])
    for name, address in (("cable", OTHER), ("cable", HOST), ("tunnel", FAR)):
        machine.peer.run(["ip", "address", "add", f"{address}/24", "dev", name])
        machine.peer.run(["ip", "link", "set", name, "up"])
    machine.peer.run(["ip", "route", "add", f"{OVERLAY}/32", "dev", "tunnel"])
    machine.run(["ip", "route", "add", f"{FAR}/32", "dev", "flannel0"])
