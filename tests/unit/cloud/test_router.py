"""A subnet's routing table, from its route table."""

from __future__ import annotations

from dataclasses import replace

from coreos_lab.cloud import router
from coreos_lab.cloud.network import Route
from coreos_lab.model import Cloud
from tests.unit.cloud.test_firewall import SUBNETS, VPC

CLOUD = Cloud("aws", "us-west-2", 3, "AKIA", "s")


def lines(*routes: Route) -> set[str]:
    return router.routes(CLOUD, VPC, replace(SUBNETS[0], routes=routes))


LOCAL = {"10.1.1.0/24 dev subnet1", "10.1.2.0/24 dev subnet2", "unreachable 10.1.0.0/16"}


def test_only_the_vpc_itself_is_reached_without_routes() -> None:
    assert lines() == {*LOCAL, "unreachable default"}


def test_routes_to_the_internet_to_an_instance_and_to_nowhere() -> None:
    routes = (
        Route("0.0.0.0/0", internet=True),
        Route("10.10.5.0/24", address="10.1.2.5"),
        Route("10.10.6.0/24"),
        Route("10.10.7.0/24", address="172.31.0.5"),
    )
    assert lines(*routes) == {
        *LOCAL,
        "default via 198.18.3.1 dev uplink",
        "10.10.5.0/24 via 10.1.2.5 dev subnet2 onlink",
        "blackhole 10.10.6.0/24",
        "blackhole 10.10.7.0/24",
    }


def test_what_a_line_is_for() -> None:
    assert [router.destination(line) for line in sorted(lines())] == [
        "10.1.1.0/24",
        "10.1.2.0/24",
        "10.1.0.0/16",
        "default",
    ]
