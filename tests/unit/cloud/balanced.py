"""A real haproxy as a load balancer, in front of servers in namespaces: called by test_balanced.py.

As in packets.py there are empty network namespaces in place of instances, and everything ends with this process. Prints
what was observed as JSON.
"""

from __future__ import annotations

import base64
import http.client
import http.server
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from hashlib import sha1
from pathlib import Path

from coreos_lab.cloud import ground, inside
from coreos_lab.cloud.balancing.kept import Check
from coreos_lab.cloud.balancing.process import Haproxy, place_of
from coreos_lab.cloud.balancing.servers import Servers
from coreos_lab.cloud.balancing.wanted import Front, Pool, Server, Wanted
from coreos_lab.cloud import names
from coreos_lab.cloud.balancing.wiring import Wiring
from coreos_lab.cloud.network import Group, Port, Route, Rule, Subnet, Vpc
from coreos_lab.cloud.router import Router
from coreos_lab.containers import pidfile
from tests.unit.cloud.packets import CLOUD, EVERYWHERE, HOST, plug, space, within

INTERNET = (Route("0.0.0.0/0", internet=True),)
SUBNETS = (Subnet("subnet-a", 1, "10.1.1.0/24", INTERNET), Subnet("subnet-b", 2, "10.1.2.0/24", INTERNET))
FRONT = Group("sg-front", (Rule("tcp", 80, 80, "0.0.0.0/0"), Rule("tcp", 2379, 2379, group="sg-back")), (EVERYWHERE,))
BACK = Group("sg-back", (Rule("tcp", 3000, 3001, group="sg-front"),), (EVERYWHERE,))
ONE = Port("i-one", 1, "subnet-a", "10.1.1.4", "02:00:00:00:00:01", "", ("sg-back",))
TWO = Port("i-two", 2, "subnet-b", "10.1.2.4", "02:00:00:00:00:02", "", ("sg-back",))
LEFT = Port("eni-left", 1001, "subnet-a", "10.1.1.9", "02:00:00:00:01:01", "198.18.3.101", ("sg-front",))
RIGHT = Port("eni-right", 1002, "subnet-b", "10.1.2.9", "02:00:00:00:01:02", "198.18.3.102", ("sg-front",))
VPC = Vpc("vpc-1", 1, "10.1.0.0/16", SUBNETS, (ONE, TWO, LEFT, RIGHT), (FRONT, BACK))
CHECK = Check("HTTP", 0, "/health", 1, 1, 5, 2)
MACHINES = {"i-one": Server("i-one-3000", ONE.address, 3000), "i-two": Server("i-two-3000", TWO.address, 3000)}
POOL = Pool("web", True, CHECK, tuple(MACHINES.values()), sticky=60, eager=True, open=True, drain=3)
TCP = Pool("etcd", False, replace(CHECK, protocol="TCP", healthy=2), tuple(MACHINES.values()))
WANTED = Wanted(
    "try",
    "arn:try",
    60,
    (
        Front("port80", (LEFT.address, RIGHT.address), 80, True, "web"),
        Front("port2379", (LEFT.address, RIGHT.address), 2379, False, "etcd"),
    ),
    (POOL, TCP),
)
PATIENCE = 20.0
TWICE = 12  # requests, after which each of two servers has had some


def until(true: Callable[[], object], what: str) -> None:
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, what
        time.sleep(0.05)


class Quiet(http.server.ThreadingHTTPServer):
    def handle_error(self, *_args: object) -> None:
        """Connections that are cut are what is tested."""


@dataclass
class Machine:
    """A web server in a namespace: says who it is and whom it sees, and gives back what a WebSocket sends."""

    port: Port
    health: int = 200

    def serve(self) -> None:
        machine = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                if self.headers.get("Upgrade"):
                    self.send_response(101)
                    self.send_header("Connection", "Upgrade")
                    self.send_header("Upgrade", "websocket")
                    key = self.headers["Sec-WebSocket-Key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455
                    self.send_header("Sec-WebSocket-Accept", base64.b64encode(sha1(key.encode()).digest()).decode())  # noqa: S324
                    self.end_headers()
                    while data := self.connection.recv(100):
                        self.connection.sendall(data)
                    self.close_connection = True
                    return
                code = machine.health if self.path == "/health" else 200
                seen = {name: self.headers.get(name) for name in ("X-Forwarded-For", "X-Forwarded-Port")}
                body = json.dumps({"who": machine.port.instance, "peer": self.client_address[0], **seen}).encode()
                self.send_response(code)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_args: object) -> None: ...

        server = Quiet((self.port.address, 3000), Handler, bind_and_activate=False)
        server.socket = inside.listen(space(self.port), self.port.address, 3000)
        threading.Thread(target=server.serve_forever, daemon=True).start()


