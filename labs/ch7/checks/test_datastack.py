"""ch7: one store with replicas on other machines, no acknowledged data lost, and six workers that share one lock."""

import json
import re
import time

import pytest

SLOTS = 16384
WORKERS = 6
WEBS = 3
DEVIATION = 0.2  # of the mean: how much a machine's share of the data may differ from it
FEW = 200  # values: with fewer, the shares are a matter of chance


@pytest.fixture
def machines(etcd):
    """The number of machines that the store is made for."""
    number = etcd.get("/config/couchbase/nodes")
    assert number, "the store's configuration is missing: /config/couchbase/nodes"
    return int(number)


@pytest.fixture
def members(fleet):
    """The node of each active member of the store, by unit."""
    active = fleet.active("couchbase@*.service")
    assert active, "no member of the store is active anywhere"
    return active


@pytest.fixture
def webs(addresses_of):
    """The address of each web server's machine, by unit."""
    return addresses_of("web@*.service")


@pytest.fixture
def redis_cli(members, machine):
    """redis_cli("dbsize"): the output of a command on every Redis node, {(unit, port): text}."""

    def run(command):
        output = {}
        # Each Redis node has a folder that is named after its port.
        loop = f"for port in $(ls /var/lib/redis); do echo --- $port; redis-cli -p $port {command}; done"
        for unit, node in members.items():
            texts = machine(node).check_output(f"docker exec {container_of(unit)} sh -c '{loop}'").split("--- ")[1:]
            output |= {(unit, int(port)): text for port, _, text in (each.partition("\n") for each in texts)}
        return output

    return run


def container_of(unit):
    return unit.removesuffix(".service").replace("@", "-")


def slot_count(line):
    """The number of slots in a line of CLUSTER NODES."""
    return sum(
        int(last or first) - int(first) + 1
        for first, last in re.findall(r"(?<= )(\d+)(?:-(\d+))?(?= |$)", line.partition("connected")[2])
    )


@pytest.fixture
def shards(redis_cli):
    """Each shard as (unit that serves it, number of slots, units with a replica), as each node reports itself."""
    nodes = redis_cli("cluster nodes")
    own_lines = {key: next(line for line in text.splitlines() if "myself" in line) for key, text in nodes.items()}
    owners = {line.split()[0]: (unit, slot_count(line)) for (unit, _port), line in own_lines.items()}
    replicas = {}
    for (unit, _port), line in own_lines.items():
        replicas.setdefault(line.split()[3], []).append(unit)
    return [(unit, count, replicas.get(owner, [])) for owner, (unit, count) in owners.items() if count]


@pytest.fixture
def searched(fleet):
    """Where the workers search: `stand-in`, or a URL."""
    lines = [value for unit in fleet.units() if unit.name == "worker@1.service" for _, _, value in unit.options]
    found = [word.removeprefix("SEARCH=") for line in lines for word in line.split() if word.startswith("SEARCH=")]
    assert found, "worker@1.service does not say where it searches"
    return found[-1]


@pytest.fixture
def stand_in(searched):
    """The check needs the stand-in's record of what it has served: no other search keeps one."""
    if searched != "stand-in":
        pytest.skip("the workers search elsewhere, where no record is kept of what they were sent")


@pytest.mark.survives
def test_all_data_is_served(shards):
    served = sum(count for _unit, count, _replicas in shards)
    assert served == SLOTS, f"{served} of {SLOTS} slots are served: {shards}"


