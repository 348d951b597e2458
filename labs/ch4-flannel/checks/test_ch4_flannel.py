"""ch4-flannel: hello world behind the front of ch3, reached only over the overlay network."""

import ipaddress
import json

import pytest

FRONT = "helloworld-nginx.service"
INSTANCES = 3
PORTS = {"udp": 8285, "vxlan": 8472}
INTERFACES = {"udp": "flannel0", "vxlan": "flannel.1"}


@pytest.fixture
def instances(fleet):
    """The node of each active instance of hello world, by unit."""
    return fleet.active("helloworld@*.service")


@pytest.fixture
def containers(instances, container_address):
    """The overlay address of each instance's container, by node."""
    return {node: container_address(node, "helloworld") for node in instances.values()}


@pytest.fixture
def backend(etcd):
    """flannel's backend: udp or vxlan."""
    return json.loads(etcd.get("/coreos.com/network/config"))["Backend"]["Type"]


@pytest.mark.survives
def test_the_front_says_hello_world(node_of, http_get):
    front = node_of(FRONT)
    for _ in range(6):  # enough to be served by every server of the upstream twice
        answer = http_get(f"http://{front.address}/")
        assert answer.status == 200, f"the front on {front.name}: HTTP {answer.status}: {answer.body.strip()}"
        assert answer.body == "hello world\n", f"the front on {front.name} answers {answer.body[:80]!r}"


@pytest.mark.survives
def test_one_hello_world_per_machine(instances, nodes):
    where = sorted(instances.values())
    assert len(set(where)) == len(where), f"instances run on {where}: one machine has two"
    assert len(where) == min(INSTANCES, len(nodes)), f"instances run on {where}, running machines: {nodes}"


@pytest.mark.survives
def test_each_machine_has_its_own_overlay_subnet(nodes, machine, backend):
    subnets = {}
    for node in nodes:
        settings = dict(
            line.split("=", 1) for line in machine(node).check_output("cat /run/flannel/subnet.env").splitlines()
        )
        subnets[node] = ipaddress.ip_interface(settings["FLANNEL_SUBNET"]).network
        assert machine(node).interface(INTERFACES[backend]).exists, f"{node}: no interface {INTERFACES[backend]}"
        bridge = [ipaddress.ip_address(address) for address in machine(node).interface("docker0").addresses[:1]]
        assert bridge and bridge[0] in subnets[node], f"{node}: docker0 has {bridge}, its subnet is {subnets[node]}"
    assert len(set(subnets.values())) == len(subnets), f"machines share a subnet: {subnets}"


@pytest.mark.survives
def test_etcd_lists_exactly_the_running_containers(etcd, containers):
    announced = sorted(etcd.tree("/services/helloworld").values())
    expected = sorted(f"server {address}:3000;" for address in containers.values())
    assert announced == expected, f"announced: {announced}; running: {expected}"


@pytest.mark.survives
def test_the_proxy_has_exactly_the_announced_servers(node_of, etcd, nginx_upstream):
    node = node_of(FRONT).name
    announced = sorted(etcd.tree("/services/helloworld").values())
    servers = nginx_upstream(node, "helloworld-nginx", "helloworld")
    assert servers == announced, f"the proxy on {node} has {servers}; announced: {announced}"


@pytest.mark.survives
def test_no_machine_publishes_the_service(addresses, http_get):
    for node, address in addresses.items():
        answer = http_get(f"http://{address}:3000/", timeout=0.5)
        assert answer.status == 0, f"{node}: port 3000 answers on the machine's address"


@pytest.mark.survives
def test_requests_between_machines_use_the_overlay(containers, machine, backend):
    """A request from each machine to a container on another leaves and arrives by flannel's interface."""

    def packets(node):
        counters = f"/sys/class/net/{INTERFACES[backend]}/statistics"
        output = machine(node).check_output(f"cat {counters}/rx_packets {counters}/tx_packets")
        return [int(text) for text in output.split()]

    for node in containers:
        for other, address in containers.items():
            if other == node:
                continue
            before = packets(node) + packets(other)
            body = machine(node).run(f"curl --silent --max-time 2 http://{address}:3000/").stdout
            assert body == "hello world\n", f"{node} does not reach {address} on {other}: {body[:80]!r}"
            after = packets(node) + packets(other)
            assert all(b > a for a, b in zip(before, after, strict=True)), (
                f"{node} reached {address} on {other} without {INTERFACES[backend]}"
            )


@pytest.mark.survives
def test_each_machine_listens_on_the_overlays_port(nodes, machine, backend):
    for node in nodes:
        listening = machine(node).check_output("ss -H -u -l -n")
        assert f":{PORTS[backend]} " in listening, f"{node}: nothing listens on UDP {PORTS[backend]}"