def get(source: Path, address: str, port: int, path: str = "/", cookie: str = "") -> tuple[int, dict[str, str], str]:
    """Status, body and cookie of an answer; status 0 where there is none."""

    def ask() -> tuple[int, dict[str, str], str]:
        connection = http.client.HTTPConnection(address, port, timeout=1)
        try:
            connection.request("GET", path, headers={"Cookie": cookie} if cookie else {})
            answer = connection.getresponse()
            body = answer.read()
            said = json.loads(body) if body.startswith(b"{") else {}
            return answer.status, said, (answer.getheader("Set-Cookie") or "").partition(";")[0]
        except OSError:
            return 0, {}, ""
        finally:
            connection.close()

    return within(source, ask)


def who(port: int = 80, times: int = TWICE, cookie: str = "") -> Counter[str]:
    """Which machines answered, or with which status."""
    found: Counter[str] = Counter()
    for number in range(times):
        address = (LEFT.public, RIGHT.public)[number % 2]
        status, said, _cookie = get(HOST, address, port, cookie=cookie)
        found[said.get("who", str(status))] += 1
    return found


def upgrade() -> tuple[socket.socket, str]:
    """A WebSocket by way of the load balancer, and which server has it."""
    made = socket.create_connection((LEFT.public, 80), 3)
    key = b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    made.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" + key + b"\r\n")
    return made, made.recv(1000).decode().splitlines()[0]


def echo(connection: socket.socket) -> str:
    """What comes back, "" once the connection is closed."""
    try:
        connection.sendall(b"hello")
        return connection.recv(100).decode()
    except OSError:
        return ""


class Balancer:
    """A load balancer, looked after as the keeper does."""

    def __init__(self, router: Router) -> None:
        self.wiring = Wiring(names.balancer(CLOUD, 1))
        self.process = Haproxy(place_of(CLOUD, 1), self.wiring.path)
        self.servers = Servers(self.process.control)
        self.router = router

    def look(self, wanted: Wanted, new: set[str] | None = None) -> None:
        self.wiring.connect(self.router.path, VPC, (LEFT, RIGHT))
        self.process.converge(wanted)
        seen = self.process.control.servers()
        self.servers.converge(wanted.pools, seen)
        self.servers.promote(wanted.pools, seen, new or set())

    def until(self, wanted: Wanted, true: Callable[[], object], what: str, new: set[str] | None = None) -> None:
        """Looks after it until something is so."""
        end = time.monotonic() + PATIENCE
        while not true():
            assert time.monotonic() < end, what
            self.look(wanted, new)
            time.sleep(0.05)

    def until_all_are_up(self) -> None:
        self.until(WANTED, lambda: self.up() == set(MACHINES), "not healthy", {each.name for each in MACHINES.values()})

    def up(self) -> set[str]:
        """The machines that are healthy."""
        return {name.removesuffix("-3000") for name, state in self.states("web").items() if state == "UP"}

    def states(self, pool: str) -> dict[str, str]:
        return {
            name: seen.status.split()[0] for (own, name), seen in self.process.control.servers().items() if own == pool
        }

    def pid(self) -> int:
        return int(json.loads((place_of(CLOUD, 1).folder / "haproxy.pid").read_text())["pid"])


def main() -> None:
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1")
    ground.lay(CLOUD)
    router = Router(CLOUD, 1)
    router.make()
    router.apply(VPC)
    machines = [Machine(ONE), Machine(TWO)]
    keepers = [plug(router, machine.port) for machine in machines]
    for machine in machines:
        machine.serve()
    balancer = Balancer(router)
    found: dict[str, object] = {}
    observe(balancer, machines, found)
    balancer.process.end()
    balancer.wiring.remove()
    found["processes left"] = len(
        subprocess.run(["pgrep", "-f", str(place_of(CLOUD, 1).folder)], capture_output=True, check=False).stdout
    )
    found["sockets left"] = len(list(Path("/run").glob("*.sock*")))
    for keeper in keepers:
        keeper.kill()
    router.remove()
    ground.take_away(CLOUD)
    links = subprocess.run(["ip", "-br", "link"], capture_output=True, text=True, check=True).stdout
    found["links left"] = " ".join(line.split()[0] for line in links.splitlines())
    print(json.dumps(found))
    sys.stdout.flush()
    os._exit(0)


