"""ch6: a page on every machine, sessions that outlive a web server, and each event of the feed in the store."""

import http.client
import json
import time

import pytest

WEBS = 3  # on a larger cluster some machines have none; on a smaller one the others wait
MEMCACHED = 3
STEADY = 12  # seconds: two refreshes of an announcement and more; who hears each as news never lives so long
JUDGED = 2000  # events at most that are compared


@pytest.fixture
def feed(fleet, addresses):
    """Where the feed answers."""
    node = fleet.where("feed.service")
    assert node in addresses, f"feed.service runs on {node or 'no node'}"
    return f"http://{addresses[node]}:8000"


@pytest.fixture
def webs(fleet, addresses):
    """The address of each web server's machine, by the unit."""
    found = fleet.active("web@*.service")
    assert set(found.values()) <= set(addresses), f"fleet says that web servers run on {sorted(found.values())}"
    return {unit: addresses[node] for unit, node in found.items()}


def asked(url, http_get):
    """What is at the URL, which must answer with JSON."""
    answer = http_get(url)
    assert answer.status == 200, f"{url}: HTTP {answer.status}: {answer.body.strip()[:200]}"
    return json.loads(answer.body)


@pytest.mark.survives
def test_the_balancer_serves_the_page(fleet, addresses, http_get):
    node = fleet.where("balancer.service")
    assert node in addresses, f"balancer.service runs on {node or 'no node'}"
    for _ in range(WEBS):
        answer = http_get(f"http://{addresses[node]}/")
        assert answer.status == 200, f"the balancer on {node}: HTTP {answer.status}: {answer.body.strip()}"
        assert "What people plan" in answer.body, f"the balancer on {node} serves something else: {answer.body[:80]!r}"


@pytest.mark.survives
def test_each_machine_serves_the_page(webs, nodes, http_get):
    assert len(set(webs.values())) == min(WEBS, len(nodes)), f"web servers run on {webs}, machines there are {nodes}"
    for unit, address in webs.items():
        answer = http_get(f"http://{address}:3000/")
        assert answer.status == 200, f"{unit} at {address}: HTTP {answer.status}: {answer.body.strip()}"


@pytest.mark.survives
def test_each_page_shows_new_events(webs, http_get):
    assert webs, "no web server is active anywhere"
    for unit, address in webs.items():
        assert len(asked(f"http://{address}:3000/health", http_get)["items"]) == 10, f"{unit}: fewer than ten events"
        answer = http_get(f"http://{address}:3000/fresh")
        assert answer.status == 200, f"{unit} shows old events: {answer.body.strip()}"


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
def test_each_announcement_names_a_container_that_runs(fleet, etcd, machine):
    units = {**fleet.active("couchbase@*.service"), **fleet.active("memcached@*.service")}
    assert sum(unit.startswith("memcached") for unit in units) == MEMCACHED, f"of the memcached run {sorted(units)}"
    for unit, node in units.items():
        kind, instance = unit.removesuffix(".service").split("@")
        inspect = "docker inspect -f '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}'"
        address = machine(node).check_output(f"{inspect} {kind}-{instance}")
        told = etcd.get(f"/services/{kind}/{instance}")
        assert told == address, f"{unit} has the address {address}; announced is {told}"


@pytest.mark.survives
def test_one_worker_and_one_connection(fleet, feed, http_get):
    workers = fleet.active("worker*.service")
    assert list(workers) == ["worker.service"], f"of the workers run {workers}"
    connections = asked(f"{feed}/record", http_get)["connections"]
    assert len(connections) == 1, f"the feed has the connections {connections}"


@pytest.mark.survives
def test_the_store_has_each_event_that_the_feed_sent(fleet, feed, http_get, machine):
    record = asked(f"{feed}/record", http_get)
    assert record["connections"], "nobody is connected to the feed"
    # What was sent to an earlier connection may have been meant for a store that is no more.
    first = max(record["connections"][0]["from"], record["sent"] - JUDGED)
    sent = asked(f"{feed}/record?from={first}&to={record['sent']}", http_get)
    assert sent["count"] > 0, "the feed has sent nothing yet"
    worker = fleet.where("worker.service")
    assert worker, "worker.service is not active anywhere"
    command = f"docker exec worker node stored.mjs {first} {record['sent']}"
    for _ in range(3):  # the last ones may be on their way
        stored = json.loads(machine(worker).check_output(command))
        if stored["checksum"] == sent["checksum"]:
            return
        time.sleep(0.5)
    pytest.fail(f"of the events {first} to {record['sent']} the feed has sent {sent['count']}, stored are {stored}")


@pytest.mark.lasting
@pytest.mark.survives
def test_a_refreshed_announcement_restarts_nobody(webs, http_get):
    for unit, address in webs.items():
        up = asked(f"http://{address}:3000/health", http_get)["up"]
        assert up >= STEADY, f"{unit} was started {up:.1f} s ago"
