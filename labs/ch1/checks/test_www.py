"""ch1: two web servers on two machines, each announced by its sidekick, found by the balancer."""

import json
import time

import pytest

NGINX = "nginx@*.service"


@pytest.fixture
def announced(etcd):
    """What is announced under /services/www, by the unit's name."""
    found = etcd.tree("/services/www")
    return {key.rpartition("/")[2] + ".service": json.loads(value) for key, value in found.items()}


@pytest.mark.survives
def test_two_nginx_run_and_never_on_one_machine(fleet):
    where = fleet.active(NGINX)
    assert len(where) == 2, f"{len(where)} of 2 instances run: {', '.join(where) or 'none'}"
    assert len(set(where.values())) == 2, f"both run on {where.popitem()[1]}, in spite of Conflicts="


@pytest.mark.survives
def test_each_sidekick_is_beside_its_nginx(fleet):
    sidekicks = fleet.active("nginx-sidekick@*.service")
    for unit, node in fleet.active(NGINX).items():
        sidekick = unit.replace("nginx@", "nginx-sidekick@")
        assert sidekicks.get(sidekick) == node, f"{unit} runs on {node}, {sidekick} on {sidekicks.get(sidekick)}"


@pytest.mark.survives
def test_each_nginx_is_announced_with_its_machine(fleet, announced, addresses):
    where = fleet.active(NGINX)
    assert set(announced) == set(where), f"announced are {sorted(announced)}, running are {sorted(where)}"
    for unit, node in where.items():
        assert announced[unit]["host"] == node, f"{unit} runs on {node}, but is announced on {announced[unit]['host']}"
        assert announced[unit]["address"] == addresses.get(node), (
            f"{unit} is announced at another address than {node}'s"
        )


@pytest.mark.survives
def test_what_is_announced_answers(announced, http_get):
    assert announced, "nothing is announced under /services/www"
    for unit, place in announced.items():
        answer = http_get(f"http://{place['address']}:{place['port']}/")
        assert answer.status == 200, f"{unit} is announced on {place['host']}, where {answer.body}"
        assert f"{unit.removesuffix('.service').replace('@', '-')}.{place['host']}" in answer.body


@pytest.mark.survives
def test_the_balancer_answers_on_every_machine(addresses, http_get):
    for node, address in addresses.items():
        answer = http_get(f"http://{address}:8080/")
        assert answer.status == 200, f"{node}: HTTP {answer.status}: {answer.body.strip()}"
        assert "nginx is here" in answer.body, f"{node}: somebody else answers: {answer.body[:80]}"


def test_the_balancer_uses_both_nginx(addresses, http_get):
    node, address = next(iter(addresses.items()))
    bodies = {http_get(f"http://{address}:8080/").body for _ in range(6)}
    for instance in ("nginx-1.", "nginx-2."):
        assert any(instance in body for body in bodies), f"{node}: six requests, none was answered by {instance[:-1]}"


def test_a_stopped_sidekick_takes_its_announcement_along(fleet, etcd, machine):
    node = fleet.where("nginx-sidekick@2.service")
    assert node, "nginx-sidekick@2.service does not run"
    host, key = machine(node), "/services/www/nginx@2"
    try:
        host.check_output("sudo systemctl stop nginx-sidekick@2.service")
        assert etcd.get(key) is None, f"{key} is still there after the stop"
    finally:
        host.check_output("sudo systemctl start nginx-sidekick@2.service")
    end = time.monotonic() + 5
    while etcd.get(key) is None:
        assert time.monotonic() < end, f"{key} is not back 5 s after the start"
        time.sleep(0.1)
