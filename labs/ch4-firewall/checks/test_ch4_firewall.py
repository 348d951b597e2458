"""ch4-firewall: what is listed is let in, from where it is listed; everything else gets no answer."""

import shlex
import socket
from concurrent.futures import ThreadPoolExecutor

import pytest

EDGE, EDGE_PORT, WEB_PORT = "edge.service", 8080, 3000
FOR_ALL = {22: "SSH", 2379: "etcd", 49153: "fleet's API"}
PEERS = 2380  # etcd's members among themselves
UNUSED = 4001  # etcd's port for old clients: it listens on every machine, and nobody needs it
OPEN, REFUSED, SILENT = "open", "refused", "silent"
PATIENCE = 1.0  # seconds: a port that is let in answers within milliseconds
# Prints ADDRESS/PORT and the code of timeout(1) for each word: 124 is no answer at all.
KNOCK = 'for to in "$@"; do (timeout 1 bash -c "exec 3<>/dev/tcp/$to" 2>/dev/null; echo "$to $?") & done; wait'


def knock(address, port):
    """What this host, which is the outside, gets from a port."""
    try:
        socket.create_connection((address, port), timeout=PATIENCE).close()
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
def between(machine, addresses):
    """between(words): what each machine gets from each `(node, address, port)` of another, by (from, node, port)."""

    def ask(wanted):
        def from_node(source):
            words = {f"{address}/{port}": (node, port) for node, address, port in wanted if node != source}
            call = f"bash -c {shlex.quote(KNOCK)} bash {' '.join(words)}"
            lines = [line.split() for line in machine(source).check_output(call).splitlines()]
            got = {"0": OPEN, "1": REFUSED, "124": SILENT}
            return {(source, *words[to]): got[code] for to, code in lines}

        with ThreadPoolExecutor(max_workers=len(addresses)) as pool:
            return {key: result for results in pool.map(from_node, addresses) for key, result in results.items()}

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
        found = dict(zip(expected, pool.map(lambda to: knock(addresses[to[0]], to[1]), expected), strict=True))
    for (node, port), wanted in expected.items():
        assert found[node, port] == wanted, f"{node}: from outside port {port} is {found[node, port]}, not {wanted}"


@pytest.mark.survives
def test_from_other_machines_only_what_is_listed_answers(inventory, addresses, opened, between):
    expected = {}
    for node in (node for node in inventory.nodes if node.name in addresses):
        for_machines, for_all = opened(node.name)
        open_ports = {*FOR_ALL, *for_machines, *for_all, *({PEERS} if node.member else ())}
        expected |= {(node.name, port): OPEN for port in open_ports}
        expected |= {(node.name, port): SILENT for port in {UNUSED, WEB_PORT, EDGE_PORT} - open_ports}
    for (source, node, port), found in between([(node, addresses[node], port) for node, port in expected]).items():
        wanted = expected[node, port]
        assert found == wanted, f"{node}: from {source} port {port} is {found}, not {wanted}"


@pytest.mark.survives
def test_the_overlay_carries_containers_and_is_no_way_around(web, machine, container_address, between):
    containers = [(node, container_address(node, "web"), WEB_PORT) for node in web]
    inner = "ip -4 -o address show docker0 | grep -o '10[.0-9]*' | head -n 1"
    machines = [(node, machine(node).check_output(inner), UNUSED) for node in web]
    for (source, node, port), found in between([*containers, *machines]).items():
        wanted = OPEN if port == WEB_PORT else SILENT
        what = "its container" if port == WEB_PORT else f"port {port} of the machine"
        assert found == wanted, f"{node}: from {source}, over the overlay network, {what} is {found}, not {wanted}"


@pytest.mark.survives
def test_one_web_per_machine(web, nodes):
    assert len(set(web)) == len(web), f"instances run on {sorted(web)}: one machine has two"
    assert len(web) == min(3, len(nodes)), f"instances run on {sorted(web)}, running machines: {nodes}"
