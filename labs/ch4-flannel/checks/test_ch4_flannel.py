"""ch4-flannel: hello world behind the same front as in ch3, but reached over the overlay network alone."""

import ipaddress
import json
import re

import pytest

FRONT = "helloworld-nginx.service"
INSTANCES = 3
PORTS = {"udp": 8285, "vxlan": 8472}
INTERFACES = {"udp": "flannel0", "vxlan": "flannel.1"}


@pytest.fixture
def front(fleet, addresses):
    """The name and the address of the node that runs the proxy."""
    node = fleet.where(FRONT)
    assert node, f"{FRONT} is not active anywhere"
    assert node in addresses, f"fleet says that {FRONT} runs on {node}, which is down"
    return node, addresses[node]


@pytest.fixture
def instances(fleet):
    """The node of each hello world that runs."""
    return fleet.active("helloworld@*.service")


@pytest.fixture
def containers(instances, machine):
    """The address on the overlay of each hello world, by its node."""
    asked = "docker inspect --format '{{.NetworkSettings.IPAddress}}' helloworld"
    return {node: machine(node).check_output(asked) for node in instances.values()}


@pytest.fixture
def backend(etcd):
    """How the overlay's packets travel."""
    return json.loads(etcd.get("/coreos.com/network/config"))["Backend"]["Type"]


@pytest.mark.survives
def test_the_front_says_hello_world(front, http_get):
    node, address = front
    for _ in range(6):
        answer = http_get(f"http://{address}/")
        assert answer.status == 200, f"the front on {node}: HTTP {answer.status}: {answer.body.strip()}"
        assert answer.body == "hello world\n", f"the front on {node} says something else: {answer.body[:80]!r}"


@pytest.mark.survives
def test_one_hello_world_a_machine(instances, nodes):
    where = sorted(instances.values())
    assert len(set(where)) == len(where), f"instances run on {where}: one machine has two"
    assert len(where) == min(INSTANCES, len(nodes)), f"instances run on {where}, machines there are {nodes}"


@pytest.mark.survives
def test_each_machine_has_its_part_of_the_overlay(nodes, machine, backend):
    parts = {}
    for node in nodes:
        told = dict(
            line.split("=", 1) for line in machine(node).check_output("cat /run/flannel/subnet.env").splitlines()
        )
        parts[node] = ipaddress.ip_interface(told["FLANNEL_SUBNET"]).network
        assert machine(node).interface(INTERFACES[backend]).exists, f"{node}: has no interface {INTERFACES[backend]}"
        bridge = [ipaddress.ip_address(address) for address in machine(node).interface("docker0").addresses[:1]]
        assert bridge and bridge[0] in parts[node], f"{node}: docker0 has {bridge}, its part is {parts[node]}"
    assert len(set(parts.values())) == len(parts), f"machines share a part: {parts}"


@pytest.mark.survives
def test_etcd_names_exactly_the_containers_that_run(etcd, containers):
    announced = sorted(etcd.tree("/services/helloworld").values())
    expected = sorted(f"server {address}:3000;" for address in containers.values())
    assert announced == expected, f"announced are {announced}; running are {expected}"


@pytest.mark.survives
def test_the_proxy_lists_exactly_what_is_announced(front, etcd, machine):
    announced = sorted(etcd.tree("/services/helloworld").values())
    configuration = machine(front[0]).check_output("docker exec helloworld-nginx cat /etc/nginx/conf.d/helloworld.conf")
    upstream = re.search(r"upstream helloworld \{\n(.*?)\}", configuration, re.DOTALL)
    servers = sorted(upstream.group(1).strip().splitlines()) if upstream else []
    assert servers == announced, f"the proxy on {front[0]} lists {servers}; announced are {announced}"


@pytest.mark.survives
def test_no_machine_publishes_the_service(addresses, http_get):
    for node, address in addresses.items():
        answer = http_get(f"http://{address}:3000/", timeout=0.5)
        assert answer.status == 0, f"{node}: port 3000 answers on the machine's address"


@pytest.mark.survives
def test_the_path_between_machines_is_the_overlay(containers, machine, backend):
    """A request from each machine to a container of another goes out by flannel's interface, and comes in by it."""

    def packets(node):
        device = f"/sys/class/net/{INTERFACES[backend]}/statistics"
        return [
            int(text) for text in machine(node).check_output(f"cat {device}/rx_packets {device}/tx_packets").split()
        ]

    for node in containers:
        for other, address in containers.items():
            if other == node:
                continue
            before, there = packets(node), packets(other)
            said = machine(node).run(f"curl --silent --max-time 2 http://{address}:3000/").stdout
            assert said == "hello world\n", f"{node} does not reach {address} on {other}: {said[:80]!r}"
            after, then = packets(node), packets(other)
            assert all(b > a for a, b in zip(before + there, after + then, strict=True)), (
                f"{node} reached {address} on {other} past {INTERFACES[backend]}"
            )


@pytest.mark.survives
def test_the_overlays_port_is_open_between_machines(nodes, machine, backend):
    for node in nodes:
        listening = machine(node).check_output("ss -H -u -l -n")
        assert f":{PORTS[backend]} " in listening, f"{node}: nothing listens on UDP {PORTS[backend]}"