def observe(balancer: Balancer, machines: list[Machine], found: dict[str, object]) -> None:
    balancer.look(WANTED)
    found["before any check"] = balancer.states("web")
    balancer.until_all_are_up()
    found["both answer"] = sorted(who())
    _status, said, cookie = get(HOST, LEFT.public, 80)
    found["the client's address"], found["the port"] = said["X-Forwarded-For"], said["X-Forwarded-Port"]
    found["the load balancer's address is the source"] = {said["peer"] for said in [get(HOST, LEFT.public, 80)[1]]} <= {
        LEFT.address,
        RIGHT.address,
    }
    found["past the load balancer"] = get(space(ONE), TWO.address, 3000)[0]
    found["a port that the group does not let in"] = get(HOST, LEFT.public, 2379)[0]
    balancer.until(WANTED, lambda: get(space(ONE), RIGHT.address, 2379)[0], "TCP is not forwarded")
    found["TCP has no headers"] = get(space(ONE), RIGHT.address, 2379)[1]["X-Forwarded-For"]
    found["a client stays with its server"] = len(who(cookie=cookie))
    socket_, line = upgrade()
    found["an upgrade"] = line
    reload(balancer, socket_, found)
    health(balancer, machines, found)
    drain(balancer, found)
    killed(balancer, found)


def reload(balancer: Balancer, connection: socket.socket, found: dict[str, object]) -> None:
    """Another listener: nothing that goes on may notice."""
    more = replace(WANTED, fronts=(*WANTED.fronts, replace(WANTED.fronts[0], name="port81", port=81)))
    answers, end = Counter[str](), threading.Event()

    def ask() -> None:
        while not end.is_set():
            answers.update(who(times=2))

    thread = threading.Thread(target=ask)
    thread.start()
    before = balancer.pid()
    fresh = replace(POOL, name="fresh", servers=(Server("i-one-3001", ONE.address, 3001),))
    balancer.look(replace(more, pools=(*WANTED.pools, fresh)))
    found["a server that comes with a reload"] = balancer.states("fresh")
    found["health is known after a reload"] = sorted(balancer.states("web").values())
    end.set()
    thread.join()
    found["requests during a reload"] = sorted(answers)
    found["the same process"] = balancer.pid() == before
    found["a WebSocket after a reload"] = echo(connection)
    found["security group of the new port"] = get(HOST, LEFT.public, 81)[0]
    balancer.look(WANTED)


def health(balancer: Balancer, machines: list[Machine], found: dict[str, object]) -> None:
    machines[1].health = 500
    until(lambda: balancer.states("web")["i-two-3000"] == "DOWN", "it is not noticed")
    seen = balancer.process.control.servers()["web", "i-two-3000"]
    found["why it is unhealthy"] = f"{seen.checked} {seen.code}"
    found["only the healthy one answers"] = sorted(who())
    machines[0].health = 500
    until(lambda: set(balancer.states("web").values()) == {"DOWN"}, "it is not noticed")
    found["both get requests when both are unhealthy"] = sorted(who())
    dead = replace(POOL, servers=(Server("i-one-3001", ONE.address, 3001),))
    balancer.look(replace(WANTED, pools=(dead, TCP)))
    found["nobody takes the connection"] = sorted(who())
    empty = replace(WANTED, pools=(replace(POOL, servers=()), TCP))
    balancer.until(empty, lambda: not balancer.states("web"), "servers stay")
    found["no servers"] = sorted(who())
    machines[0].health = machines[1].health = 200
    balancer.until_all_are_up()
    found["a client stays with a server that was added"] = len(who(cookie=get(HOST, LEFT.public, 80)[2]))


def drain(balancer: Balancer, found: dict[str, object]) -> None:
    """A server that leaves while it has a connection."""
    one = replace(WANTED, pools=(replace(POOL, servers=(MACHINES["i-one"],)), TCP))
    two = replace(WANTED, pools=(replace(POOL, servers=(MACHINES["i-two"],)), TCP))
    balancer.until(two, lambda: list(balancer.states("web")) == ["i-two-3000"], "it does not leave")
    connection, _line = upgrade()
    began = time.monotonic()
    balancer.look(one, {"i-one-3000"})
    balancer.until(one, lambda: "i-one" in balancer.up(), "not healthy", {"i-one-3000"})
    found["while it leaves"] = [echo(connection), *sorted(who())]
    balancer.until(one, lambda: not echo(connection), "the connection stays")
    found["it had its time"] = time.monotonic() - began >= POOL.drain
    balancer.until(one, lambda: list(balancer.states("web")) == ["i-one-3000"], "it does not leave")


def killed(balancer: Balancer, found: dict[str, object]) -> None:
    """Another process of the cloud's finds it again; and it is started again when it dies."""
    balancer.until_all_are_up()
    connection, _line = upgrade()
    before = balancer.pid()
    again = Balancer(balancer.router)
    again.look(WANTED)
    found["it is found again"] = [again.pid() == before, echo(connection), sorted(again.states("web").values())]
    os.kill(before, signal.SIGKILL)
    until(lambda: pidfile.running(place_of(CLOUD, 1).folder / "haproxy.pid") is None, "it lives")
    again.look(WANTED)
    again.until_all_are_up()
    found["after SIGKILL"] = [again.pid() != before, sorted(who())]


if __name__ == "__main__":
    main()
