"""Real packets through a real router, in namespaces that end with this process: called by test_packets.py.

In place of instances there are empty network namespaces, whose cables are plugged as a machine's are. Prints what came
through as JSON.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import coreos_lab
from coreos_lab import namespaces
from coreos_lab.cloud import ground, inside, names
from coreos_lab.cloud.metadata import Service
from coreos_lab.cloud.metadata_server import MetadataServer
from coreos_lab.cloud.network import Entry, Group, Port, Route, Rule, Subnet, Vpc
from coreos_lab.cloud.router import Router
from coreos_lab.model import Cloud

T = TypeVar("T")
CLOUD = Cloud("try", "us-west-2", 3, "AKIA", "s")
LAUNCH = Path(coreos_lab.__file__).parent / "providers/nspawn/launch.sh"
EVERYWHERE = Rule("-1", None, None, "0.0.0.0/0")
SSH = Group("sg-ssh", (Rule("tcp", 22, 22, "0.0.0.0/0"),), (EVERYWHERE,))
PEERS = Group("sg-peers", (Rule("tcp", 2379, 2380, group="sg-peers"),), (EVERYWHERE,))
INTERNET = (Route("0.0.0.0/0", internet=True),)
SUBNETS = (
    Subnet("subnet-a", 1, "10.1.1.0/24", INTERNET),
    Subnet("subnet-b", 2, "10.1.2.0/24", (*INTERNET, Route("10.10.1.0/24", address="10.1.1.4"))),
)
A = Port("i-a", 1, "subnet-a", "10.1.1.4", "02:00:00:00:00:01", "198.18.3.100", ("sg-ssh", "sg-peers"))
B = Port("i-b", 2, "subnet-a", "10.1.1.5", "02:00:00:00:00:02", "", ("sg-peers",))
C = Port("i-c", 3, "subnet-b", "10.1.2.4", "02:00:00:00:00:03", "198.18.3.101", ("sg-peers",))
D = Port("i-d", 4, "subnet-b", "10.1.2.5", "02:00:00:00:00:04", "", ("sg-ssh",))
VPC = Vpc("vpc-1", 1, "10.1.0.0/16", SUBNETS, (A, B, C, D), (SSH, PEERS))
HOST = Path("/proc/self/ns/net")
PATIENCE = 0.7


def call(*argv: object) -> None:
    subprocess.run([str(word) for word in argv], check=True)


def space(port: Port) -> Path:
    return names.NAMESPACES / port.instance


def within(namespace: Path, what: Callable[[], T]) -> T:
    """Runs something in a thread in another network namespace."""
    with namespace.open() as handle:
        return namespaces.inside(handle.fileno(), namespaces.CLONE_NEWNET, what)


def reaches(source: Path, address: str, port: int, own: str = "") -> str:
    """The address under which a connection arrives, "" where none does."""

    def connect() -> str:
        try:
            with socket.create_connection((address, port), PATIENCE, (own, 0) if own else None) as connection:
                return connection.recv(100).decode()
        except OSError:
            return ""

    return within(source, connect)


def serve(namespace: Path, port: int) -> None:
    """Tells whoever connects from which address that is."""
    listening = inside.listen(namespace, "0.0.0.0", port)

    def answer() -> None:
        while True:
            connection, address = listening.accept()
            connection.sendall(address[0].encode())
            connection.close()

    threading.Thread(target=answer, daemon=True).start()


def plug(router: Router, port: Port) -> subprocess.Popen[bytes]:
    """An empty namespace with an instance's cable. The process that it returns keeps it."""
    call("ip", "netns", "add", port.instance)
    keeper = subprocess.Popen(["ip", "netns", "exec", port.instance, "sleep", "60"])
    subnet = VPC.subnet(port.subnet)
    plugging = [f"{port.address}/{subnet.length}", subnet.gateway, port.mac, keeper.pid]
    while not Path(f"/proc/{keeper.pid}/ns/net").samefile(space(port)):
        pass
    call("nsenter", f"--net={router.path}", "sh", LAUNCH, "plug", port.cable, subnet.bridge, *plugging)
    return keeper


