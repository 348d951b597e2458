"""ch6: a page on every machine, sessions that survive a web server, and every event of the feed in the store."""

import json
import time

import pytest

WEBS = 3  # a larger cluster has machines without a web server; on a smaller one some web servers wait
MEMCACHED = 3
STEADY = 12  # seconds: more than two renewals of an announcement, which must not restart a web server
COMPARED = 2000  # events at most


@pytest.fixture
def feed(node_of):
    """The feed's URL."""
    return f"http://{node_of('feed.service').address}:8000"


@pytest.fixture
def webs(addresses_of):
    """The address of each web server's machine, by unit."""
    return addresses_of("web@*.service")


@pytest.mark.survives
def test_the_balancer_serves_the_page(node_of, http_get):
    node = node_of("balancer.service")
    for _ in range(WEBS):
        answer = http_get(f"http://{node.address}/")
        assert answer.status == 200, f"the balancer on {node.name}: HTTP {answer.status}: {answer.body.strip()}"
        assert "What people plan" in answer.body, f"the balancer on {node.name} serves: {answer.body[:80]!r}"


@pytest.mark.survives
def test_each_machine_serves_the_page(webs, nodes, http_get):
    assert len(set(webs.values())) == min(WEBS, len(nodes)), f"web servers run on {webs}, running machines: {nodes}"
    for unit, address in webs.items():
        answer = http_get(f"http://{address}:3000/")
        assert answer.status == 200, f"{unit} at {address}: HTTP {answer.status}: {answer.body.strip()}"


@pytest.mark.survives
def test_each_web_server_shows_new_events(webs, http_get, http_json):
    assert webs, "no web server is active anywhere"
    for unit, address in webs.items():
        assert len(http_json(f"http://{address}:3000/health")["items"]) == 10, f"{unit}: fewer than ten events"
        answer = http_get(f"http://{address}:3000/fresh")
        assert answer.status == 200, f"{unit} shows old events: {answer.body.strip()}"


@pytest.mark.survives
def test_a_session_is_shared_by_all_web_servers(webs, one_session):
    one_session(f"http://{address}:3000/session" for address in webs.values())


@pytest.mark.survives
def test_each_announcement_names_a_running_container(fleet, etcd, container_address):
    units = {**fleet.active("couchbase@*.service"), **fleet.active("memcached@*.service")}
    assert sum(unit.startswith("memcached") for unit in units) == MEMCACHED, (
        f"not all {MEMCACHED} memcached run: {sorted(units)}"
    )
    for unit, node in units.items():
        kind, instance = unit.removesuffix(".service").split("@")
        address = container_address(node, f"{kind}-{instance}")
        announced = etcd.get(f"/services/{kind}/{instance}")
        assert announced == address, f"{unit} has the address {address}, but {announced} is announced"


@pytest.mark.survives
def test_one_worker_has_the_only_connection(fleet, feed, http_json):
    workers = fleet.active("worker*.service")
    assert list(workers) == ["worker.service"], f"active workers: {workers}"
    connections = http_json(f"{feed}/record")["connections"]
    assert len(connections) == 1, f"the feed's connections: {connections}"


@pytest.fixture
def stored(node_of, machine):
    """stored(1, 100): what the store has of the feed's events with these numbers: `count`, `checksum` and `oldest`."""
    worker = machine(node_of("worker.service").name)
    return lambda first, last: json.loads(worker.check_output(f"docker exec worker node stored.mjs {first} {last}"))


@pytest.mark.survives
def test_the_store_has_each_event_of_the_feed(feed, http_json, stored):
    record = http_json(f"{feed}/record")
    assert record["connections"], "no worker is connected to the feed"
    first, last = max(record["connections"][0]["from"], record["sent"] - COMPARED), record["sent"]
    sent = http_json(f"{feed}/record?from={first}&to={last}")
    assert sent["count"] > 0, "the feed has sent nothing yet"
    for _ in range(3):  # the last events may not have reached the store yet
        found = stored(first, last)
        if found["checksum"] == sent["checksum"]:
            return
        time.sleep(0.5)
    pytest.fail(f"events {first} to {last}: the feed has sent {sent['count']}, the store has {found}")


@pytest.mark.survives
def test_a_worker_that_exits_stores_what_it_has_received(feed, http_json, stored):
    # Only connections that were closed in order: without power, or without its store, a worker loses what it holds.
    for ended in [each for each in http_json(f"{feed}/record")["ended"] if each["complete"]][-2:]:
        first, last = max(ended["from"], ended["to"] - COMPARED), ended["to"]
        found = stored(first, last)
        if found["oldest"] is None or found["oldest"] > last:
            continue  # the store is younger than that connection
        sent = http_json(f"{feed}/record?from={max(first, found['oldest'])}&to={last}")
        assert found["checksum"] == sent["checksum"], (
            f"events {sent['from']} to {last} of an ended connection: the feed has sent {sent['count']}, "
            f"the store has {found}"
        )


@pytest.mark.lasting
@pytest.mark.survives
def test_a_renewed_announcement_restarts_no_web_server(webs, http_json):
    for unit, address in webs.items():
        up = http_json(f"http://{address}:3000/health")["up"]
        assert up >= STEADY, f"{unit} was started {up:.1f} s ago"
