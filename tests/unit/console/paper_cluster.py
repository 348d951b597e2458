"""A cluster of paper, as a collector would see it, and a console that shows it."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from coreos_lab.console import drawn, serving, walking
from coreos_lab.console.acts import Acts, Order
from coreos_lab.console.feed import Feed
from coreos_lab.console.gate import Keys
from coreos_lab.console.site import Site
from coreos_lab.definition import catalog
from coreos_lab.events import Event
from coreos_lab.model import FaultKind, NodeState
from coreos_lab.plan import Request, plan
from coreos_lab.providers.base import CableProvider, DiskProvider, LimitProvider, PausingProvider, Provider
from coreos_lab.records import store
from coreos_lab.records.consoles import Console
from tests.unit.paper import stands_for

UNITS = ("helloworld", "helloworld-sidekick")


@stands_for(Provider, PausingProvider, CableProvider, LimitProvider, DiskProvider)
class Paper:
    """A provider whose nodes run and can be paused, and have cables, limits and disks."""

    name = "nspawn"
    boot_deadline = 10.0
    boots_at_once: int | None = None
    own_clocks = False

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name)

    def state(self, *_args: object) -> NodeState:
        return NodeState.RUNNING

    def journal_folders(self, *_args: object) -> tuple[()]:
        return ()


class PaperActs(Acts):
    """Notes the calls that are asked for instead of making them, and goes through them as if `lab` had."""

    def __init__(self, feed: Feed) -> None:
        super().__init__("core", feed, lambda: None)
        self.orders: list[Order] = []

    def begin(self, given: Order) -> int:
        self.orders.append(given)
        number = len(self.orders)
        lines = ["    0.1 .. fault core-02: kill: its power is cut"]
        self._feed.update(acts={str(number): {"command": given.typed, "wall": time.time(), "lines": lines}})
        return number


def node(number: int, *, nodes: int = 3) -> dict[str, Any]:
    """A node that serves."""
    return {
        "address": f"172.17.8.{100 + number}",
        "state": "running",
        "etcd": "member" if number <= min(5, nodes) else "client",
        "etcd_healthy": True,
        "fleet": True,
        "isolated": True,
        "image": "3f7c6a1b9d0e5f2a",
        "memory": 112 + 7 * (number % 5),
        "leaving": False,
    }


def unit(name: str, node_name: str, active: str = "active", sub: str = "running", reason: str = "") -> dict[str, Any]:
    """A unit's row in a document."""
    return {"name": name, "node": node_name, "active": active, "sub": sub, "reason": reason}


def units(*rows: dict[str, Any]) -> dict[str, Any]:
    """The units of a document."""
    return {f"{row['name']} {row['node']}": row for row in rows}


def document(nodes: int = 3) -> dict[str, Any]:
    """A cluster in order, with ch3."""
    names = [f"core-{number:02}" for number in range(1, nodes + 1)]
    rows = [unit(f"{name}@{at}.service", each) for at, each in enumerate(names, 1) for name in UNITS]
    rows += [unit(f"helloworld-nginx{more}.service", names[min(1, nodes - 1)]) for more in ("", "-sidekick")]
    return {
        "provider": "nspawn",
        "subnet": "172.17.8.0/24",
        "leader": names[0],
        "nodes": {name: node(number, nodes=nodes) for number, name in enumerate(names, 1)},
        "units": units(*rows),
        "faults": {},
        "busy": "",
        "trouble": "",
        "seen": round(time.time(), 1),
    }


def fault(node_name: str, kind: FaultKind, family: str, ago: float = 12.0) -> dict[str, Any]:
    """A fault on record."""
    return {
        "node": node_name,
        "kind": kind.value,
        "family": family,
        "text": f"{kind.value}: …",
        "wall": time.time() - ago,
    }


def broken(before: dict[str, Any]) -> dict[str, Any]:
    """The same cluster, with core-02 killed: its units wait, or fail on other machines."""
    found = {key: dict(row) for key, row in before["units"].items() if row["node"] != "core-02"}
    found |= units(
        unit(
            "helloworld@2.service",
            "",
            "unscheduled",
            "",
            "helloworld@2.service: no machine can run it: "
            "Conflicts=helloworld@*.service keeps it off, where helloworld@1.service runs",
        ),
        unit("helloworld-sidekick@2.service", "", "unscheduled", ""),
        unit("helloworld-nginx.service", "core-03", "activating", "start-pre"),
        unit("helloworld-nginx-sidekick.service", "core-03", "failed", "failed"),
    )
    nodes = {
        **before["nodes"],
        "core-02": {
            **before["nodes"]["core-02"],
            "state": "stopped",
            "fleet": False,
            "etcd_healthy": False,
            "memory": None,
        },
    }
    faults = {"f1": fault("core-02", FaultKind.KILL, "machine")}
    return {**before, "nodes": nodes, "units": found, "faults": faults, "leader": "core-03"}


def labs(nodes: int = 3) -> dict[str, Any]:
    """ch3 as deployed, with its real map."""
    lab = catalog.load("ch3").on(nodes)
    steps = [{"section": "Look", "title": f"lab status {number}"} for number in range(1, 9)]
    return {
        "ch3": {
            "title": lab.title,
            "walk": "lab walk ch3",
            "map": drawn.layout(lab),
            "objectives": {"ch3/front": 15.0},
            "steps": steps,
            "step": 4,
            "now": {"text": walking.html("Look at **all** of `them`."), "commands": ["lab status 4"], "on": ""},
        }
    }


def sample(ago: float, *, ok: bool = True, ms: float = 3.0) -> dict[str, Any]:
    """A probe's sample."""
    wall = round(time.time() - ago, 2)
    return {"probe": "ch3/front", "wall": wall, "ok": ok, "ms": ms, "detail": "172.17.8.102" if ok else "no answer"}


@dataclass
class Shown:
    """A console that is served: its feed, what was asked of it, and its links."""

    feed: Feed
    acts: PaperActs
    port: int
    looks: list[bool] = field(default_factory=list)
    console: Console = field(init=False)

    def __post_init__(self) -> None:
        self.console = Console(self.port, "t" * 32, "l" * 32)

    @property
    def link(self) -> str:
        return self.console.link(self.console.token)

    def happened(self, step: str, subject: str, message: str, tone: str = "") -> None:
        self.feed.happened(Event("note", step, subject, message, data={"tone": tone}))


@contextmanager
def shown(nodes: int = 3, port: int = 0) -> Iterator[Shown]:
    """A console of a planned cluster, without a collector: the test puts into its feed what is to be seen."""
    store.save(plan(Request(nodes=nodes), None, set()))
    feed = Feed()
    with socket.create_server(("127.0.0.1", port)) as opened:
        made = Shown(feed, PaperActs(feed), opened.getsockname()[1])
        feed.on_look = made.looks.append
        feed.update(cluster="core", acts={}, call=serving.call())
        site = Site("core", Paper(), feed, made.acts, Keys(made.console), serving.page())
        with serving.served(site.app(made.port), opened):
            yield made
