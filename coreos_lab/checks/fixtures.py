"""The fixtures of checks: the nodes, a way into each, etcd, fleet, HTTP, and shortcuts for what checks often need.

Every lab has them, including a user's own. docs/writing-a-lab.md describes each.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from coreos_lab import wait
from coreos_lab.checks import web
from coreos_lab.checks.inventory import CheckedNode, Inventory, read_inventory
from coreos_lab.checks.named_fleet import NamedFleet
from coreos_lab.checks.runner import INVENTORY
from coreos_lab.clients.etcd import Etcd

DOWN = "fleet reports {unit} as active on {node}, which is down"


@pytest.fixture(scope="session")
def inventory() -> Inventory:
    """The cluster and all of its nodes, broken ones too."""
    return read_inventory(Path(os.environ[INVENTORY]))


@pytest.fixture
def addresses(inventory: Inventory) -> dict[str, str]:
    """The address of each present node, by name: it runs and, if it is broken, fleet still lists it."""
    present = inventory.running
    if any(node.broken for node in present):
        listed = {machine.address for machine in NamedFleet(inventory).machines()}
        present = tuple(node for node in present if not node.broken or node.address in listed)
    return {node.name: node.address for node in present}


@pytest.fixture
def nodes(addresses: dict[str, str]) -> list[str]:
    """The names of the present nodes."""
    return [*addresses]


@pytest.fixture(scope="session")
def machine(inventory: Inventory) -> Callable[[str], Any]:
    """machine("core-01"): testinfra's host for a node, reached over SSH as user core."""
    hosts: dict[str, Any] = {}

    def reach(name: str) -> Any:
        import testinfra  # slow to import, and many checks do without

        if name not in hosts:
            timeout = round(wait.patiently(3))
            hosts[name] = testinfra.get_host(f"ssh://{name}?ssh_config={quote(inventory.ssh_config)}&timeout={timeout}")
        return hosts[name]

    return reach


@pytest.fixture
def etcd(inventory: Inventory) -> Etcd:
    """The cluster's etcd, whichever node answers."""
    members_first = sorted(inventory.reliable, key=lambda node: not node.member)
    return Etcd([node.address for node in members_first])


@pytest.fixture
def fleet(inventory: Inventory) -> NamedFleet:
    """The cluster's fleet, whichever node answers."""
    return NamedFleet(inventory)


@pytest.fixture
def node_of(inventory: Inventory, fleet: NamedFleet, addresses: dict[str, str]) -> Callable[[str], CheckedNode]:
    """node_of("web.service"): the node on which a unit is active. Fails where there is none, or where it is down."""
    by_name = {node.name: node for node in inventory.nodes}

    def find(unit: str) -> CheckedNode:
        name = fleet.where(unit)
        if name is None:
            pytest.fail(f"{unit} is not active anywhere")
        if name not in addresses:
            pytest.fail(DOWN.format(unit=unit, node=name))
        return by_name[name]

    return find


@pytest.fixture
def addresses_of(fleet: NamedFleet, addresses: dict[str, str]) -> Callable[[str], dict[str, str]]:
    """addresses_of("web@*.service"): the addresses of the active units' nodes, by unit. Fails where one is down."""

    def find(pattern: str) -> dict[str, str]:
        units = fleet.active(pattern)
        for unit, node in units.items():
            if node not in addresses:
                pytest.fail(DOWN.format(unit=unit, node=node))
        return {unit: addresses[node] for unit, node in units.items()}

    return find


@pytest.fixture
def container_address(machine: Callable[[str], Any]) -> Callable[[str, str], str]:
    """container_address("core-01", "web-1"): the address of a container on its node's network. Fails without one."""
    template = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"

    def find(node: str, container: str) -> str:
        return str(machine(node).check_output(f"docker inspect --format '{template}' {container}"))

    return find


@pytest.fixture(scope="session")
def http_get() -> Callable[..., web.Answer]:
    """http_get(url): an Answer with status and body, whatever happens."""
    return web.get


@pytest.fixture(scope="session")
def http_json() -> Callable[..., Any]:
    """http_json(url): the JSON at a URL; the check fails when there is none."""
    return web.get_json


@pytest.fixture
def visitor() -> web.Visitor:
    """visitor.get(url): like http_get, by a visitor with cookies: those that one server sets go to all servers."""
    return web.Visitor()


@pytest.fixture
def nginx_upstream(machine: Callable[[str], Any]) -> Callable[[str, str, str], list[str]]:
    """nginx_upstream("core-01", "front", "web"): the lines of an upstream of the nginx in a container, sorted.

    They are read from the container's /etc/nginx/conf.d; there are none where it has no such upstream.
    """

    def read(node: str, container: str, name: str) -> list[str]:
        configuration = machine(node).check_output(f"docker exec {container} sh -c 'cat /etc/nginx/conf.d/*.conf'")
        block = re.search(rf"^\s*upstream\s+{re.escape(name)}\s*\{{(.*?)\}}", configuration, re.DOTALL | re.MULTILINE)
        return sorted(line.strip() for line in block[1].splitlines() if line.strip()) if block else []

    return read


@pytest.fixture(scope="session")
def one_session() -> Callable[..., None]:
    """one_session(urls): one visitor's visits to servers that share their sessions are counted from 1 on.

    Each URL answers with JSON that has the visitor's number of `visits`. Fails where a server begins anew.
    """

    def visit(urls: Iterable[str], *, timeout: float = 3.0) -> None:
        visitor = web.Visitor()
        pages = [visitor.get_json(url, timeout=timeout) for url in urls]
        visits = [page.get("visits") if isinstance(page, dict) else page for page in pages]
        if not visits:
            pytest.fail("there is no server to visit")
        if visits != list(range(1, len(visits) + 1)):
            pytest.fail(f"one visitor's visits were counted as {visits}")

    return visit


@pytest.fixture(scope="session")
def eventually() -> Callable[..., None]:
    """eventually(condition, message, within=5): calls `condition` until it is true; fails after `within` seconds.

    `message` may be a function, which is called then: so it can say what is so at that moment.
    """

    def hold(condition: Callable[[], object], message: Callable[[], str] | str, *, within: float = 5.0) -> None:
        try:
            wait.until(condition, deadline=wait.patiently(within), missing=message, interval=0.1)
        except wait.DeadlineError as error:
            pytest.fail(error.message)

    return hold


@pytest.fixture
def scratch_key(etcd: Etcd) -> Iterator[str]:
    """An etcd key of the check's own, removed after it."""
    key = f"/lab-check-{os.getpid()}"
    yield key
    etcd.remove(key)
