"""The host's routes: what is in the way of a subnet."""

from __future__ import annotations

from ipaddress import IPv4Network

from coreos_lab.providers import routes


def route(net: str, device: str) -> routes.Route:
    return routes.Route(IPv4Network(net), device)


def test_a_wider_route_is_no_conflict_the_same_net_is() -> None:
    docker = route("172.17.0.0/16", "docker0")
    assert routes.conflict("172.17.8.0/24", "lab0", [docker]) is None
    other = route("172.17.8.0/24", "eth3")
    assert routes.conflict("172.17.8.0/24", "lab0", [docker, other]) == other
    assert routes.conflict("172.17.8.0/24", "lab0", [route("172.17.8.0/24", "lab0")]) is None
    assert routes.conflict("172.17.8.0/24", "lab0", [route("172.17.8.5/32", "wg0")]) is not None


def test_routes_are_read_from_ip() -> None:
    text = '[{"dst":"default","dev":"eth0"},{"dst":"192.0.2.0/24","dev":"eth0"},{"dst":"10.1.1.1","dev":"lo"}]'
    assert routes.parse(text) == [route("192.0.2.0/24", "eth0"), route("10.1.1.1/32", "lo")]


def test_no_routes_at_all() -> None:
    assert routes.parse("") == routes.parse("[]") == []
    assert routes.parse('[{"type":"unreachable","dst":"10.0.0.0/8"}]') == []
