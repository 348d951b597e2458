"""ch3: hello world on every machine, announced in etcd, behind a proxy that keeps up with both."""

import re

import pytest

FRONT = "helloworld-nginx.service"
INSTANCES = 3  # on a larger cluster some machines have none; on a smaller one the others wait


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
def announced(etcd):
    """The lines announced under /services/helloworld."""
    return sorted(etcd.tree("/services/helloworld").values())


@pytest.mark.survives
def test_the_front_says_hello_world(front, http_get):
    node, address = front
    for _ in range(6):  # as many as it takes to meet every server of the upstream twice
        answer = http_get(f"http://{address}/")
        assert answer.status == 200, f"the front on {node}: HTTP {answer.status}: {answer.body.strip()}"
        assert answer.body == "hello world\n", f"the front on {node} says something else: {answer.body[:80]!r}"


@pytest.mark.survives
def test_one_hello_world_a_machine(instances, nodes):
    where = sorted(instances.values())
    assert set(where) <= set(nodes), f"instances run on {where}; the machines that are there are {nodes}"
    assert len(set(where)) == len(where), f"instances run on {where}: one machine has two"
    assert len(where) == min(INSTANCES, len(nodes)), f"instances run on {where}, machines there are {nodes}"


@pytest.mark.survives
def test_each_hello_world_answers(instances, addresses, http_get):
    for node in instances.values():
        answer = http_get(f"http://{addresses.get(node)}:3000/")
        assert answer.body == "hello world\n", f"{node}: port 3000: HTTP {answer.status}: {answer.body[:80]!r}"


@pytest.mark.survives
def test_each_sidekick_is_beside_its_hello_world(instances, fleet):
    sidekicks = {unit.replace("-sidekick", ""): node for unit, node in fleet.active("helloworld-sidekick@*").items()}
    assert sidekicks == instances, f"instances run on {instances}, their sidekicks on {sidekicks}"


@pytest.mark.survives
def test_etcd_names_exactly_the_instances_that_run(instances, announced, addresses):
    expected = sorted(f"server {addresses.get(node)}:3000;" for node in instances.values())
    assert announced == expected, f"announced are {announced}; running are {expected}"


@pytest.mark.survives
def test_the_proxy_lists_exactly_what_is_announced(front, announced, machine):
    node, _address = front
    configuration = machine(node).check_output("docker exec helloworld-nginx cat /etc/nginx/conf.d/helloworld.conf")
    upstream = re.search(r"upstream helloworld \{\n(.*?)\}", configuration, re.DOTALL)
    servers = sorted(upstream.group(1).strip().splitlines()) if upstream else []
    assert servers == announced, f"the proxy on {node} lists {servers}; announced are {announced}"


@pytest.mark.survives
def test_somebody_watches_for_changes(fleet):
    assert fleet.where("helloworld-nginx-sidekick.service"), "helloworld-nginx-sidekick.service is not active anywhere"
