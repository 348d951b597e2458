"""What checks are given: the nodes, a way into each, etcd, fleet and HTTP. docs/writing-a-lab.md describes them."""

from __future__ import annotations

import http.client
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest

from coreos_lab import wait
from coreos_lab.checks import INVENTORY
from coreos_lab.clients.etcd import Etcd
from coreos_lab.clients.fleet import Fleet
from coreos_lab.clients.http import CannotCheckError, request


@dataclass(frozen=True)
class CheckedNode:
    """A node as checks see it. One that is `broken` has a fault at the moment; it may run nevertheless."""

    name: str
    address: str
    member: bool
    running: bool
    broken: bool = False


@dataclass(frozen=True)
class Inventory:
    """The cluster that is checked, with all of its nodes."""

    cluster: str
    ssh_config: str
    nodes: tuple[CheckedNode, ...]

    @property
    def running(self) -> tuple[CheckedNode, ...]:
        """The nodes that run; CannotCheckError when none does."""
        found = tuple(node for node in self.nodes if node.running)
        if not found:
            raise CannotCheckError(f"{self.cluster}: none of its nodes runs")
        return found

    @property
    def asked(self) -> tuple[CheckedNode, ...]:
        """The nodes to ask for the cluster's state: a broken one may live in yesterday, cut off from the others."""
        return tuple(node for node in self.running if not node.broken) or self.running


@dataclass(frozen=True)
class Answer:
    """An answer over HTTP. Status 0: there was none, and `body` says why."""

    status: int
    body: str


class NamedFleet(Fleet):
    """fleet, with nodes by their names."""

    def __init__(self, inventory: Inventory) -> None:
        super().__init__([node.address for node in inventory.asked])
        self._names = {node.address: node.name for node in inventory.nodes}

    def where(self, unit: str) -> str | None:
        """The name of the node on which a unit is active, None while there is none."""
        return self.active(unit).get(unit)

    def active(self, pattern: str) -> dict[str, str]:
        """Every active unit whose name fits a pattern such as `web@*.service`, with the name of its node."""
        nodes = {machine.id: self._names.get(machine.address, machine.address) for machine in self.machines()}
        return {
            state.name: nodes[state.machine_id]
            for state in sorted(self.states(), key=lambda state: state.name)
            if state.active == "active" and state.machine_id in nodes and fnmatchcase(state.name, pattern)
        }


def get(url: str, *, timeout: float = 2.0, method: str = "GET") -> Answer:
    """Asks a URL. That nobody answers within `timeout` seconds is an answer too: for a front, it is the failure."""
    parts = urlsplit(url)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        return Answer(*request(f"{parts.scheme}://{parts.netloc}", method, path, timeout=timeout))
    except (OSError, http.client.HTTPException) as error:
        return Answer(0, f"no answer: {error or type(error).__name__}")


def read_inventory(path: Path) -> Inventory:
    """Reads the file that the lab writes about its nodes."""
    raw = json.loads(path.read_text(encoding="utf-8"))
    wait.be_patient(emulated=raw.get("emulated", False))
    return Inventory(raw["cluster"], raw["ssh_config"], tuple(CheckedNode(**node) for node in raw["nodes"]))


@pytest.fixture(scope="session")
def inventory() -> Inventory:
    """The cluster and all of its nodes, broken ones too."""
    return read_inventory(Path(os.environ[INVENTORY]))


@pytest.fixture
def addresses(inventory: Inventory) -> dict[str, str]:
    """The address of each node that is there, by its name: it runs, and if it is broken, fleet still counts on it."""
    there = inventory.running
    if any(node.broken for node in there):
        listed = {machine.address for machine in NamedFleet(inventory).machines()}
        there = tuple(node for node in there if not node.broken or node.address in listed)
    return {node.name: node.address for node in there}


@pytest.fixture
def nodes(addresses: dict[str, str]) -> list[str]:
    """The names of the nodes that are there."""
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
    members_first = sorted(inventory.asked, key=lambda node: not node.member)
    return Etcd([node.address for node in members_first])


@pytest.fixture
def fleet(inventory: Inventory) -> NamedFleet:
    """The cluster's fleet, whichever node answers."""
    return NamedFleet(inventory)


@pytest.fixture(scope="session")
def http_get() -> Callable[..., Answer]:
    """http_get(url): an Answer with status and body, whatever happens."""
    return get


@pytest.fixture
def scratch_key(etcd: Etcd) -> Iterator[str]:
    """An etcd key that no one else uses, removed after the check."""
    key = f"/lab-check-{os.getpid()}"
    yield key
    etcd.remove(key)