def main() -> None:
    call("ip", "link", "set", "lo", "up")
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1")
    ground.lay(CLOUD)
    router = Router(CLOUD, 1)
    router.make()
    router.make()
    router.apply(VPC)
    keepers = [plug(router, port) for port in VPC.ports]
    for port in VPC.ports:
        for number in (22, 80, 2380):
            serve(space(port), number)
    MetadataServer(router.path, Service("us-west-2", lambda _address: None))
    serve(HOST, 5000)
    a, b, c, d = map(space, VPC.ports)
    found = {
        "host to public 22": reaches(HOST, A.public, 22),
        "host to public 2380": reaches(HOST, A.public, 2380),
        "host to public of another group": reaches(HOST, C.public, 22),
        "host to private": reaches(HOST, A.address, 22),
        "peer in the subnet": reaches(b, A.address, 2380),
        "peer in another subnet": reaches(c, A.address, 2380),
        "peer, another port": reaches(c, A.address, 80),
        "no peer": reaches(d, A.address, 2380),
        "no peer, 22": reaches(d, A.address, 22),
        "nobody lets 22 in, in the subnet": reaches(a, B.address, 22),
        "by public address": reaches(c, A.public, 22),
        "by its own public address": reaches(a, A.public, 22),
        "by its own public address, which nothing lets in": reaches(c, C.public, 22),
        "by public address, where a group lets it in": reaches(c, A.public, 2380),
        "by public address without an own": reaches(d, A.public, 22),
        "to the host": reaches(a, CLOUD.host_address, 5000),
        "metadata": metadata(a),
    }
    found |= neighbors(router, b)
    # What a container of A sends and gets, with addresses of flannel's.
    call("ip", "-netns", A.instance, "address", "add", "10.10.1.1/32", "dev", "lo")
    found["another's address as the source, checked"] = reaches(a, D.address, 22, own="10.10.1.1")
    found["by a route, checked"] = reaches(c, "10.10.1.1", 2380)
    router.apply(replace(VPC, ports=(replace(A, checked=False), B, C, D)))
    found["by a route, not checked"] = reaches(c, "10.10.1.1", 2380)
    found["by a route, no peer"] = reaches(d, "10.10.1.1", 2380)
    call("ip", "-netns", B.instance, "link", "set", "eth1", "address", A.mac)
    found["with another's MAC address"] = reaches(b, A.address, 2380)
    call("ip", "-netns", B.instance, "link", "set", "eth1", "address", B.mac)
    found |= acls(router, a, c)
    for name, block in (("its own", f"{A.public}/32"), ("another's", f"{C.public}/32")):
        let_in = replace(SSH, ingress=(Rule("tcp", 80, 80, block),))
        router.apply(replace(VPC, groups=(let_in, PEERS)))
        found[f"by its own public address, {name} is let in"] = reaches(a, A.public, 80)
    router.apply(replace(VPC, groups=(SSH, replace(PEERS, ingress=()))))
    found["after the rule was taken away"] = reaches(c, A.address, 2380)
    without = replace(VPC, subnets=tuple(replace(each, routes=()) for each in SUBNETS))
    router.apply(without)
    found["without a route to the internet"] = reaches(HOST, A.public, 22)
    for keeper in keepers:
        keeper.kill()
    router.remove()
    ground.take_away(CLOUD)
    links = subprocess.run(["ip", "-br", "link"], capture_output=True, text=True, check=True).stdout
    tables = subprocess.run(["nft", "list", "ruleset"], capture_output=True, text=True, check=True).stdout
    found["left"] = f"{' '.join(line.split()[0] for line in links.splitlines())} {tables}".strip()
    print(json.dumps(found))
    sys.stdout.flush()
    os._exit(0)


def neighbors(router: Router, b: Path) -> dict[str, str]:
    """Who answers ARP in a subnet, and that nobody is reached past the router."""
    times = []
    for _ in range(9):
        call("ip", "-netns", B.instance, "neighbor", "flush", "all")
        began = time.monotonic()
        reaches(b, A.address, 2380)
        times.append(time.monotonic() - began)
    # By default a router waits for 0.4 s on average.
    found = {"the router answers for A at once": str(sorted(times)[4] < 0.2)}
    # A bridge would take the lowest MAC address of its ports for its own, and nobody would know of the change.
    call("ip", "-netns", router.name, "link", "add", "low", "address", "00:00:00:00:00:01", "type", "veth")
    call("ip", "-netns", router.name, "link", "set", "low", "master", SUBNETS[0].bridge, "up")
    found["after another joined the subnet"] = reaches(b, A.address, 2380)
    call("ip", "-netns", B.instance, "neighbor", "flush", "all")
    reaches(b, A.address, 2380)
    call("ip", "-netns", router.name, "link", "delete", "low")
    found["after it left"] = reaches(b, A.address, 2380)
    call("ip", "-netns", B.instance, "neighbor", "replace", A.address, "lladdr", A.mac, "dev", "eth1")
    found["past the router"] = reaches(b, A.address, 2380)
    call("ip", "-netns", B.instance, "neighbor", "delete", A.address, "dev", "eth1")
    return found


def acls(router: Router, a: Path, c: Path) -> dict[str, str]:
    """What network ACLs of subnet b let pass, and of subnet a in the end."""
    answers = Entry(True, Rule("tcp", 1024, 65535, "10.1.1.0/24"))
    no_peers = Entry(False, Rule("tcp", 2380, 2380, "0.0.0.0/0"))

    def give(*subnets: Subnet) -> None:
        router.apply(replace(VPC, subnets=subnets))

    of_a, of_b = SUBNETS

    router.apply(VPC)
    found = {"into b": reaches(a, C.address, 2380), "out of b": reaches(c, A.address, 2380)}
    give(of_a, replace(of_b, ingress=()))
    found["into b, nothing may"] = reaches(a, C.address, 2380)
    found["out of b, no answer may return"] = reaches(c, A.address, 2380)
    found["within b"] = reaches(c, D.address, 22)
    give(of_a, replace(of_b, ingress=(no_peers, answers)))
    found["into b, an earlier entry denies"] = reaches(a, C.address, 2380)
    found["out of b, answers may return"] = reaches(c, A.address, 2380)
    give(of_a, replace(of_b, egress=()))
    found["out of b, nothing may"] = reaches(c, A.address, 2380)
    give(replace(of_a, ingress=()), of_b)
    found["from the host, nothing may"] = reaches(HOST, A.public, 22)
    router.apply(VPC)
    found["from the host again"] = reaches(HOST, A.public, 22)
    return found


def metadata(source: Path) -> str:
    """The status line of the metadata service."""

    def ask() -> str:
        with socket.create_connection(("169.254.169.254", 80), PATIENCE) as connection:
            connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
            return connection.recv(100).split(b"\r\n")[0].decode()

    return within(source, ask)


if __name__ == "__main__":
    main()
