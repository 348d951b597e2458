"""ch4-firewall: what is listed is let in, from where it is listed; everything else gets no answer."""

import shlex
import socket
from concurrent.futures import ThreadPoolExecutor

import pytest

EDGE, EDGE_PORT, WEB_PORT = "edge.service", 8080, 8000
INSIDE = 3000  # the port of web in its container
FOR_ALL = (22, 2379, 49153)  # SSH, etcd, fleet's API
PEERS = 2380  # etcd's members among themselves
UNUSED = 4001  # etcd's port for old clients: it listens on every machine, and nobody needs it
OPEN, REFUSED, SILENT = "open", "refused", "silent"
# Seconds for a connection. A port that is let in answers within milliseconds; more is for a busy machine.
PATIENCE = {OPEN: 3, SILENT: 1}
# For each word SECONDS:ADDRESS/PORT: prints it and the code of timeout(1), where 124 is no answer at all.
KNOCK = """for to in "$@"; do
    (timeout ${to%%:*} bash -c "exec 3<>/dev/tcp/${to#*:}" 2>/dev/null; echo "$to $?") &
done; wait"""
CODES = {"0": OPEN, "1": REFUSED, "124": SILENT}


def knock(address, port, wanted):
    """What this host, which is the outside, gets from a port."""
    try:
        socket.create_connection((address, port), timeout=PATIENCE[wanted]).close()
    except ConnectionRefusedError:
        return REFUSED
    except TimeoutError:
        return SILENT
    return OPEN


@pytest.fixture
def web(fleet, nodes):
    """The present nodes on which an instance of web is active."""
    return [node for node in fleet.active("web@*.service").values() if node in nodes]


@pytest.fixture
def opened(web, node_of, nodes):
    """opened(node): the services' ports that are to be open on it, for the other machines and for everybody."""
    edge = node_of(EDGE).name

    def on(node):
        return ({WEB_PORT} if node in web else set()), ({EDGE_PORT} if node == edge else set())

    return on


@pytest.fixture
def between(machine, nodes):
    """between({(node, address, port): wanted}): what each other machine gets there, by (from, node, port)."""

    def ask(expected):
        def from_node(source):
            words = {
                f"{PATIENCE[wanted]}:{address}/{port}": (node, port)
                for (node, address, port), wanted in expected.items()
                if node != source
            }
            call = f"bash -c {shlex.quote(KNOCK)} bash {' '.join(words)}"
            lines = [line.split() for line in machine(source).check_output(call).splitlines()]
            return {(source, *words[to]): CODES[code] for to, code in lines}

        with ThreadPoolExecutor(max_workers=len(nodes)) as pool:
            return {key: found for each in pool.map(from_node, nodes) for key, found in each.items()}

    return ask


@pytest.mark.survives
def test_the_edge_says_hello_world(node_of, http_get):
    edge = node_of(EDGE)
    for _ in range(3):
        answer = http_get(f"http://{edge.address}:{EDGE_PORT}/")
        assert answer.status == 200, f"the edge on {edge.name}: HTTP {answer.status}: {answer.body.strip()}"
        assert answer.body == "hello world\n", f"the edge on {edge.name} answers {answer.body[:80]!r}"


@pytest.mark.survives
def test_from_outside_only_what_is_for_everybody_answers(addresses, opened):
    expected = {}
    for node in addresses:
        _, for_all = opened(node)
        ports = {PEERS, UNUSED, WEB_PORT, EDGE_PORT} - for_all
        expected |= {(node, port): OPEN for port in (*FOR_ALL, *for_all)} | {(node, port): SILENT for port in ports}
    with ThreadPoolExecutor(max_workers=len(expected)) as pool:
        found = pool.map(lambda to: knock(addresses[to[0]], to[1], expected[to]), expected)
        for ((node, port), wanted), got in zip(expected.items(), found, strict=True):
            assert got == wanted, f"{node}: from outside port {port} is {got}, not {wanted}"


@pytest.mark.survives
def test_from_other_machines_only_what_is_listed_answers(inventory, addresses, opened, between):
    expected = {}
    for node in (node for node in inventory.nodes if node.name in addresses):
        for_machines, for_all = opened(node.name)
        ports = {*FOR_ALL, *for_machines, *for_all, *({PEERS} if node.member else ())}
        expected |= {(node.name, node.address, port): OPEN for port in ports}
        expected |= {(node.name, node.address, port): SILENT for port in {UNUSED, WEB_PORT, EDGE_PORT} - ports}
    for (source, node, port), got in between(expected).items():
        wanted = expected[node, addresses[node], port]
        assert got == wanted, f"{node}: from {source} port {port} is {got}, not {wanted}"


@pytest.mark.survives
def test_the_overlay_carries_containers_and_is_no_way_around(web, machine, container_address, between):
    bridge = "ip -4 -o address show docker0 | grep -o '10[.0-9]*' | head -n 1"
    expected = {}
    for node in web:
        expected[node, container_address(node, "web"), INSIDE] = OPEN
        expected[node, machine(node).check_output(bridge), UNUSED] = SILENT
    for (source, node, port), got in between(expected).items():
        what, wanted = ("its container", OPEN) if port == INSIDE else (f"the machine's port {port}", SILENT)
        assert got == wanted, f"{node}: from {source}, over the overlay network, {what} is {got}, not {wanted}"


@pytest.mark.survives
def test_one_web_per_machine(web, nodes):
    assert len(set(web)) == len(web), f"instances run on {sorted(web)}: one machine has two"
    assert len(web) == min(3, len(nodes)), f"instances run on {sorted(web)}, running machines: {nodes}"
