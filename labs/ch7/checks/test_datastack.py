"""ch7: one store, copies on other machines, nothing lost that was acknowledged, six workers under one lock."""

import http.client
import json
import re
import time

import pytest

PORTS = (8091, 8092, 8093)  # each member is three Redis
SLOTS = 16384
MEMBERS = 3
WORKERS = 6
UNEVEN = 0.2  # of the mean: how far a machine's share of the data may be from it
FEW = 200  # values below which shares are chance


@pytest.fixture
def members(fleet):
    """The node of each member of the store that runs."""
    found = fleet.active("couchbase@*.service")
    assert found, "no member of the store is active anywhere"
    return found


@pytest.fixture
def webs(fleet, addresses):
    """The address of each web server's machine, by the unit."""
    found = fleet.active("web@*.service")
    assert set(found.values()) <= set(addresses), f"fleet says that web servers run on {sorted(found.values())}"
    return {unit: addresses[node] for unit, node in found.items()}


@pytest.fixture
def asked(members, machine):
    """What a member's Redis says to a command, each of its three: {(unit, port): text}."""

    def ask(command):
        told = {}
        for unit, node in members.items():
            name = unit.removesuffix(".service").replace("@", "-")
            calls = "; echo ---; ".join(f"redis-cli -p {port} {command}" for port in PORTS)
            answers = machine(node).check_output(f"docker exec {name} sh -c '{calls}'").split("---\n")
            told |= {(unit, port): text for port, text in zip(PORTS, answers, strict=True)}
        return told

    return ask


def slots(line):
    return sum(
        int(last or first) - int(first) + 1
        for first, last in re.findall(r"(?<= )(\d+)(?:-(\d+))?(?= |$)", line.partition("connected")[2])
    )


@pytest.fixture
def shards(asked):
    """Each part of the data: (unit that serves it, number of slots, units with a copy), as each says of itself."""
    own = {key: next(x for x in text.splitlines() if "myself" in x) for key, text in asked("cluster nodes").items()}
    by_id = {line.split()[0]: (unit, slots(line)) for (unit, _port), line in own.items()}
    copies = {}
    for (unit, _port), line in own.items():
        copies.setdefault(line.split()[3], []).append(unit)
    return [(unit, count, copies.get(name, [])) for name, (unit, count) in by_id.items() if count]


@pytest.mark.survives
def test_all_data_is_served_and_has_a_copy_elsewhere(shards, nodes):
    served = sum(count for _unit, count, _copies in shards)
    assert served == SLOTS, f"{served} of {SLOTS} slots are served: {shards}"
    assert len(nodes) > 1, "one machine cannot keep a copy elsewhere"
    for unit, count, copies in shards:
        assert set(copies) - {unit}, f"{count} slots of {unit} have no copy on another machine"


def test_each_machine_serves_its_share(members, shards, asked):
    assert len(members) == MEMBERS, f"of the store's members run {members}"
    serving = sorted(unit for unit, _count, _copies in shards)
    assert serving == sorted(members), f"the data's parts are served by {serving}"
    keys = {key: int(text) for key, text in asked("dbsize").items()}
    roles = asked("role")
    shares = [keys[key] for key, text in roles.items() if text.startswith("master") and keys[key]]
    if sum(shares) >= FEW:
        mean = sum(shares) / MEMBERS
        assert all(abs(share - mean) <= UNEVEN * mean for share in shares), f"the shares are {shares}"


@pytest.mark.survives
def test_every_part_can_be_written_and_read(webs, http_get):
    assert webs, "no web server is active anywhere"
    for unit, address in webs.items():
        answer = http_get(f"http://{address}:3000/store")
        assert answer.status == 200, f"{unit} at {address}: {answer.body.strip()}"


@pytest.mark.survives
def test_nothing_is_lost_that_was_acknowledged(fleet, machine):
    webs = fleet.active("web@*.service")  # any container with the programs will do
    assert webs, "no web server is active anywhere"
    unit, node = next(iter(webs.items()))
    name = unit.removesuffix(".service").replace("@", "-")
    told = machine(node).run(f"docker exec {name} node acknowledged.mjs")
    assert told.rc == 0, f"{unit}: {(told.stdout + told.stderr).strip()[-300:]}"
    seen = json.loads(told.stdout)
    assert seen["requests"], "the search's record has nothing that was acknowledged"
    what = f"of {seen['wanted']['count']} texts the store has {seen['stored']['count']}; not there: {seen['lost']}"
    assert seen["wanted"] == seen["stored"], what


@pytest.mark.survives
def test_workers_stop_when_the_search_has_refused(fleet, addresses, http_get):
    node = fleet.where("search.service")
    assert node in addresses, f"search.service runs on {node or 'no node'}"
    answer = http_get(f"http://{addresses[node]}:8001/record")
    assert answer.status == 200, f"the search: HTTP {answer.status}: {answer.body[:200]}"
    record = json.loads(answer.body)
    assert record["most_refused"] <= WORKERS, f"in one window {record['most_refused']} requests were refused"


@pytest.mark.survives
def test_each_machine_serves_the_page(webs, nodes, http_get):
    assert len(set(webs.values())) == min(3, len(nodes)), f"web servers run on {webs}, machines there are {nodes}"
    for unit, address in webs.items():
        answer = http_get(f"http://{address}:3000/")
        assert answer.status == 200, f"{unit} at {address}: HTTP {answer.status}: {answer.body.strip()}"
        answer = http_get(f"http://{address}:3000/health")
        assert answer.status == 200, f"{unit} at {address}: HTTP {answer.status}: {answer.body.strip()}"
        assert len(json.loads(answer.body)["items"]) == 10, f"{unit} at {address} shows fewer than ten texts"


@pytest.mark.survives
def test_a_cookie_keeps_its_session_on_all_machines(webs):
    seen, cookie = [], ""
    for address in webs.values():
        connection = http.client.HTTPConnection(address, 3000, timeout=3)
        try:
            connection.request("GET", "/session", headers={"Cookie": cookie} if cookie else {})
            answer = connection.getresponse()
            seen.append(json.load(answer)["visits"])
            cookie = answer.headers.get("Set-Cookie", cookie).partition(";")[0]
        except (OSError, http.client.HTTPException, ValueError) as error:
            pytest.fail(f"{address}: no session: {error}")
        finally:
            connection.close()
    assert seen == list(range(1, len(webs) + 1)), f"one visitor's visits were counted as {seen}"


@pytest.mark.survives
def test_each_announcement_names_a_member_that_runs(etcd, members, machine):
    inspect = "docker inspect -f '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}'"
    wanted = {}
    for unit, node in members.items():
        instance = unit.removesuffix(".service").partition("@")[2]
        wanted[f"/services/couchbase/{instance}"] = machine(node).check_output(f"{inspect} couchbase-{instance}")
    told = etcd.tree("/services/couchbase")
    assert told == wanted, f"announced is {told}; the members are at {wanted}"


@pytest.mark.lasting
@pytest.mark.survives
def test_one_conductor_is_at_work(fleet, etcd):
    found = fleet.active("conductor.service")
    assert found, "conductor.service is not active anywhere"
    first = etcd.get("/services/conductor")
    assert first, "nobody holds the conductor's lock"
    time.sleep(1)
    assert etcd.get("/services/conductor") == first, "the conductor's lock has changed hands"
