"""ch3: hello world on every machine, announced in etcd, behind a proxy that follows both."""

import pytest

FRONT = "helloworld-nginx.service"
FRONTS = "helloworld-nginx[.@]*service"  # with `--set fronts=2` there is helloworld-nginx@2, too
SIDEKICK = "helloworld-nginx-sidekick.service"
INSTANCES = 3  # a larger cluster has machines without an instance; on a smaller one some instances wait


@pytest.fixture
def instances(fleet):
    """The node of each active instance of hello world, by unit."""
    return fleet.active("helloworld@*.service")


@pytest.fixture
def announced(etcd):
    """The lines under /services/helloworld."""
    return sorted(etcd.tree("/services/helloworld").values())


@pytest.mark.survives
def test_every_front_says_hello_world(node_of, addresses_of, http_get):
    node_of(FRONT)
    for front, address in addresses_of(FRONTS).items():
        for _ in range(6):  # enough to be served by every server of the upstream twice
            answer = http_get(f"http://{address}/")
            assert answer.status == 200, f"{front} at {address}: HTTP {answer.status}: {answer.body.strip()}"
            assert answer.body == "hello world\n", f"{front} at {address} answers {answer.body[:80]!r}"


@pytest.mark.survives
def test_as_many_machines_as_set_have_a_front(fleet, nodes):
    lines = [value for unit in fleet.units() if unit.name == SIDEKICK for _, _, value in unit.options]
    number = next((int(line.removeprefix("FRONTS=")) for line in lines if line.startswith("FRONTS=")), None)
    assert number, f"fleet has no {SIDEKICK} that says how many fronts there are"
    where = fleet.active(FRONTS)
    assert len(set(where.values())) == min(number, len(nodes)), f"set: {number} fronts; they run on {where}"


@pytest.mark.survives
def test_etcd_lists_the_fronts_and_all_of_them_answer(etcd, addresses_of, http_get, eventually):
    def wrong():
        listed = etcd.tree("/fronts").values()
        absent = {f"http://{address}/" for address in addresses_of(FRONTS).values()} - set(listed)
        return [*(f"{url} is absent" for url in absent), *(url for url in listed if http_get(url).status != 200)]

    # The entry of a front that is lost stays for 15 s at most: a client tries the next one.
    eventually(lambda: not wrong(), f"/fronts: absent, or not answering: {wrong()}", within=20)


@pytest.mark.survives
def test_one_hello_world_per_machine(instances, nodes):
    where = sorted(instances.values())
    assert set(where) <= set(nodes), f"instances run on {where}, running machines: {nodes}"
    assert len(set(where)) == len(where), f"instances run on {where}: one machine has two"
    assert len(where) == min(INSTANCES, len(nodes)), f"instances run on {where}, running machines: {nodes}"


@pytest.mark.survives
def test_each_hello_world_answers(instances, addresses, http_get):
    for node in instances.values():
        answer = http_get(f"http://{addresses.get(node)}:3000/")
        assert answer.body == "hello world\n", f"{node}: port 3000: HTTP {answer.status}: {answer.body[:80]!r}"


@pytest.mark.survives
def test_each_sidekick_runs_with_its_hello_world(instances, fleet):
    sidekicks = {unit.replace("-sidekick", ""): node for unit, node in fleet.active("helloworld-sidekick@*").items()}
    assert sidekicks == instances, f"instances run on {instances}, their sidekicks on {sidekicks}"


@pytest.mark.survives
def test_etcd_lists_exactly_the_running_instances(instances, announced, addresses):
    expected = sorted(f"server {addresses.get(node)}:3000;" for node in instances.values())
    assert announced == expected, f"announced: {announced}; running: {expected}"


@pytest.mark.survives
def test_every_proxy_has_exactly_the_announced_servers(node_of, fleet, announced, nginx_upstream):
    node_of(FRONT)
    for front, node in fleet.active(FRONTS).items():
        servers = nginx_upstream(node, "helloworld-nginx", "helloworld")
        assert servers == announced, f"{front} on {node} has {servers}; announced: {announced}"


@pytest.mark.survives
def test_the_sidekick_of_the_proxy_runs(node_of):
    node_of(SIDEKICK)