@pytest.mark.survives
def test_all_data_has_its_replicas_on_other_machines(shards, machines, nodes):
    wanted = min((machines - 1) // 2, len(nodes) - 1)
    assert wanted > 0, "one machine cannot have a replica on another"
    for unit, count, replicas in shards:
        elsewhere = len(set(replicas) - {unit})
        assert elsewhere >= wanted, f"{count} slots of {unit} have {elsewhere} replicas on other machines, not {wanted}"


def test_each_machine_serves_its_share(members, machines, shards, redis_cli):
    assert len(members) >= machines, f"active members of the store: {members}"
    serving = sorted(unit for unit, _count, _replicas in shards)
    assert len(set(serving)) == machines, f"the shards are served by {serving}"
    keys = {node: int(text) for node, text in redis_cli("dbsize").items()}
    roles = redis_cli("role")
    shares = [keys[node] for node, text in roles.items() if text.startswith("master") and keys[node]]
    if sum(shares) >= FEW:
        mean = sum(shares) / machines
        assert all(abs(share - mean) <= DEVIATION * mean for share in shares), f"the shares are {shares}"


@pytest.mark.survives
def test_every_shard_can_be_written_and_read(webs, http_get):
    assert webs, "no web server is active anywhere"
    for unit, address in webs.items():
        answer = http_get(f"http://{address}:3000/store")
        assert answer.status == 200, f"{unit} at {address}: {answer.body.strip()}"


@pytest.mark.survives
@pytest.mark.usefixtures("stand_in")
def test_no_acknowledged_data_is_lost(fleet, machine):
    webs = fleet.active("web@*.service")  # the helper is in every container that has the stack's programs
    assert webs, "no web server is active anywhere"
    unit, node = next(iter(webs.items()))
    helper = machine(node).run(f"docker exec {container_of(unit)} node acknowledged.mjs")
    assert helper.rc == 0, f"{unit}: {(helper.stdout + helper.stderr).strip()[-300:]}"
    result = json.loads(helper.stdout)
    wanted, stored = result["wanted"], result["stored"]
    assert result["requests"], "the search's record has no acknowledged request"
    assert wanted == stored, f"of {wanted['count']} texts the store has {stored['count']}; missing: {result['lost']}"


@pytest.mark.survives
def test_the_search_accepts_the_account(etcd, searched):
    account = etcd.read("/config/worker/auth")
    assert account, "no account in /config/worker/auth"
    answer = json.loads(etcd.get("/config/worker/answer") or "{}")
    # The answer about another account, or another search's, says nothing of this one.
    if (answer.get("account"), answer.get("search")) != (account.created, searched):
        holder = etcd.get("/config/worker/lock")
        pytest.skip("no worker has used the account yet" + (f": they rest, by the lock of {holder}" if holder else ""))
    assert answer["refused"] is None, answer["refused"]


@pytest.mark.survives
@pytest.mark.usefixtures("stand_in")
def test_workers_stop_when_the_search_refuses(node_of, http_json):
    record = http_json(f"http://{node_of('search.service').address}:8001/record")
    assert record["most_refused"] <= WORKERS, f"{record['most_refused']} requests were refused in one window"


@pytest.mark.survives
def test_each_machine_serves_the_page(webs, nodes, http_get, http_json):
    assert len(set(webs.values())) == min(WEBS, len(nodes)), f"web servers run on {webs}, running machines: {nodes}"
    for unit, address in webs.items():
        answer = http_get(f"http://{address}:3000/")
        assert answer.status == 200, f"{unit} at {address}: HTTP {answer.status}: {answer.body.strip()}"
        items = http_json(f"http://{address}:3000/health")["items"]
        assert len(items) == 10, f"{unit} at {address} shows fewer than ten texts"


@pytest.mark.survives
def test_a_session_is_shared_by_all_web_servers(webs, one_session):
    one_session(f"http://{address}:3000/session" for address in webs.values())


@pytest.mark.survives
def test_each_announcement_names_a_running_member(etcd, members, container_address):
    running = {}
    for unit, node in members.items():
        instance = unit.removesuffix(".service").partition("@")[2]
        running[f"/services/couchbase/{instance}"] = container_address(node, f"couchbase-{instance}")
    announced = etcd.tree("/services/couchbase")
    assert announced == running, f"announced: {announced}; running: {running}"


# Not marked as surviving: the store must be served without a conductor as well.
@pytest.mark.lasting
def test_one_conductor_holds_the_lock(fleet, etcd):
    assert fleet.active("conductor.service"), "conductor.service is not active anywhere"
    holder = etcd.get("/services/conductor")
    assert holder, "no conductor holds the lock"
    time.sleep(1)
    assert etcd.get("/services/conductor") == holder, "the conductor's lock has changed hands"
