"""ch1: two web servers on two machines, each announced by its sidekick and found by the balancer."""

import json

import pytest

NGINX = "nginx@*.service"


@pytest.fixture
def announced(etcd):
    """The announcements under /services/www, by unit."""
    tree = etcd.tree("/services/www")
    return {key.rpartition("/")[2] + ".service": json.loads(value) for key, value in tree.items()}


@pytest.mark.survives
def test_two_nginx_run_on_different_machines(fleet):
    where = fleet.active(NGINX)
    assert len(where) == 2, f"{len(where)} of 2 instances run: {', '.join(where) or 'none'}"
    assert len(set(where.values())) == 2, f"both run on {where.popitem()[1]}, despite Conflicts="


@pytest.mark.survives
def test_each_sidekick_runs_with_its_nginx(fleet):
    sidekicks = fleet.active("nginx-sidekick@*.service")
    for unit, node in fleet.active(NGINX).items():
        sidekick = unit.replace("nginx@", "nginx-sidekick@")
        assert sidekicks.get(sidekick) == node, f"{unit} runs on {node}, {sidekick} on {sidekicks.get(sidekick)}"


@pytest.mark.survives
def test_each_nginx_is_announced_with_its_machine(fleet, announced, addresses):
    where = fleet.active(NGINX)
    assert set(announced) == set(where), f"announced: {sorted(announced)}; running: {sorted(where)}"
    for unit, node in where.items():
        assert announced[unit]["host"] == node, f"{unit} runs on {node}, but is announced on {announced[unit]['host']}"
        assert announced[unit]["address"] == addresses.get(node), (
            f"{unit} is announced at {announced[unit]['address']}, not at the address of {node}"
        )


@pytest.mark.survives
def test_each_announced_server_answers(announced, http_get):
    assert announced, "no server is announced under /services/www"
    for unit, place in announced.items():
        answer = http_get(f"http://{place['address']}:{place['port']}/")
        assert answer.status == 200, f"{unit} on {place['host']}: HTTP {answer.status}: {answer.body}"
        assert f"{unit.removesuffix('.service').replace('@', '-')}.{place['host']}" in answer.body


@pytest.mark.survives
def test_the_balancer_answers_on_every_machine(addresses, http_get):
    for node, address in addresses.items():
        answer = http_get(f"http://{address}:8080/")
        assert answer.status == 200, f"{node}: HTTP {answer.status}: {answer.body.strip()}"
        assert "nginx is here" in answer.body, f"{node}: another server answers: {answer.body[:80]}"


def test_the_balancer_uses_both_nginx(addresses, http_get):
    node, address = next(iter(addresses.items()))
    bodies = {http_get(f"http://{address}:8080/").body for _ in range(6)}
    for instance in ("nginx-1.", "nginx-2."):
        assert any(instance in body for body in bodies), f"{node}: none of six requests was answered by {instance[:-1]}"


def test_a_stopped_sidekick_removes_its_announcement(node_of, etcd, machine, eventually):
    host, key = machine(node_of("nginx-sidekick@2.service").name), "/services/www/nginx@2"
    try:
        host.check_output("sudo systemctl stop nginx-sidekick@2.service")
        assert etcd.get(key) is None, f"{key} still exists after the stop"
    finally:
        host.check_output("sudo systemctl start nginx-sidekick@2.service")
    eventually(lambda: etcd.get(key) is not None, f"{key} does not exist again after the start")
